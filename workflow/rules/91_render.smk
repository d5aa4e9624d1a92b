# REQUIRED INPUTS  reports/ (chapters, references, style), results/ledger/printed.json, the fragments that chapters
#                  include (results/<rule>/{tables,figures,text}/), config/digits.yaml (what may be typed into texts)
#                  results/disclosure_audit/passed.json (no book of results that leak)
# OUTPUTS          reports/_book/ (HTML pages, report.pdf, report.docx), results/render/{manifest,captions}.json
# The book's files are flagged `update`: a render that fails leaves the previous book as it was.
from agency_survey.render.engine import engine_in_use
from agency_survey.render.source import read_book

PAGES = [chapter.page for chapter in read_book(Path("reports")).chapters]
BOOK = expand("reports/_book/{name}", name=[*PAGES, "report.pdf", "report.docx"])


rule render:
    input:
        **code("render"),
        numbers="results/ledger/printed.json",
        fragments=SOURCES["fragments"],
        sources=expand("reports/{name}", name=SOURCES["files"]),
        digits=existing("config/digits.yaml"),
        schemas=schemas("digits"),
        audit="results/disclosure_audit/passed.json",
    output:
        update(BOOK),
        manifest="results/render/manifest.json",
        captions="results/render/captions.json",
    log:
        "logs/render.log",
    benchmark:
        "benchmarks/render.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=engine_in_use(config["engine"]),
    shell:
        "python {input.script} --settings {params.settings:q} --out reports/_book 2> {log}"
