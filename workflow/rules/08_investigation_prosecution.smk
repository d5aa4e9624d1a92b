# REQUIRED INPUTS  results/weight/sample.parquet, results/weight_parts/{part2,part3}.parquet,
#                  results/clean/{part1.identification,part2.cases_by_year,part2.investigation,
#                  part2.networks_and_victims,part3.case,part3.prosecution}.parquet,
#                  results/clean/{part2.investigation,part3.case}.json
#                  results/disclosure/investigation_prosecution.json
# OUTPUTS          results/investigation_prosecution/{numbers.json,tables/,figures/,text/}


rule investigation_prosecution:
    input:
        **code("investigation_prosecution"),
        sample="results/weight/sample.parquet",
        part2="results/weight_parts/part2.parquet",
        part3="results/weight_parts/part3.parquet",
        identification="results/clean/part1.identification.parquet",
        by_year="results/clean/part2.cases_by_year.parquet",
        investigation="results/clean/part2.investigation.parquet",
        investigation_codebook="results/clean/part2.investigation.json",
        networks="results/clean/part2.networks_and_victims.parquet",
        case="results/clean/part3.case.parquet",
        case_codebook="results/clean/part3.case.json",
        prosecution="results/clean/part3.prosecution.parquet",
        protected="results/disclosure/investigation_prosecution.json",
    output:
        **exhibits(
            "investigation_prosecution",
            tables=[
                "tbl-investigation-light",
                "tbl-investigation-strategies",
                "tbl-investigation-partners",
                "tbl-investigation-challenges",
                "tbl-investigation-time",
                "tbl-prosecution-charges",
                "tbl-prosecution-course",
                "tbl-prosecution-services",
                "tbl-prosecution-models",
            ],
            figures=[
                "fig-investigation-light",
                "fig-investigation-strategies",
                "fig-investigation-challenges",
                "fig-prosecution-flow",
                "fig-prosecution-effects",
            ],
            texts=[
                "findings",
                "light",
                "strategies",
                "partners",
                "time",
                "challenges",
                "charges",
                "course",
                "services",
                "models",
            ],
        ),
    log:
        "logs/investigation_prosecution.log",
    benchmark:
        "benchmarks/investigation_prosecution.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "confidence_level": config["confidence_level"],
            "reliability": config["reliability"],
        },
    shell:
        "python {input.script} --sample {input.sample} --part2 {input.part2} --part3 {input.part3}"
        " --identification {input.identification} --by-year {input.by_year}"
        " --investigation {input.investigation} --investigation-codebook {input.investigation_codebook}"
        " --networks {input.networks} --case {input.case} --case-codebook {input.case_codebook}"
        " --prosecution {input.prosecution} --protected {input.protected} --settings {params.settings:q}"
        " --out results/investigation_prosecution 2> {log}"
