# REQUIRED INPUTS  results/weight/sample.parquet, results/clean/{part1.identification,part2.cases_by_year,
#                  part3.case}.parquet
# OUTPUTS          results/weight_parts/{part2,part3}.parquet: one row a Part I respondent, second-phase weights;
#                  parts.json: what the steps did


rule weight_parts:
    input:
        **code("weight_parts"),
        sample="results/weight/sample.parquet",
        identification="results/clean/part1.identification.parquet",
        by_year="results/clean/part2.cases_by_year.parquet",
        cases="results/clean/part3.case.parquet",
    output:
        part2="results/weight_parts/part2.parquet",
        part3="results/weight_parts/part3.parquet",
        record="results/weight_parts/parts.json",
    log:
        "logs/weight_parts.log",
    benchmark:
        "benchmarks/weight_parts.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"smallest_class": config["nonresponse"]["smallest_class"]},
    shell:
        "python {input.script} --sample {input.sample} --identification {input.identification}"
        " --by-year {input.by_year} --cases {input.cases} --settings {params.settings:q}"
        " --out results/weight_parts 2> {log}"
