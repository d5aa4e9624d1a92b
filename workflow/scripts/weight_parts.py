"""Weights of Parts II and III: who was asked, who returned them, and the second phase's factor.

In: sampled agencies with weights (weight), identification block of Part I, case counts of Part II, cases of Part III.
Out: results/weight_parts/{part2,part3}.parquet (one row a Part I respondent), parts.json.
"""

from pathlib import Path

from agency_survey import files, national_survey, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--sample", "--identification", "--by-year", "--cases"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    tables = (given.sample, given.identification, given.by_year, given.cases)
    sample, identification, by_year, described = (files.read_parquet(path) for path in tables)
    out, smallest = Path(given.out), given.settings["smallest_class"]
    record = {}
    parts = national_survey.follow_up_parts(sample, identification, by_year, described, smallest)
    for name, (table, said) in parts.items():
        files.write_parquet(out / f"{name}.parquet", table)
        record[name] = said
    files.write_json(out / "parts.json", record)


if __name__ == "__main__":
    script_main(main)
