# REQUIRED INPUTS  config/external.yaml (register); LEMAS_DIR/<file> where it is there
# OUTPUTS          results/external_data/<wave>.json: verified, missing or altered


rule external_data:
    input:
        **code("external_data"),
        file=lemas_file,
    output:
        status="results/external_data/{wave}.json",
    log:
        "logs/external_data.{wave}.log",
    benchmark:
        "benchmarks/external_data.{wave}.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=lemas_entry,
    shell:
        "python {input.script} --file {input.file:q} --settings {params.settings:q}"
        " --out {output.status} 2> {log}"
