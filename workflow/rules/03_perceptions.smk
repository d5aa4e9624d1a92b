# REQUIRED INPUTS  results/weight/sample.parquet, results/ingest/part1.parquet,
#                  config/codebooks/part1.yaml
# OUTPUTS          results/perceptions/{numbers.json,tables/,figures/,text/}


rule perceptions:
    input:
        **code("perceptions"),
        sample="results/weight/sample.parquet",
        part1="results/ingest/part1.parquet",
        codebook="config/codebooks/part1.yaml",
        schemas=schemas("codebook"),
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
                "fig-perceptions-sources",
            ],
            texts=["findings", "size", "without-rating", "sources", "headline"],
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
        " --codebook {input.codebook} --settings {params.settings:q}"
        " --out results/perceptions 2> {log}"
