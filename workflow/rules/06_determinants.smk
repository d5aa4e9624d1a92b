# REQUIRED INPUTS  results/weight/sample.parquet, config/models.yaml,
#                  results/clean/part1.{perceptions,preparation,identification}.{parquet,json}
#                  results/disclosure/determinants.json (rules for models)
# OUTPUTS          results/determinants/{numbers.json,tables/,figures/,text/}


rule determinants:
    input:
        **code("determinants"),
        sample="results/weight/sample.parquet",
        answers=[
            f"results/clean/part1.{block}.parquet"
            for block in ("perceptions", "preparation", "identification")
        ],
        codebooks=[
            f"results/clean/part1.{block}.json"
            for block in ("perceptions", "preparation", "identification")
        ],
        models=existing("config/models.yaml"),
        schemas=schemas("models"),
        protected="results/disclosure/determinants.json",
    output:
        **exhibits(
            "determinants",
            tables=[
                "tbl-determinants-sample",
                "tbl-determinants-odds",
                "tbl-determinants-effects",
                "tbl-determinants-parts",
                "tbl-determinants-tests",
                "tbl-determinants-counts",
                "tbl-determinants-robustness",
                "tbl-determinants-diagnostics",
                "tbl-determinants-sensitivity",
            ],
            figures=[
                "fig-determinants-odds",
                "fig-determinants-margins",
                "fig-determinants-expected",
                "fig-determinants-calibration",
                "fig-determinants-robustness",
                "fig-determinants-simultaneity",
            ],
            texts=[
                "findings",
                "sample",
                "nested",
                "fit",
                "margins",
                "parts",
                "counts",
                "robustness",
                "diagnostics",
                "simultaneity",
            ],
        ),
    log:
        "logs/determinants.log",
    benchmark:
        "benchmarks/determinants.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"confidence_level": config["confidence_level"]},
    shell:
        "python {input.script} --sample {input.sample} --answers {input.answers}"
        " --codebooks {input.codebooks} --models {input.models} --protected {input.protected} --settings {params.settings:q}"
        " --out results/determinants 2> {log}"
