# REQUIRED INPUTS  results/ingest/<name>.{parquet,source.json}, results/clean/ (tables, edit_log.csv, queries.csv,
#                  counts.json), results/weight/sample.parquet, results/weight_parts/{part2,part3}.parquet,
#                  config/codebooks/<name>.yaml
# OPTIONAL INPUT   data/raw/truth/faults.csv: what the generator put into the files; real files have no such list
# OUTPUTS          results/cleaning_audit/{numbers.json,tables/,figures/,text/}: appendix B

FAULTS = "data/raw/truth/faults.csv"
CLEANED = [
    "frame",
    "disposition",
    *[f"{part}.{block}" for part in BLOCKS for block in BLOCKS[part]],
]


rule cleaning_audit:
    input:
        **code("cleaning_audit"),
        tables=[f"results/ingest/{name}.parquet" for name in SURVEY],
        sources=[f"results/ingest/{name}.source.json" for name in SURVEY],
        codebooks=[existing(f"config/codebooks/{name}.yaml") for name in SURVEY],
        cleaned=[f"results/clean/{name}.parquet" for name in CLEANED],
        log="results/clean/edit_log.csv",
        queries="results/clean/queries.csv",
        counts="results/clean/counts.json",
        sample="results/weight/sample.parquet",
        part2="results/weight_parts/part2.parquet",
        part3="results/weight_parts/part3.parquet",
        faults=lambda wildcards: [FAULTS] if os.path.exists(FAULTS) else [],
        schemas=schemas("codebook"),
    output:
        **exhibits(
            "cleaning_audit",
            tables=[
                "tbl-cleaning-files",
                "tbl-cleaning-rules",
                "tbl-cleaning-variables",
                "tbl-cleaning-effect",
                "tbl-cleaning-score",
            ],
            figures=["fig-cleaning-rules", "fig-cleaning-effect"],
            texts=["findings", "corrections", "effect", "score"],
        ),
    log:
        "logs/cleaning_audit.log",
    benchmark:
        "benchmarks/cleaning_audit.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "confidence_level": config["confidence_level"],
            "reliability": config["reliability"],
        },
    shell:
        "python {input.script} --tables {input.tables} --sources {input.sources}"
        " --codebooks {input.codebooks} --cleaned {input.cleaned} --counts {input.counts}"
        " --log {input.log} --queries {input.queries} --sample {input.sample}"
        " --part2 {input.part2} --part3 {input.part3} --faults {input.faults}"
        " --settings {params.settings:q} --out results/cleaning_audit 2> {log}"
