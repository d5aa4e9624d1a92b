# REQUIRED INPUTS  results/ingest_lemas/<wave>.parquet and .misfits.csv, config/regions.yaml
# OUTPUTS          results/weight_lemas/<wave>.parquet (one row an agency), <wave>.json (counts)


rule weight_lemas:
    input:
        **code("weight_lemas"),
        table="results/ingest_lemas/{wave}.parquet",
        misfits="results/ingest_lemas/{wave}.misfits.csv",
        regions=existing("config/regions.yaml"),
        schemas=schemas("regions"),
    output:
        table="results/weight_lemas/{wave}.parquet",
        counts="results/weight_lemas/{wave}.json",
    log:
        "logs/weight_lemas.{wave}.log",
    benchmark:
        "benchmarks/weight_lemas.{wave}.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=lambda wildcards: {
            "wave": int(wildcards.wave),
            "population_classes": config["population_classes"],
        },
    shell:
        "python {input.script} --table {input.table} --misfits {input.misfits}"
        " --regions {input.regions} --settings {params.settings:q}"
        " --out {output.table} 2> {log}"
