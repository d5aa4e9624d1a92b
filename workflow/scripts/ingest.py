"""Read one raw file of the national survey by its codebook.

In: frame, dispositions or Part I as CSV. Out: results/ingest/<name>.parquet (typed values with the kind of each missing
one), <name>.misfits.csv (values outside the codebook by row and variable), <name>.missing.csv (counts).
"""

from agency_survey import codebook, files, ingest, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    parser.add_argument("--file", required=True)
    parser.add_argument("--codebook", required=True)
    given = parser.parse_args()
    book = codebook.load(given.codebook)
    table, misfits = ingest.typed(ingest.read_raw(given.file, book), book)
    stem = given.out.removesuffix(".parquet")
    files.write_csv(f"{stem}.misfits.csv", misfits)
    files.write_csv(f"{stem}.missing.csv", ingest.missing_summary(table, book))
    files.write_parquet(given.out, table)


if __name__ == "__main__":
    script_main(main)
