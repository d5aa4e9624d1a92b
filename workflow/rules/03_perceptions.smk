# REQUIRED INPUTS  results/weight/sample.parquet, results/clean/part1.perceptions.{parquet,json}
#                  results/disclosure/perceptions.json
# OUTPUTS          results/perceptions/{numbers.json,tables/,figures/,text/}


rule perceptions:
    input:
        **code("perceptions"),
        sample="results/weight/sample.parquet",
        part1="results/clean/part1.perceptions.parquet",
        codebook="results/clean/part1.perceptions.json",
        protected="results/disclosure/perceptions.json",
    output:
        **exhibits(
            "perceptions",
            tables=[
                "tbl-perceptions-ratings",
                "tbl-perceptions-groups",
                "tbl-perceptions-every-form",
                "tbl-perceptions-without-rating",
                "tbl-perceptions-sources",
            ],
            figures=[
                "fig-perceptions-ratings",
                "fig-perceptions-size",
                "fig-perceptions-region",
                "fig-perceptions-sources",
            ],
            texts=["findings", "size", "region", "without-rating", "sources"],
        ),
    log:
        "logs/perceptions.log",
    benchmark:
        "benchmarks/perceptions.tsv"
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
        " --out results/perceptions 2> {log}"
