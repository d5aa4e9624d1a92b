"""Chapter 2, survey methods: frame, sample, dispositions, outcome rates and weights of the national survey.

In: frame (clean), sampled agencies with weights (weight), published counts of agencies, sample design,
codebook of the dispositions, what is left out (disclosure).
Out: results/survey_methods/{numbers.json,tables/,figures/,text/}.
"""

from agency_survey import codebook, files, schema, scripting
from agency_survey.disclosure import watch
from agency_survey.errors import script_main
from agency_survey.sections.survey_methods_exhibits import chapter

COLUMNS = ("year", "agency_type", "breakdown", "class", "count", "se", "source")
NUMBERS = ("year", "count", "se")


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--frame", "--sample", "--counts", "--design", "--codebook", "--protected"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    protected = files.read_json(given.protected, "cells", "bases", "minimum_count")
    with watch.screening(protected):
        exhibits = chapter(
            frame=files.read_parquet(given.frame),
            sample=files.read_parquet(given.sample),
            counts=files.read_table(given.counts, columns=COLUMNS, numbers=NUMBERS),
            threshold=schema.load(given.design, "sample_design")["population_threshold"],
            synthetic=codebook.load(given.codebook).synthetic,
            settings=given.settings | {"minimum_count": protected["minimum_count"]},
        )
    exhibits.write(given.out)


if __name__ == "__main__":
    script_main(main)
