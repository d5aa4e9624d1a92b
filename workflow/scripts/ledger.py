"""The ledger: the numbers of all rules in one file, from which the book prints them.

In: results/<rule>/numbers.json of every section. Out: results/ledger/numbers.json.
"""

from agency_survey import files, ledger, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    parser.add_argument("--numbers", nargs="+", required=True)
    given = parser.parse_args()
    files.write_json(given.out, ledger.merge([files.read_json(path, "rule", "numbers") for path in given.numbers]))


if __name__ == "__main__":
    script_main(main)
