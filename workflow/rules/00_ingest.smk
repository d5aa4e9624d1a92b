# REQUIRED INPUTS  data/frame/frame.*, data/raw/{disposition,part1,part2,part3}.* (csv, tsv, xlsx, sav,
#                  dta or parquet), config/codebooks/<name>.yaml
# OUTPUTS          results/ingest/<name>.parquet, <name>.misfits.csv, <name>.missing.csv, <name>.source.json

RAW_FILES = {
    "frame": raw_file("data/frame/frame"),
    "disposition": raw_file("data/raw/disposition"),
    "part1": raw_file("data/raw/part1"),
    "part2": raw_file("data/raw/part2"),
    "part3": raw_file("data/raw/part3"),
}
for name in RAW_FILES:
    existing(f"config/codebooks/{name}.yaml")


rule ingest:
    input:
        **code("ingest"),
        file=lambda wildcards: RAW_FILES[wildcards.name],
        codebook="config/codebooks/{name}.yaml",
        schemas=schemas("codebook"),
    output:
        table="results/ingest/{name}.parquet",
        misfits="results/ingest/{name}.misfits.csv",
        missing="results/ingest/{name}.missing.csv",
        source="results/ingest/{name}.source.json",
    log:
        "logs/ingest.{name}.log",
    benchmark:
        "benchmarks/ingest.{name}.tsv"
    wildcard_constraints:
        name="|".join(RAW_FILES),
    conda:
        "../../environment.yml"
    shell:
        "python {input.script} --file {input.file} --codebook {input.codebook}"
        " --out {output.table} 2> {log}"
