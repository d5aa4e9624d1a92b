# REQUIRED INPUTS  config/codebooks/{frame,disposition,part1,part2,part3}.yaml, the raw files of rule ingest and
#                  results/ingest/<name>.parquet, config/study.yaml, config/sample_design.yaml, CITATION.cff
# OUTPUTS          results/questionnaire/{numbers.json,tables/,text/,ddi.xml}: appendix A and the DDI document


rule questionnaire:
    input:
        **code("questionnaire"),
        codebooks=[existing(f"config/codebooks/{name}.yaml") for name in SURVEY],
        raw=[RAW_FILES[name] for name in SURVEY],
        tables=[f"results/ingest/{name}.parquet" for name in SURVEY],
        study=existing("config/study.yaml"),
        design="config/sample_design.yaml",
        citation=existing("CITATION.cff"),
        schemas=schemas("codebook", "study", "sample_design"),
    output:
        **exhibits(
            "questionnaire",
            tables=[
                "tbl-questionnaire-missing",
                *[f"tbl-codebook-{name}" for name in SURVEY],
                "tbl-codebook-derived",
                "tbl-codebook-rules",
            ],
            texts=["form-part1", "form-part2", "form-part3"],
        ),
        ddi="results/questionnaire/ddi.xml",
    log:
        "logs/questionnaire.log",
    benchmark:
        "benchmarks/questionnaire.tsv"
    conda:
        "../../environment.yml"
    params:
        settings={"date": settings.report_date()},
    shell:
        "python {input.script} --codebooks {input.codebooks} --raw {input.raw} --tables {input.tables}"
        " --study {input.study} --design {input.design} --citation {input.citation}"
        " --settings {params.settings:q} --out results/questionnaire 2> {log}"
