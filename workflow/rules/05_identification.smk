# REQUIRED INPUTS  results/weight/sample.parquet, results/clean/part1.identification.{parquet,json}
#                  results/disclosure/identification.json
# OUTPUTS          results/identification/{numbers.json,tables/,figures/,text/}


rule identification:
    input:
        **code("identification"),
        sample="results/weight/sample.parquet",
        part1="results/clean/part1.identification.parquet",
        codebook="results/clean/part1.identification.json",
        protected="results/disclosure/identification.json",
    output:
        **exhibits(
            "identification",
            tables=[
                "tbl-identification-any",
                "tbl-identification-number",
                "tbl-identification-totals",
                "tbl-identification-cumulative",
                "tbl-identification-concentration",
                "tbl-identification-without-answer",
            ],
            figures=[
                "fig-identification-size",
                "fig-identification-region",
                "fig-identification-number",
                "fig-identification-cumulative",
                "fig-identification-lorenz",
            ],
            texts=[
                "findings",
                "any",
                "number",
                "country",
                "partners",
                "concentration",
                "without-answer",
            ],
        ),
    log:
        "logs/identification.log",
    benchmark:
        "benchmarks/identification.tsv"
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
        " --out results/identification 2> {log}"
