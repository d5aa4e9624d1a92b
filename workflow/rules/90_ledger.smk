# REQUIRED INPUTS  results/<rule>/numbers.json of every section
# OUTPUTS          results/ledger/numbers.json


rule ledger:
    input:
        **code("ledger"),
        numbers=[f"results/{name}/numbers.json" for name in SECTIONS],
    output:
        numbers="results/ledger/numbers.json",
    log:
        "logs/ledger.log",
    benchmark:
        "benchmarks/ledger.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python {input.script} --numbers {input.numbers} --out {output.numbers} 2> {log}"
