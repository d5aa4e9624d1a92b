"""Which numbers of the chapters on the national survey are left out, so that no agency can be made out.

In: sampled agencies with weights (weight), weights of Parts II and III (weight_parts), blocks of answers with their
codebooks (clean), the rules (config/disclosure.yaml).
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
    for name in ("--sample", "--part2", "--part3", "--rules"):
        parser.add_argument(name, required=True)
    for name in ("--blocks", "--books"):
        parser.add_argument(name, nargs="+", required=True)
    given = parser.parse_args()
    data = {name: files.read_parquet(getattr(given, name)) for name in ("sample", "part2", "part3")}
    data |= {Path(path).stem: files.read_parquet(path) for path in given.blocks}
    books = {Path(path).stem: codebook.from_block(files.read_json(path, "variables")) for path in given.books}
    rules = Rules.of(schema.load(given.rules, "disclosure"))
    found = watched.found(data, books, given.settings, rules)
    pattern = suppress.protect(found.system)
    protection.require_safe(found, pattern)
    out, hidden = Path(given.out), catalogue.protected(found, pattern, rules, watched.MODELS)
    for section, left_out in hidden.items():
        files.write_json(out / f"{section}.json", left_out)
    files.write_json(out / "cells.json", catalogue.as_dict(found))
    files.write_json(out / "numbers.json", protection.numbers(found, hidden, pattern, rules).as_dict())


if __name__ == "__main__":
    script_main(main)
