"""Chapter 9, task forces: partners of federally funded task forces against other agencies, raw and adjusted.

In: sampled agencies with weights (weight), all blocks of Part I and what the codebook says of one of them (clean), what is
left out (disclosure).
Out: results/task_forces/{numbers.json,tables/,figures/,text/}.
"""

from functools import reduce

from agency_survey import codebook, files, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.national_survey import respondents
from agency_survey.sections.task_forces_exhibits import chapter


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--sample", "--codebook", "--protected"):
        parser.add_argument(name, required=True)
    parser.add_argument("--part1", nargs="+", required=True)
    given = parser.parse_args()
    blocks = [files.read_parquet(path) for path in given.part1]
    keys = [name for name in blocks[0].columns if name.startswith("agency_id")]
    answers = reduce(lambda one, other: one.merge(other.drop(columns=keys[1:]), on="agency_id"), blocks)
    rows, design = respondents(files.read_parquet(given.sample), answers)
    book = codebook.from_block(files.read_json(given.codebook, "variables"))
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        chapter(rows, design, book, given.settings).write(given.out)


if __name__ == "__main__":
    script_main(main)
