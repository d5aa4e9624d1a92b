# REQUIRED INPUTS  results/weight_lemas/<wave>.{parquet,json}, results/external_data/<wave>.json,
#                  data/published/lemas_published.csv, config/reproduction.yaml
# OUTPUTS          results/after_the_report/{numbers.json,tables/,figures/,text/}


rule after_the_report:
    input:
        **code("after_the_report"),
        weighed=expand("results/weight_lemas/{wave}.parquet", wave=WAVES),
        counts=expand("results/weight_lemas/{wave}.json", wave=WAVES),
        status=expand("results/external_data/{wave}.json", wave=WAVES),
        entries="config/reproduction.yaml",
        published="data/published/lemas_published.csv",
        schemas=schemas("reproduction"),
    output:
        **exhibits(
            "after_the_report",
            tables=[
                "tbl-lemas-data",
                "tbl-lemas-answers-2020",
                "tbl-lemas-answers-2016",
                "tbl-lemas-change",
                "tbl-lemas-taskforce",
                "tbl-lemas-logit",
                "tbl-lemas-weights",
                "tbl-lemas-reproduction",
            ],
            figures=[
                "fig-lemas-answers",
                "fig-lemas-groups",
                "fig-lemas-change",
                "fig-lemas-logit",
                "fig-lemas-taskforce",
            ],
            texts=[
                "missing",
                "findings",
                "change",
                "task-force",
                "model",
                "weights",
                "reproduction",
                "headline",
            ],
        ),
    log:
        "logs/after_the_report.log",
    benchmark:
        "benchmarks/after_the_report.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={
            "register": REGISTER,
            "confidence_level": config["confidence_level"],
            "reliability": config["reliability"],
            "folder": config["lemas"]["folder"],
        },
    shell:
        "python {input.script} --weighed {input.weighed} --counts {input.counts}"
        " --status {input.status} --entries {input.entries} --published {input.published}"
        " --settings {params.settings:q} --out results/after_the_report 2> {log}"
