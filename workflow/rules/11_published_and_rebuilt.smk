# REQUIRED INPUTS  data/published/report_2008.csv, config/standin.yaml (what it was calibrated to),
#                  results/{survey_methods,perceptions}/numbers.json
# OUTPUTS          results/published_and_rebuilt/{numbers.json,tables/,text/}; chapters 2 to 9 show its tables


rule published_and_rebuilt:
    input:
        **code("published_and_rebuilt"),
        published="data/published/report_2008.csv",
        standin="config/standin.yaml",
        codebook="config/codebooks/part1.yaml",
        numbers=[f"results/{name}/numbers.json" for name in ("survey_methods", "perceptions")],
        schemas=schemas("standin", "codebook"),
    output:
        **exhibits(
            "published_and_rebuilt",
            tables=[
                "tbl-published-and-rebuilt",
                "tbl-published-design-sample",
                "tbl-published-perceptions",
                "tbl-published-preparation",
                "tbl-published-identification",
                "tbl-published-model",
                "tbl-published-case-characteristics",
                "tbl-published-strategies-sources",
                "tbl-published-taskforce-recommendations",
            ],
            texts=["findings"],
        ),
    log:
        "logs/published_and_rebuilt.log",
    benchmark:
        "benchmarks/published_and_rebuilt.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python {input.script} --published {input.published} --standin {input.standin}"
        " --codebook {input.codebook} --numbers {input.numbers} --out results/published_and_rebuilt 2> {log}"
