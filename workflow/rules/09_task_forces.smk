# REQUIRED INPUTS  results/weight/sample.parquet, results/clean/part1.{perceptions,preparation,identification}.parquet,
#                  results/clean/part1.preparation.json, results/disclosure/task_forces.json
# OUTPUTS          results/task_forces/{numbers.json,tables/,figures/,text/}


rule task_forces:
    input:
        **code("task_forces"),
        sample="results/weight/sample.parquet",
        part1=[f"results/clean/part1.{block}.parquet" for block in BLOCKS["part1"]],
        codebook="results/clean/part1.preparation.json",
        protected="results/disclosure/task_forces.json",
    output:
        **exhibits(
            "task_forces",
            tables=[
                "tbl-task-forces-outcomes",
                "tbl-task-forces-adjusted",
                "tbl-task-forces-balance",
                "tbl-task-forces-other-ways",
            ],
            figures=[
                "fig-task-forces-outcomes",
                "fig-task-forces-differences",
                "fig-task-forces-balance",
            ],
            texts=["findings", "partners", "differences", "adjusted", "balance", "other-ways"],
        ),
    log:
        "logs/task_forces.log",
    benchmark:
        "benchmarks/task_forces.tsv"
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
        " --out results/task_forces 2> {log}"
