"""Clean the returns of the national survey: edit rules in order, the corrections register, then checks.

In: raw cells and what was found out about each file (ingest), the survey's codebooks, the register. Out:
results/clean/frame.parquet, disposition.parquet, <part>.<block>.parquet (typed values with the kind of each missing one,
by key) and .json (what the codebook says of them), edit_log.csv, queries.csv (what a person must decide), counts.json
(changes and queries by rule, file and variable). Every change and every doubt has a row.
"""

from pathlib import Path

from agency_survey import cleaning, codebook, corrections, files, ingest, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--tables", "--sources", "--codebooks"):
        parser.add_argument(name, nargs="+", required=True, help="one a file, in the order of the files")
    parser.add_argument("--register", required=True)
    given = parser.parse_args()
    names = [Path(path).stem for path in given.codebooks]
    books = codebook.load_survey(Path(given.codebooks[0]).parent, tuple(names))
    sources = {name: files.read_json(path, "file") for name, path in zip(names, given.sources, strict=True)}
    tables = {
        name: ingest.raw_of(files.read_parquet(path)).rename_axis(columns=sources[name]["file"])
        for name, path in zip(names, given.tables, strict=True)
    }
    rows = {name: source["windows_1252"] for name, source in sources.items()}
    entries = corrections.read(given.register, books, given.settings["report_date"])
    done = cleaning.clean(tables, books, lambda text: corrections.apply(text, entries, books, given.register), rows)
    out = Path(given.out)
    files.write_csv(out / "edit_log.csv", done.log)
    files.write_csv(out / "queries.csv", done.queries)
    files.write_json(out / "counts.json", done.counts)
    for name, table in done.tables.items():
        if books[name].blocks:
            for block, part in cleaning.blocks(table, books[name]).items():
                files.write_parquet(out / f"{name}.{block}.parquet", part)
                files.write_json(out / f"{name}.{block}.json", codebook.of_block(books[name], block))
        else:
            files.write_parquet(out / f"{name}.parquet", table)


if __name__ == "__main__":
    script_main(main)
