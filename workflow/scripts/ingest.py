"""Read one raw file of the national survey by its codebook.

In: frame, dispositions, Part I, II or III as CSV, TSV, Excel, SPSS, Stata or Parquet. Out: results/ingest/<name>.parquet
(raw text, typed value and kind of missing value of every variable), <name>.misfits.csv (values outside the codebook by row
and variable), <name>.missing.csv (counts), <name>.source.json (format, encoding, delimiter and newlines found).
"""

from agency_survey import codebook, files, ingest, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    parser.add_argument("--file", required=True)
    parser.add_argument("--codebook", required=True)
    given = parser.parse_args()
    book = codebook.load(given.codebook)
    raw, source = ingest.read_source(given.file, book)
    table, misfits = ingest.typed(raw, book, unique=False)
    stem = given.out.removesuffix(".parquet")
    files.write_csv(f"{stem}.misfits.csv", misfits)
    files.write_csv(f"{stem}.missing.csv", ingest.missing_summary(table, book))
    files.write_json(f"{stem}.source.json", source.report())
    files.write_parquet(given.out, ingest.with_raw(table, raw))


if __name__ == "__main__":
    script_main(main)
