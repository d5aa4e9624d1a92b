# REQUIRED INPUTS  results/weight/sample.parquet, results/clean/part1.preparation.{parquet,json}
#                  results/disclosure/preparation.json
# OUTPUTS          results/preparation/{numbers.json,tables/,figures/,text/}


rule preparation:
    input:
        **code("preparation"),
        sample="results/weight/sample.parquet",
        part1="results/clean/part1.preparation.parquet",
        codebook="results/clean/part1.preparation.json",
        protected="results/disclosure/preparation.json",
    output:
        **exhibits(
            "preparation",
            tables=[
                "tbl-preparation-steps",
                "tbl-preparation-forms",
                "tbl-preparation-amounts",
                "tbl-preparation-index",
                "tbl-preparation-reliability",
                "tbl-preparation-assigned",
                "tbl-preparation-law",
                "tbl-preparation-without-answer",
            ],
            figures=[
                "fig-preparation-size",
                "fig-preparation-region",
                "fig-preparation-index",
                "fig-preparation-assigned",
                "fig-preparation-law",
            ],
            texts=[
                "findings",
                "steps",
                "training",
                "index",
                "assigned",
                "law",
                "without-answer",
            ],
        ),
    log:
        "logs/preparation.log",
    benchmark:
        "benchmarks/preparation.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "confidence_level": config["confidence_level"],
            "population_classes": config["population_classes"],
            "reliability": config["reliability"],
        },
    shell:
        "python {input.script} --sample {input.sample} --part1 {input.part1}"
        " --codebook {input.codebook} --protected {input.protected} --settings {params.settings:q}"
        " --out results/preparation 2> {log}"
