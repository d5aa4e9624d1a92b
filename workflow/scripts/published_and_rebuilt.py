"""Chapter 11, published and rebuilt: every published figure beside its rebuilt value; the tables of chapters 2 to 9.

In: published figures, which numbers rebuild them, numbers of the sections, the stand-in's calibrations, codebook of Part I.
Out: results/published_and_rebuilt/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, schema, scripting
from agency_survey.errors import script_main
from agency_survey.ledger import merge
from agency_survey.sections.published_and_rebuilt import chapter

COLUMNS = (
    "id",
    "section",
    "quantity",
    "population_or_domain",
    "value",
    "unit",
    "source_title",
    "source_url",
    "evidence",
)


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--published", "--rebuilt", "--standin", "--codebook"):
        parser.add_argument(name, required=True)
    parser.add_argument("--numbers", nargs="+", required=True)
    given = parser.parse_args()
    exhibits = chapter(
        published=files.read_table(given.published, columns=COLUMNS),
        numbers=merge([files.read_json(path, "rule", "numbers") for path in given.numbers])["numbers"],
        rebuilt=schema.load(given.rebuilt, "rebuilt"),
        standin=schema.load(given.standin, "standin"),
        synthetic=codebook.load(given.codebook).synthetic,
        level=given.settings["confidence_level"],
    )
    exhibits.write(given.out)


if __name__ == "__main__":
    script_main(main)
