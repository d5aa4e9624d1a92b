"""Chapter 8, investigation and prosecution: how cases come to light, strategies, partners, challenges, charges, outcomes.

In: sampled agencies with weights (weight), weights of Parts II and III (weight_parts), blocks of Parts I, II and III and
what the codebook says of them (clean), what is left out (disclosure).
Out: results/investigation_prosecution/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, national_survey, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.sections import cases
from agency_survey.sections.investigation_prosecution_exhibits import chapter

TABLES = ("--sample", "--part2", "--part3", "--identification", "--by-year", "--investigation", "--networks", "--case")
CASE_KEY = ["agency_id", "case_number"]


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in (*TABLES, "--prosecution", "--investigation-codebook", "--case-codebook", "--protected"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    paths = [getattr(given, name[2:].replace("-", "_")) for name in (*TABLES, "--prosecution")]
    sample, part2, part3, identification, by_year, investigation, networks, case, prosecution = (
        files.read_parquet(path) for path in paths
    )
    books = {
        name: codebook.from_block(files.read_json(path, "variables"))
        for name, path in (("investigation", given.investigation_codebook), ("case", given.case_codebook))
    }
    answers = investigation.merge(networks, on="agency_id", suffixes=("", "_networks"), validate="one_to_one")
    described = case.merge(prosecution, on=CASE_KEY, suffixes=("", "_prosecution"), validate="one_to_one")
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        chapter(
            national_survey.part2_respondents(sample, part2, answers),
            cases.investigated(by_year, identification),
            national_survey.cases(sample, part3, described, "described"),
            books,
            given.settings,
        ).write(given.out)


if __name__ == "__main__":
    script_main(main)
