# REQUIRED INPUTS  data/published/report_2008.csv, config/rebuilt.yaml (which numbers rebuild it), config/standin.yaml (what
#                  it was calibrated to), results/<rule>/numbers.json of the sections on the survey of 2007
# OUTPUTS          results/published_and_rebuilt/{numbers.json,tables/,figures/,text/}; chapters 2 to 9 show its tables

REBUILT_FROM = [
    "survey_methods",
    "perceptions",
    "preparation",
    "identification",
    "determinants",
    "case_characteristics",
    "investigation_prosecution",
    "task_forces",
]


rule published_and_rebuilt:
    input:
        **code("published_and_rebuilt"),
        published="data/published/report_2008.csv",
        rebuilt="config/rebuilt.yaml",
        standin="config/standin.yaml",
        codebook="config/codebooks/part1.yaml",
        numbers=[f"results/{name}/numbers.json" for name in REBUILT_FROM],
        schemas=schemas("rebuilt", "standin", "codebook"),
    output:
        **exhibits(
            "published_and_rebuilt",
            tables=[
                "tbl-published-and-rebuilt",
                "tbl-published-differences",
                "tbl-published-design-sample",
                "tbl-published-perceptions",
                "tbl-published-preparation",
                "tbl-published-identification",
                "tbl-published-model",
                "tbl-published-case-characteristics",
                "tbl-published-strategies-sources",
                "tbl-published-taskforce-recommendations",
            ],
            figures=["fig-published-and-rebuilt"],
            texts=["findings", "differences"],
        ),
    log:
        "logs/published_and_rebuilt.log",
    benchmark:
        "benchmarks/published_and_rebuilt.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"confidence_level": config["confidence_level"]},
    shell:
        "python {input.script} --published {input.published} --rebuilt {input.rebuilt}"
        " --standin {input.standin} --codebook {input.codebook} --numbers {input.numbers}"
        " --settings {params.settings:q} --out results/published_and_rebuilt 2> {log}"
