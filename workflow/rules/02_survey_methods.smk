# REQUIRED INPUTS  results/clean/frame.parquet, results/weight/sample.parquet,
#                  data/published/frame_counts.csv, config/sample_design.yaml, results/disclosure/survey_methods.json
# OUTPUTS          results/survey_methods/{numbers.json,tables/,figures/,text/}


rule survey_methods:
    input:
        **code("survey_methods"),
        frame="results/clean/frame.parquet",
        sample="results/weight/sample.parquet",
        counts="data/published/frame_counts.csv",
        design="config/sample_design.yaml",
        codebook="config/codebooks/disposition.yaml",
        protected="results/disclosure/survey_methods.json",
        schemas=schemas("sample_design", "codebook"),
    output:
        **exhibits(
            "survey_methods",
            tables=[
                "tbl-methods-frame",
                "tbl-methods-sample",
                "tbl-methods-dispositions",
                "tbl-methods-rates",
                "tbl-methods-weights",
                "tbl-methods-balance",
            ],
            figures=["fig-methods-returns", "fig-methods-response", "fig-methods-weights"],
            texts=["notice", "findings", "frame", "steps", "weights", "variance"],
        ),
    log:
        "logs/survey_methods.log",
    benchmark:
        "benchmarks/survey_methods.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "population_classes": config["population_classes"],
            "nonresponse": config["nonresponse"],
            "weights": config["weights"],
        },
    shell:
        "python {input.script} --frame {input.frame} --sample {input.sample}"
        " --counts {input.counts} --design {input.design} --codebook {input.codebook}"
        " --protected {input.protected} --settings {params.settings:q} --out results/survey_methods 2> {log}"
