"""Chapter 7, characteristics of cases: types, years, settings, victims, suspects, links to other networks.

In: sampled agencies with weights (weight), weights of Parts II and III (weight_parts), blocks of Parts I, II and III and
what the codebook says of them (clean), what is left out (disclosure).
Out: results/case_characteristics/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, national_survey, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.sections import cases
from agency_survey.sections.case_characteristics_exhibits import chapter

TABLES = ("--sample", "--part2", "--part3", "--identification", "--by-year", "--networks", "--case")


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in (*TABLES, "--networks-codebook", "--case-codebook", "--protected"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    paths = [getattr(given, name[2:].replace("-", "_")) for name in TABLES]
    sample, part2, part3, identification, by_year, networks, case = (files.read_parquet(path) for path in paths)
    books = {
        name: codebook.from_block(files.read_json(path, "variables"))
        for name, path in (("networks", given.networks_codebook), ("case", given.case_codebook))
    }
    answers = by_year.merge(networks, on="agency_id", suffixes=("", "_networks"), validate="one_to_one")
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        chapter(
            national_survey.part2_respondents(sample, part2, answers),
            cases.investigated(by_year, identification),
            national_survey.cases(sample, part3, case, "described"),
            national_survey.cases(sample, part3, case, "all"),
            books,
            given.settings,
        ).write(given.out)


if __name__ == "__main__":
    script_main(main)
