# REQUIRED INPUTS  results/ingest/<name>.{parquet,source.json}, config/codebooks/<name>.yaml of all five files,
#                  data/corrections.csv
# OUTPUTS          results/clean/{frame,disposition}.parquet, <part>.<block>.{parquet,json}, edit_log.csv,
#                  queries.csv, counts.json

BLOCKS = {  # of the codebooks: one file each, so that a section reruns only for the answers that it reads
    "part1": ["perceptions", "preparation", "identification"],
    "part2": ["cases_by_year", "investigation", "networks_and_victims"],
    "part3": ["case", "prosecution"],
}


rule clean:
    input:
        **code("clean"),
        tables=[f"results/ingest/{name}.parquet" for name in SURVEY],
        sources=[f"results/ingest/{name}.source.json" for name in SURVEY],
        codebooks=[f"config/codebooks/{name}.yaml" for name in SURVEY],
        register=existing("data/corrections.csv"),
        schemas=schemas("codebook"),
    output:
        frame="results/clean/frame.parquet",
        disposition="results/clean/disposition.parquet",
        parts=[
            f"results/clean/{part}.{block}.{end}"
            for part in BLOCKS
            for block in BLOCKS[part]
            for end in ("parquet", "json")
        ],
        log="results/clean/edit_log.csv",
        queries="results/clean/queries.csv",
        counts="results/clean/counts.json",
    log:
        "logs/clean.log",
    benchmark:
        "benchmarks/clean.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"report_date": settings.report_date()},
    shell:
        "python {input.script} --tables {input.tables} --sources {input.sources}"
        " --codebooks {input.codebooks} --register {input.register} --settings {params.settings:q}"
        " --out results/clean 2> {log}"
