"""Weights of the national survey, from inclusion probability to raking; one row a mailed survey.

In: cleaned frame and dispositions, config/sample_design.yaml. Out: results/weight/sample.parquet, weights.json.
"""

from pathlib import Path

from agency_survey import files, national_survey, schema, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--frame", "--disposition", "--design"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    frame, disposition = (files.read_parquet(path) for path in (given.frame, given.disposition))
    design = schema.load(given.design, "sample_design")
    sample, record = national_survey.weigh(frame, disposition, design, given.settings)
    files.write_parquet(Path(given.out) / "sample.parquet", sample)
    files.write_json(Path(given.out) / "weights.json", record)


if __name__ == "__main__":
    script_main(main)
