# REQUIRED INPUTS  results/weight/sample.parquet, results/weight_parts/{part2,part3}.parquet,
#                  results/clean/{part1.identification,part2.cases_by_year,part2.networks_and_victims,part3.case}.parquet,
#                  results/clean/{part2.networks_and_victims,part3.case}.json
#                  results/disclosure/case_characteristics.json
# OUTPUTS          results/case_characteristics/{numbers.json,tables/,figures/,text/}


rule case_characteristics:
    input:
        **code("case_characteristics"),
        sample="results/weight/sample.parquet",
        part2="results/weight_parts/part2.parquet",
        part3="results/weight_parts/part3.parquet",
        identification="results/clean/part1.identification.parquet",
        by_year="results/clean/part2.cases_by_year.parquet",
        networks="results/clean/part2.networks_and_victims.parquet",
        networks_codebook="results/clean/part2.networks_and_victims.json",
        case="results/clean/part3.case.parquet",
        case_codebook="results/clean/part3.case.json",
        protected="results/disclosure/case_characteristics.json",
    output:
        **exhibits(
            "case_characteristics",
            tables=[
                "tbl-cases-types",
                "tbl-cases-single",
                "tbl-cases-years",
                "tbl-cases-settings",
                "tbl-cases-victims",
                "tbl-cases-origins",
                "tbl-cases-suspects",
                "tbl-cases-compared",
                "tbl-cases-networks",
                "tbl-cases-weighting",
            ],
            figures=[
                "fig-cases-years",
                "fig-cases-settings",
                "fig-cases-victims",
                "fig-cases-networks",
            ],
            texts=[
                "findings",
                "types",
                "years",
                "settings",
                "victims",
                "suspects",
                "compared",
                "networks",
                "weighting",
            ],
        ),
    log:
        "logs/case_characteristics.log",
    benchmark:
        "benchmarks/case_characteristics.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "confidence_level": config["confidence_level"],
            "population_classes": config["population_classes"],
            "reliability": config["reliability"],
        },
    shell:
        "python {input.script} --sample {input.sample} --part2 {input.part2} --part3 {input.part3}"
        " --identification {input.identification} --by-year {input.by_year}"
        " --networks {input.networks} --networks-codebook {input.networks_codebook}"
        " --case {input.case} --case-codebook {input.case_codebook}"
        " --protected {input.protected} --settings {params.settings:q} --out results/case_characteristics 2> {log}"
