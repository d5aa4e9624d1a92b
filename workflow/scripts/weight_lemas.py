"""Common variables, strata and weights of one LEMAS wave; the 2020 non-response factor is recomputed.

In: results/ingest_lemas/<wave>.parquet and .misfits.csv, census regions. Out: results/weight_lemas/<wave>.parquet (one row
an agency) and <wave>.json (records, respondents, misfits).
"""

from agency_survey import files, lemas, scripting, settings
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--table", "--misfits", "--regions"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    raw = files.read_parquet(given.table).set_index("row")
    regions = settings.regions(given.regions)
    table = lemas.harmonise(raw, given.settings["wave"], given.settings["population_classes"], regions)
    weighed = lemas.weigh(table)
    files.write_json(
        given.out.removesuffix(".parquet") + ".json",
        {
            "records": len(weighed),
            "respondents": int((weighed["responded"] & (weighed["weight"] > 0)).sum()),
            "misfits": len(files.read_csv(given.misfits)),
        },
    )
    files.write_parquet(given.out, weighed)


if __name__ == "__main__":
    script_main(main)
