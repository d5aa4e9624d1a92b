"""Appendix E, provenance: data files, rules, exhibits, software and seeds as the workflow declares them.

In: what the rules declare (settings), data files of the repository, ingest's records of them, states of the files that users
bring, register of data files, pinned requirements, texts that chapters include. Out: results/lineage/{numbers.json,tables/,
figures/,text/}.
"""

import csv
import hashlib
import io
from pathlib import Path

from agency_survey import files, schema, scripting
from agency_survey.errors import script_main
from agency_survey.sections import lineage as section
from agency_survey.sections.lineage_exhibits import Declared, appendix


def found(path: str, ingested: dict[str, int]) -> section.Found:
    data = Path(path).read_bytes()
    if path not in ingested:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        ingested = {path: sum(1 for row in rows if row) - 1}
    return section.Found(ingested[path], len(data), hashlib.sha256(data).hexdigest())


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--data", "--sources", "--states", "--pinned", "--texts"):
        parser.add_argument(name, nargs="*", default=[])
    for name in ("--datasets", "--asked"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    plain = given.settings
    sources = [files.read_json(path, "file", "records") for path in given.sources]
    records = {path: one["records"] for path in given.data for one in sources if Path(path).name == one["file"]}
    data = {path: found(path, records) for path in given.data}
    entries = schema.load(given.datasets, "datasets")["datasets"]
    states = {Path(path).stem: files.read_json(path, "state")["state"] for path in given.states}
    pinned = {path: Path(path).read_text(encoding="utf-8") for path in given.pinned}
    declared = Declared(
        graph=plain["graph"],
        chapters=plain["chapters"],
        files=section.files_table(plain["graph"], data, entries, plain["synthetic"]),
        external=section.external_table(plain["register"], states, plain["graph"]),
        software=section.software_table(pinned, Path(given.asked).read_text(encoding="utf-8")),
        seeds=section.seeds_table(plain["seeds"], plain["graph"], plain["drawn_by"]),
        python=plain["python"],
    )
    appendix(
        declared, {path: section.printed_numbers(Path(path).read_text(encoding="utf-8")) for path in given.texts}
    ).write(given.out)


if __name__ == "__main__":
    script_main(main)
