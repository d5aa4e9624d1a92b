# The report from raw responses to the rendered book. `make report` runs this stage by stage;
# `snakemake --cores all` gives the same results.
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from agency_survey import build, settings


configfile: "config/config.yaml"


settings.check(config, "config/config.yaml")


include: "workflow/rules/common.smk"


for path in sorted(Path(workflow.basedir, "workflow", "rules").glob("[0-9][0-9]_*.smk")):

    include: str(path)


onstart:
    build.hold_in_plain_run(Path(workflow.basedir))


rule all:
    default_target: True
    input:
        BOOK,
        rules.render.output,
        rules.ledger.output,
        rules.disclosure_audit.output,
        [getattr(rules, name).output for name in SECTIONS],
