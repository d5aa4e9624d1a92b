# REQUIRED INPUTS  results/clean/{frame,disposition}.parquet, blocks of Part I, results/weight/sample.parquet,
#                  config/sample_design.yaml, benchmarks/results/coverage.csv (python benchmarks/coverage.py),
#                  results/disclosure/sensitivity.json
# OUTPUTS          results/sensitivity/{numbers.json,tables/,figures/,text/}: appendix D


rule sensitivity:
    input:
        **code("sensitivity"),
        frame="results/clean/frame.parquet",
        disposition="results/clean/disposition.parquet",
        sample="results/weight/sample.parquet",
        part1=[f"results/clean/part1.{block}.parquet" for block in BLOCKS["part1"]],
        codebooks=[f"results/clean/part1.{block}.json" for block in BLOCKS["part1"]],
        design="config/sample_design.yaml",
        coverage="benchmarks/results/coverage.csv",
        schemas=schemas("sample_design"),
        protected="results/disclosure/sensitivity.json",
    output:
        **exhibits(
            "sensitivity",
            tables=[
                "tbl-sensitivity-waves",
                "tbl-sensitivity-tipping",
                "tbl-sensitivity-scenarios",
                "tbl-sensitivity-blocks",
                "tbl-sensitivity-items",
                "tbl-sensitivity-imputed",
                "tbl-sensitivity-coverage",
            ],
            figures=[
                "fig-sensitivity-stopped",
                "fig-sensitivity-tipping",
                "fig-sensitivity-imputed",
            ],
            texts=["findings", "waves", "tipping", "items", "imputed", "coverage"],
        ),
    log:
        "logs/sensitivity.log",
    benchmark:
        "benchmarks/sensitivity.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "confidence_level": config["confidence_level"],
            "population_classes": config["population_classes"],
            "reliability": config["reliability"],
            "nonresponse": config["nonresponse"],
            "weights": config["weights"],
            "sensitivity": config["sensitivity"],
        },
    shell:
        "python {input.script} --frame {input.frame} --disposition {input.disposition}"
        " --sample {input.sample} --design {input.design} --coverage {input.coverage}"
        " --protected {input.protected} --part1 {input.part1} --codebooks {input.codebooks} --settings {params.settings:q}"
        " --out results/sensitivity 2> {log}"
