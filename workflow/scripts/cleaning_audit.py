"""Appendix B, the cleaning audit: records, changes and queries, effect on headline estimates, score against listed faults.

In: raw cells with their typed values and what was found out about each file (ingest); cleaned tables, edit log, queries and
counts (clean); weights of the three parts; codebooks; the list of injected faults where there is one.
Out: results/cleaning_audit/{numbers.json,tables/,figures/,text/}.
"""

from pathlib import Path

from agency_survey import codebook, files, ingest, national_survey, scripting
from agency_survey.cleaning import Cleaned
from agency_survey.errors import script_main
from agency_survey.sections import cleaning_audit as section
from agency_survey.sections.cleaning_audit_exhibits import Flow, appendix


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--tables", "--sources", "--codebooks", "--cleaned"):
        parser.add_argument(name, nargs="+", required=True)
    for name in ("--counts", "--log", "--queries", "--sample", "--part2", "--part3"):
        parser.add_argument(name, required=True)
    parser.add_argument("--faults", nargs="*", default=[], help="the list of injected faults, if there is one")
    given = parser.parse_args()
    names = [Path(path).stem for path in given.codebooks]
    books = codebook.load_survey(Path(given.codebooks[0]).parent, tuple(names))
    sources = {name: files.read_json(path, "file") for name, path in zip(names, given.sources, strict=True)}
    tables = {name: files.read_parquet(path) for name, path in zip(names, given.tables, strict=True)}
    log, queries = (files.read_csv(path, text=True).astype({"row": int}) for path in (given.log, given.queries))
    cleaned = section.cleaned_tables({Path(path).stem: files.read_parquet(path) for path in given.cleaned})
    counts = files.read_json(given.counts, "files", "rules")
    flow = Flow(sources, counts, Cleaned(cleaned, log, queries, counts))

    sample, part2, part3 = (files.read_parquet(path) for path in (given.sample, given.part2, given.part3))
    keys = {name: cleaned[name][books[name].key] for name in names}
    designs = {
        "part1": national_survey.respondents(sample, keys["part1"]),
        "part2": national_survey.part2_respondents(sample, part2, keys["part2"]),
        "part3": national_survey.cases(sample, part3, keys["part3"], "described"),
    }
    returned = {name: section.as_returned(tables[name], books[name]) for name in names}
    faults = files.read_csv(given.faults[0], text=True) if given.faults else None
    raw = {name: ingest.raw_of(tables[name]).rename_axis(columns=sources[name]["file"]) for name in names}
    scored = section.scored(faults, raw, flow.cleaned, books)
    appendix(flow, designs, returned, scored, books, given.settings).write(given.out)


if __name__ == "__main__":
    script_main(main)
