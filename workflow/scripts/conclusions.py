"""Chapter 12, conclusions: headline findings and recommendations, worded after the results of the sections.

In: published figures with their rebuilt values (published_and_rebuilt), numbers of the sections, codebook of Part I.
Out: results/conclusions/{numbers.json,tables/,text/}.
"""

from agency_survey import codebook, files, scripting
from agency_survey.errors import script_main
from agency_survey.ledger import merge
from agency_survey.sections.conclusions import chapter

COLUMNS = ("id", "numbers", "rebuilt", "agreement", "agrees", "calibrated")


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--compared", "--codebook"):
        parser.add_argument(name, required=True)
    parser.add_argument("--numbers", nargs="+", required=True)
    given = parser.parse_args()
    found = files.read_table(given.compared, columns=COLUMNS)
    exhibits = chapter(
        found.astype(object).where(found != "", None),
        merge([files.read_json(path, "rule", "numbers") for path in given.numbers])["numbers"],
        synthetic=codebook.load(given.codebook).synthetic,
        level=given.settings["confidence_level"],
    )
    exhibits.write(given.out)


if __name__ == "__main__":
    script_main(main)
