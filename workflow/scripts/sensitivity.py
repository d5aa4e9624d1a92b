"""Appendix D, sensitivity: late respondents, non-respondents that differ, items without an answer, coverage of intervals.

In: frame, dispositions and blocks of Part I with their codebooks (clean), sampled agencies with weights (weight), sample
design, coverage over simulated samples (benchmarks), what is left out (disclosure). Out: results/sensitivity/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, national_survey, schema, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.sections.sensitivity import COVERAGE, compute, stopped
from agency_survey.sections.sensitivity_exhibits import appendix
from agency_survey.sections.weighting_diagnostics import side_by_side


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--frame", "--disposition", "--sample", "--design", "--coverage", "--protected"):
        parser.add_argument(name, required=True)
    for name in ("--part1", "--codebooks"):
        parser.add_argument(name, nargs="+", required=True, help="blocks of Part I")
    given = parser.parse_args()
    frame, disposition, sample = (files.read_parquet(path) for path in (given.frame, given.disposition, given.sample))
    answers = side_by_side([files.read_parquet(path) for path in given.part1])
    books = [codebook.from_block(files.read_json(path, "variables")) for path in given.codebooks]
    simulated = files.read_table(given.coverage, ["analysis", "quantity", *COVERAGE], COVERAGE)
    rules = schema.load(given.design, "sample_design")
    ended = stopped(frame, disposition, answers, rules, given.settings)
    rows, design = national_survey.respondents(sample, answers)
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        found = compute(rows, design, ended, books, simulated, given.settings)
    appendix(found, books[0].synthetic, given.settings).write(given.out)


if __name__ == "__main__":
    script_main(main)
