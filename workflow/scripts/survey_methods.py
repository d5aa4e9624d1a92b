"""Chapter 2, survey methods: frame, sample, dispositions, outcome rates and weights of the national survey.

In: frame (ingest), sampled agencies with weights (weight), published counts of agencies, sample design,
codebook of the dispositions.
Out: results/survey_methods/{numbers.json,tables/,figures/,text/}.
"""

import pandas as pd

from agency_survey import codebook, schema, scripting
from agency_survey.errors import script_main
from agency_survey.sections.survey_methods_exhibits import chapter


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--frame", "--sample", "--counts", "--design", "--codebook"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    exhibits = chapter(
        frame=pd.read_parquet(given.frame),
        sample=pd.read_parquet(given.sample),
        counts=pd.read_csv(given.counts),
        threshold=schema.load(given.design, "sample_design")["population_threshold"],
        synthetic=codebook.load(given.codebook).synthetic,
        settings=given.settings,
    )
    exhibits.write(given.out)


if __name__ == "__main__":
    script_main(main)
