# REQUIRED INPUTS  results/weight/sample.parquet, results/weight_parts/{part2,part3}.parquet, the blocks of
#                  results/clean/ with their codebooks, config/disclosure.yaml, config/models.yaml
# OUTPUTS          results/disclosure/<section>.json (what a section leaves out), cells.json (confidential counts, for the
#                  audit), numbers.json
PART1_BLOCKS = ["part1.perceptions", "part1.preparation", "part1.identification"]
CASE_BLOCKS = [
    "part2.cases_by_year",
    "part2.investigation",
    "part2.networks_and_victims",
    "part3.case",
    "part3.prosecution",
]
PROTECTED = [
    "survey_methods",
    "perceptions",
    "preparation",
    "identification",
    "case_characteristics",
    "investigation_prosecution",
    "task_forces",
    "determinants",
    "sensitivity",
    "weighting_diagnostics",
]


rule disclosure:
    input:
        **code("disclosure"),
        sample="results/weight/sample.parquet",
        part2="results/weight_parts/part2.parquet",
        part3="results/weight_parts/part3.parquet",
        blocks=[f"results/clean/{name}.parquet" for name in PART1_BLOCKS + CASE_BLOCKS],
        books=[f"results/clean/{name}.json" for name in PART1_BLOCKS + CASE_BLOCKS],
        rules=existing("config/disclosure.yaml"),
        models=existing("config/models.yaml"),
        schemas=schemas("disclosure", "models"),
    output:
        protected=[f"results/disclosure/{name}.json" for name in PROTECTED],
        cells="results/disclosure/cells.json",
        numbers="results/disclosure/numbers.json",
    log:
        "logs/disclosure.log",
    benchmark:
        "benchmarks/disclosure.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "confidence_level": config["confidence_level"],
            "population_classes": config["population_classes"],
            "reliability": config["reliability"],
        },
    shell:
        "python {input.script} --sample {input.sample} --part2 {input.part2} --part3 {input.part3}"
        " --blocks {input.blocks} --books {input.books} --rules {input.rules}"
        " --models {input.models}"
        " --settings {params.settings:q} --out results/disclosure 2> {log}"
