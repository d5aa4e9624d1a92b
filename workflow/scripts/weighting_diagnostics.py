"""Appendix C: weights by step, representativity, design effects, and errors by linearisation and replicates.

In: frame and dispositions (clean), sample design, weights and their record (weight, weight_parts), blocks of Parts I to
III (clean), codebook of the dispositions, what is left out (disclosure). Out: results/weighting_diagnostics/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, national_survey, schema, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.sections.weighting_diagnostics import side_by_side
from agency_survey.sections.weighting_diagnostics_exhibits import Parts, Weighted, appendix

TABLES = ("frame", "disposition", "sample", "part2", "part3", "part2-answers", "part3-answers")


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in (*TABLES, "record", "parts", "design", "codebook", "protected"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--part1", nargs="+", required=True, help="blocks of Part I")
    given = parser.parse_args()
    frame, disposition, sample, part2, part3, answers2, answers3 = (
        files.read_parquet(getattr(given, name.replace("-", "_"))) for name in TABLES
    )
    answers = side_by_side([files.read_parquet(path) for path in given.part1])
    record, settings = files.read_json(given.record), given.settings
    used = Weighted(sample, record, *national_survey.respondents(sample, answers))
    other = {record["method"]: used}
    for method in {"classes", "propensity"} - set(other):
        rules = settings | {"nonresponse": settings["nonresponse"] | {"method": method}}
        again, said = national_survey.weigh(frame, disposition, schema.load(given.design, "sample_design"), rules)
        other[method] = Weighted(again, said, *national_survey.respondents(again, answers))
    parts = Parts({"part2": part2, "part3": part3}, files.read_json(given.parts), answers2, answers3)
    synthetic = codebook.load(given.codebook).synthetic
    with watch.screening(files.read_json(given.protected, "cells", "bases")):
        appendix(frame, used, other, parts, synthetic, settings).write(given.out)


if __name__ == "__main__":
    script_main(main)
