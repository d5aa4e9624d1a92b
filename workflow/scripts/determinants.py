"""Chapter 6, determinants: nested models of having investigated a case, number of cases, robustness, what came first.

In: sampled agencies with weights (weight), answers to Part I by block and what the codebook says of them (clean), models,
rules for models (disclosure).
Out: results/determinants/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, schema, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.national_survey import respondents
from agency_survey.sections.determinants import merged
from agency_survey.sections.determinants_chapter import chapter


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--sample", "--models", "--protected"):
        parser.add_argument(name, required=True)
    for name in ("--answers", "--codebooks"):
        parser.add_argument(name, required=True, nargs="+")
    given = parser.parse_args()
    answers = merged([files.read_parquet(path) for path in given.answers])
    books = [codebook.from_block(files.read_json(path, "variables")) for path in given.codebooks]
    rows, design = respondents(files.read_parquet(given.sample), answers)
    specs = schema.load(given.models, "models")["determinants"]
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        chapter(rows, design, books, given.settings, specs).write(given.out)


if __name__ == "__main__":
    script_main(main)
