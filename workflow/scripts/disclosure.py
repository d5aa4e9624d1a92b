"""Which numbers of the chapters on the national survey are left out, so that no agency can be made out.

In: sampled agencies with weights (weight), weights of Parts II and III (weight_parts), blocks of answers with their
codebooks (clean), the rules (config/disclosure.yaml), the models of chapter 6 (config/models.yaml).
Out: results/disclosure/{<section>.json, one a section; cells.json (confidential counts, for the audit); numbers.json}.
"""

from pathlib import Path

from agency_survey import codebook, files, schema, scripting
from agency_survey.disclosure import catalogue, suppress
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import script_main
from agency_survey.sections import protection, watched


def main() -> None:
    parser = scripting.parser(__doc__)
    for name in ("--sample", "--part2", "--part3", "--rules", "--models"):
        parser.add_argument(name, required=True)
    for name in ("--blocks", "--books"):
        parser.add_argument(name, nargs="+", required=True)
    given = parser.parse_args()
    data = {name: files.read_parquet(getattr(given, name)) for name in ("sample", "part2", "part3")}
    data |= {Path(path).stem: files.read_parquet(path) for path in given.blocks}
    books = {Path(path).stem: codebook.from_block(files.read_json(path, "variables")) for path in given.books}
    rules = Rules.of(schema.load(given.rules, "disclosure"))
    settings = given.settings | {"models": schema.load(given.models, "models")["determinants"]}
    found = watched.found(data, books, settings, rules)
    pattern, totals = suppress.protect(found.system), suppress.protect(found.totals)
    protection.require_safe(found, pattern, totals)
    out, hidden = Path(given.out), catalogue.protected(found, pattern, rules, watched.SECTIONS, totals)
    for section, left_out in hidden.items():
        files.write_json(out / f"{section}.json", left_out)
    files.write_json(out / "cells.json", catalogue.as_dict(found))
    files.write_json(out / "numbers.json", protection.numbers(found, hidden, (pattern, totals), rules).as_dict())


if __name__ == "__main__":
    script_main(main)
