"""Read one LEMAS wave by its codebook.

In: the file and its status. Out: results/ingest_lemas/<wave>.parquet (typed values with the kind of each missing one),
<wave>.misfits.csv (values outside the codebook by row and variable) and <wave>.missing.csv (counts by variable and kind).
A wave that is not verified gives empty tables.
"""

from agency_survey import codebook, files, ingest, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    parser.add_argument("--file", nargs="*", default=[])
    parser.add_argument("--status", required=True)
    parser.add_argument("--codebook", required=True)
    given = parser.parse_args()
    book = codebook.load(given.codebook)
    there = files.read_json(given.status, "state")["state"] == "verified"
    raw = ingest.read_raw(given.file[0], book) if there else ingest.no_records(book)
    table, misfits = ingest.typed(raw, book)
    stem = given.out.removesuffix(".parquet")
    files.write_csv(f"{stem}.misfits.csv", misfits)
    files.write_csv(f"{stem}.missing.csv", ingest.missing_summary(table, book))
    files.write_parquet(given.out, table)


if __name__ == "__main__":
    script_main(main)
