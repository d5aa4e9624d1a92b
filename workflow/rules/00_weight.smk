# REQUIRED INPUTS  results/clean/{frame,disposition}.parquet, config/sample_design.yaml
# OUTPUTS          results/weight/sample.parquet: one row a mailed survey, every weight factor; weights.json: what the
#                  steps did


rule weight:
    input:
        **code("weight"),
        frame="results/clean/frame.parquet",
        disposition="results/clean/disposition.parquet",
        design="config/sample_design.yaml",
        schemas=schemas("sample_design"),
    output:
        sample="results/weight/sample.parquet",
        record="results/weight/weights.json",
    log:
        "logs/weight.log",
    benchmark:
        "benchmarks/weight.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"nonresponse": config["nonresponse"], "weights": config["weights"]},
    shell:
        "python {input.script} --frame {input.frame} --disposition {input.disposition}"
        " --design {input.design} --settings {params.settings:q} --out results/weight 2> {log}"
