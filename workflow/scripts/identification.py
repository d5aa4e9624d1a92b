"""Chapter 5, identification: agencies with a case, numbers of cases, totals for the country, concentration.

In: sampled agencies with weights (weight), answers to Part I on cases and what the codebook says of them (clean), what is left
out (disclosure).
Out: results/identification/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.national_survey import respondents
from agency_survey.sections.identification_exhibits import chapter


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--sample", "--part1", "--codebook", "--protected"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    answers = files.read_parquet(given.part1)
    rows, design = respondents(files.read_parquet(given.sample), answers)
    book = codebook.from_block(files.read_json(given.codebook, "variables"))
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        chapter(rows, design, book, given.settings).write(given.out)


if __name__ == "__main__":
    script_main(main)
