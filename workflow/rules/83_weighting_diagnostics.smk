# REQUIRED INPUTS  results/clean/{frame,disposition}.parquet, blocks of Parts I to III, results/weight/{sample.parquet,
#                  weights.json}, results/weight_parts/{part2,part3}.parquet, parts.json, config/sample_design.yaml
# OUTPUTS          results/weighting_diagnostics/{numbers.json,tables/,figures/,text/}: appendix C


rule weighting_diagnostics:
    input:
        **code("weighting_diagnostics"),
        frame="results/clean/frame.parquet",
        disposition="results/clean/disposition.parquet",
        sample="results/weight/sample.parquet",
        record="results/weight/weights.json",
        part1=[f"results/clean/part1.{block}.parquet" for block in BLOCKS["part1"]],
        part2="results/weight_parts/part2.parquet",
        part3="results/weight_parts/part3.parquet",
        parts="results/weight_parts/parts.json",
        part2_answers="results/clean/part2.networks_and_victims.parquet",
        part3_answers="results/clean/part3.case.parquet",
        design="config/sample_design.yaml",
        codebook="config/codebooks/disposition.yaml",
        schemas=schemas("sample_design", "codebook"),
        protected="results/disclosure/weighting_diagnostics.json",
    output:
        **exhibits(
            "weighting_diagnostics",
            tables=[
                "tbl-weighting-steps",
                "tbl-weighting-collapsed",
                "tbl-weighting-margins",
                "tbl-weighting-balance",
                "tbl-weighting-response",
                "tbl-weighting-trimming",
                "tbl-weighting-methods",
                "tbl-weighting-effects",
                "tbl-weighting-errors",
                "tbl-weighting-parts",
                "tbl-weighting-phases",
                "tbl-weighting-cases",
            ],
            figures=["fig-weighting-steps", "fig-weighting-balance", "fig-weighting-errors"],
            texts=[
                "notice",
                "findings",
                "steps",
                "margins",
                "balance",
                "response",
                "trimming",
                "methods",
                "errors",
                "parts",
                "cases",
            ],
        ),
    log:
        "logs/weighting_diagnostics.log",
    benchmark:
        "benchmarks/weighting_diagnostics.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "nonresponse": config["nonresponse"],
            "weights": config["weights"],
            "confidence_level": config["confidence_level"],
            "bootstrap": config["bootstrap"],
        },
    shell:
        "python {input.script} --frame {input.frame} --disposition {input.disposition}"
        " --sample {input.sample} --record {input.record} --part1 {input.part1}"
        " --part2 {input.part2} --part3 {input.part3} --parts {input.parts}"
        " --part2-answers {input.part2_answers} --part3-answers {input.part3_answers}"
        " --design {input.design} --codebook {input.codebook} --protected {input.protected}"
        " --settings {params.settings:q}"
        " --out results/weighting_diagnostics 2> {log}"
