# REQUIRED INPUTS  LEMAS_DIR/<file>, its status, config/codebooks/lemas_<wave>.yaml
# OUTPUTS          results/ingest_lemas/<wave>.parquet, <wave>.misfits.csv, <wave>.missing.csv

for wave in WAVES:
    existing(f"config/codebooks/lemas_{wave}.yaml")


rule ingest_lemas:
    input:
        **code("ingest_lemas"),
        file=lemas_file,
        status="results/external_data/{wave}.json",
        codebook="config/codebooks/lemas_{wave}.yaml",
        schemas=schemas("codebook"),
    output:
        table="results/ingest_lemas/{wave}.parquet",
        misfits="results/ingest_lemas/{wave}.misfits.csv",
        missing="results/ingest_lemas/{wave}.missing.csv",
    log:
        "logs/ingest_lemas.{wave}.log",
    benchmark:
        "benchmarks/ingest_lemas.{wave}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python {input.script} --file {input.file:q} --status {input.status}"
        " --codebook {input.codebook} --out {output.table} 2> {log}"
