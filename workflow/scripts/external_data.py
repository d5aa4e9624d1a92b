"""Check one external file against the register: verified, missing or altered; the build goes on in every case.

In: the file, where it is there. Out: results/external_data/<wave>.json (state, file name, digest found).
"""

import sys

from agency_survey import files, scripting
from agency_survey.errors import script_main
from agency_survey.ingest import sha256


def main() -> None:
    parser = scripting.parser(__doc__)
    parser.add_argument("--file", nargs="*", default=[], help="the file, or nothing where it is missing")
    given = parser.parse_args()
    entry = given.settings
    found = sha256(given.file[0]) if given.file else None
    state = "missing" if found is None else "verified" if found == entry["sha256"] else "altered"
    if state != "verified":
        print(
            f"notice: {entry['study']}: {entry['file']} is {state}; the build goes on without it",
            file=sys.stderr,
        )
    files.write_json(given.out, {"state": state, "file": entry["file"], "sha256": found})


if __name__ == "__main__":
    script_main(main)
