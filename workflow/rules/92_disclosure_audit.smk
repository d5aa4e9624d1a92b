# REQUIRED INPUTS  tables, data files of figures, texts and numbers of every section, results/disclosure/,
#                  config/disclosure.yaml
# OUTPUTS          results/disclosure_audit/{audit.json,audit.md,passed.json}, results/disclosure/findings.json (confidential:
#                  what is derived of single cells); a leak or an undecided section fails the build


rule disclosure_audit:
    input:
        **code("disclosure_audit"),
        published=[
            path
            for name in SECTIONS
            for path in getattr(rules, name).output
            if path.endswith((".csv", ".md", "numbers.json"))
        ],
        claims=rules.disclosure.output.protected,
        cells="results/disclosure/cells.json",
        rules=existing("config/disclosure.yaml"),
        schemas=schemas("disclosure"),
    output:
        audit="results/disclosure_audit/audit.json",
        report="results/disclosure_audit/audit.md",
        findings="results/disclosure/findings.json",
        passed="results/disclosure_audit/passed.json",
    log:
        "logs/disclosure_audit.log",
    benchmark:
        "benchmarks/disclosure_audit.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python {input.script} --published {input.published} --claims {input.claims}"
        " --cells {input.cells} --rules {input.rules} --findings {output.findings} --out results/disclosure_audit 2> {log}"
