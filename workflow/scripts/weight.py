"""Weights of the national survey: inclusion probability, post-stratification, non-response; one row a mailed survey.

In: ingested frame and dispositions, config/sample_design.yaml. Out: results/weight/sample.parquet.
"""

from agency_survey import files, national_survey, schema, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--frame", "--disposition", "--design"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    frame, disposition = (files.read_parquet(path).drop(columns="row") for path in (given.frame, given.disposition))
    design = schema.load(given.design, "sample_design")
    sample = national_survey.sampled_agencies(frame, disposition, design, given.settings["smallest_class"])
    files.write_parquet(given.out, sample)


if __name__ == "__main__":
    script_main(main)
