"""The attack on what is published: tables, data files of figures, texts and numbers of all sections together.

In: published files of every section, results/disclosure/ (what was to be left out, confidential counts), the rules
(config/disclosure.yaml).
Out: results/disclosure_audit/{audit.json,audit.md}, results/disclosure/findings.json (confidential), and passed.json when there is no leak.
"""

import sys
from pathlib import Path

from agency_survey import audits, files, scripting
from agency_survey.errors import script_main


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--published", "--claims"):
        parser.add_argument(name, nargs="+", required=True)
    for name in ("--cells", "--rules", "--findings"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    out, passed = Path(given.out), Path(given.out) / "passed.json"
    passed.unlink(missing_ok=True)
    result = audits.of_files(given.published, given.cells, given.claims, given.rules)
    files.write_json(given.findings, {name: result[name] for name in ("narrowest", "least_slack", "leaks")})
    files.write_json(out / "audit.json", audits.public(result))
    files.write_text(out / "audit.md", audits.markdown(result))
    if result["leaks"]:
        print(audits.markdown(result), file=sys.stderr)  # the log stays when the outputs of a failed job are taken away
    audits.require_none(result)
    files.write_json(passed, {"leaks": 0})


if __name__ == "__main__":
    script_main(main)
