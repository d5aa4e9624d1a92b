"""Render the book: HTML, PDF and DOCX by Quarto where it is found, else by the bundled engine.

In: reports/, the fragments and numbers that its chapters name. Out: reports/_book/, results/render/manifest.json (engine,
versions, digest of every file) and captions.json.
"""

from pathlib import Path

from agency_survey import scripting
from agency_survey.errors import script_main
from agency_survey.render import render


def main() -> None:
    given = scripting.parser(__doc__).parse_args()
    render(Path("."), Path("results"), Path(given.out), engine=given.settings["engine"])


if __name__ == "__main__":
    script_main(main)
