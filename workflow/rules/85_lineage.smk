# REQUIRED INPUTS  data files of the repository that rules read, results/ingest/<name>.source.json,
#                  results/external_data/<wave>.json, config/datasets.yaml, requirements/, texts of the sections that
#                  chapters include
# OUTPUTS          results/lineage/{numbers.json,tables/,figures/,text/}: appendix E, provenance
# What the rules declare goes in as settings, worked out from their inputs and outputs when the build is planned. So the
# appendix is made again when the graph, the data, the exhibits or the pins change, and not when a program does.
from agency_survey.render import shown
from agency_survey.sections import lineage_graph

SEEDED = [
    *[str(path) for path in Path("config").glob("*.yaml")],
    *[str(path) for path in Path("workflow/agency_survey/sections").glob("*.py")],
    "benchmarks/coverage.py",
]
RULES = sorted(path.stem[3:] for path in Path("workflow/rules").glob("[0-9][0-9]_*.smk"))
OTHER_RULES = [name for name in RULES if name != "lineage"]


rule lineage:
    input:
        **code("lineage"),
        data=lambda wildcards: lineage_graph.repository_data(
            lineage_graph.graph_of(rules, OTHER_RULES, LEMAS_DIR)
        ),
        sources=[f"results/ingest/{name}.source.json" for name in RAW_FILES],
        states=expand("results/external_data/{wave}.json", wave=WAVES),
        datasets="config/datasets.yaml",
        asked="requirements/runtime.in",
        pinned=["requirements/runtime.txt", "requirements/quarto.txt"],
        texts=shown.texts(Path("reports"), "lineage"),
        schemas=schemas("datasets"),
    output:
        **exhibits(
            "lineage",
            tables=[
                "tbl-lineage-files",
                "tbl-lineage-external",
                "tbl-lineage-rules",
                "tbl-lineage-exhibits",
                "tbl-lineage-software",
                "tbl-lineage-seeds",
            ],
            figures=["fig-lineage-graph"],
            texts=["data", "external", "software"],
        ),
    log:
        "logs/lineage.log",
    benchmark:
        "benchmarks/lineage.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=lambda wildcards: lineage_graph.settings(
            rules, RULES, LEMAS_DIR, RAW_FILES, shown.chapters(Path("reports")), REGISTER, SEEDED
        ),
    shell:
        "python {input.script} --data {input.data} --sources {input.sources} --states {input.states}"
        " --datasets {input.datasets} --asked {input.asked} --pinned {input.pinned} --texts {input.texts}"
        " --settings {params.settings:q} --out results/lineage 2> {log}"
