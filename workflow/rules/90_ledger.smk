# REQUIRED INPUTS  results/<rule>/numbers.json of every section and of disclosure; the chapters and fragments, for the numbers that they name
# OUTPUTS          results/ledger/numbers.json (all numbers), printed.json (the printed form of those that the book names)
from agency_survey.render import book_dependencies

SOURCES = book_dependencies("reports")


rule ledger:
    input:
        **code("ledger"),
        numbers=[f"results/{name}/numbers.json" for name in ["disclosure", *SECTIONS]],
        texts=[
            *(f"reports/{name}" for name in SOURCES["files"] if name.endswith(".qmd")),
            *(name for name in SOURCES["fragments"] if name.endswith(".md")),
        ],
    output:
        numbers="results/ledger/numbers.json",
        printed="results/ledger/printed.json",
    log:
        "logs/ledger.log",
    benchmark:
        "benchmarks/ledger.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python {input.script} --numbers {input.numbers} --texts {input.texts:q}"
        " --out results/ledger 2> {log}"
