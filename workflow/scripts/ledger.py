"""The ledger: the numbers of all rules in one file, and the printed form of those that the book names.

In: results/<rule>/numbers.json of every section, chapters and fragments. Out: results/ledger/{numbers,printed}.json.
"""

from pathlib import Path

from agency_survey import files, ledger, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    parser.add_argument("--numbers", nargs="+", required=True)
    parser.add_argument("--texts", nargs="+", required=True)
    given = parser.parse_args()
    merged = ledger.merge([files.read_json(path, "rule", "numbers") for path in given.numbers])
    named = {ident for path in given.texts for ident in ledger.names(Path(path).read_text(encoding="utf-8"))}
    files.write_json(Path(given.out) / "numbers.json", merged)
    files.write_json(Path(given.out) / "printed.json", ledger.printed(merged, named))


if __name__ == "__main__":
    script_main(main)
