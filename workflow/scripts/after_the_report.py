"""Chapter 10, after the report: estimates, tables, figures, numbers and wording from the weighed LEMAS waves.

In: weighed tables with their counts (weight_lemas), status of each file (external_data), published figures and how they
are rebuilt. Out: results/after_the_report/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import files, schema, scripting
from agency_survey.errors import script_main
from agency_survey.sections.after_the_report_chapter import chapter

COLUMNS = ("dataset", "quantity", "published", "published_se", "source")


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--weighed", "--status", "--counts"):
        parser.add_argument(name, nargs="+", required=True, help="one file a wave, in the register's order")
    parser.add_argument("--entries", required=True)
    parser.add_argument("--published", required=True)
    given = parser.parse_args()
    register = {entry["wave"]: entry for entry in given.settings["register"]}
    status = {wave: files.read_json(path, "state") for wave, path in zip(register, given.status, strict=True)}
    exhibits = chapter(
        weighed={
            wave: files.read_parquet(path)
            for wave, path in zip(register, given.weighed, strict=True)
            if status[wave]["state"] == "verified"
        },
        register=register,
        status=status,
        counts={
            wave: files.read_json(path, "records", "respondents")
            for wave, path in zip(register, given.counts, strict=True)
        },
        entries=schema.load(given.entries, "reproduction"),
        published=files.read_table(given.published, columns=COLUMNS),
        settings=given.settings,
    )
    exhibits.write(given.out)


if __name__ == "__main__":
    script_main(main)
