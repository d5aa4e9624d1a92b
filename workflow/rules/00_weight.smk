# REQUIRED INPUTS  results/ingest/{frame,disposition}.parquet, config/sample_design.yaml
# OUTPUTS          results/weight/sample.parquet: one row a mailed survey, every weight factor


rule weight:
    input:
        **code("weight"),
        frame="results/ingest/frame.parquet",
        disposition="results/ingest/disposition.parquet",
        design="config/sample_design.yaml",
        schemas=schemas("sample_design"),
    output:
        sample="results/weight/sample.parquet",
    log:
        "logs/weight.log",
    benchmark:
        "benchmarks/weight.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"smallest_class": config["nonresponse"]["smallest_class"]},
    shell:
        "python {input.script} --frame {input.frame} --disposition {input.disposition}"
        " --design {input.design} --settings {params.settings:q} --out {output.sample} 2> {log}"
