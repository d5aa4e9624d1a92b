# REQUIRED INPUTS  data/frame/frame.csv, data/raw/<name>.csv, config/codebooks/<name>.yaml
# OUTPUTS          results/ingest/<name>.parquet, <name>.misfits.csv, <name>.missing.csv

RAW_FILES = {
    "frame": "data/frame/frame.csv",
    "disposition": "data/raw/disposition.csv",
    "part1": "data/raw/part1.csv",
}
for name, path in RAW_FILES.items():
    existing(path)
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
