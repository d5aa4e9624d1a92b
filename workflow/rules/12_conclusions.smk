# REQUIRED INPUTS  results/published_and_rebuilt/{numbers.json,tables/tbl-published-and-rebuilt.csv}, results/<rule>/
#                  numbers.json of the sections that it reads
# OUTPUTS          results/conclusions/{numbers.json,tables/,text/}; the index shows its headlines


rule conclusions:
    input:
        **code("conclusions"),
        compared="results/published_and_rebuilt/tables/tbl-published-and-rebuilt.csv",
        codebook="config/codebooks/part1.yaml",
        numbers=[
            f"results/{name}/numbers.json" for name in [*REBUILT_FROM, "published_and_rebuilt"]
        ],
        schemas=schemas("codebook"),
    output:
        **exhibits(
            "conclusions",
            tables=["tbl-conclusions-headlines"],
            texts=["headlines", "findings", "recommendations", "not-supported"],
        ),
    log:
        "logs/conclusions.log",
    benchmark:
        "benchmarks/conclusions.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"confidence_level": config["confidence_level"]},
    shell:
        "python {input.script} --compared {input.compared} --codebook {input.codebook}"
        " --numbers {input.numbers} --settings {params.settings:q} --out results/conclusions 2> {log}"
