"""Command line of the project: ``python -m agency_survey.cli report`` and what else the Makefile calls."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

from agency_survey.errors import InputError, explain_os_error

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    """Run one command; input errors are one sentence, anything else leaves its traceback in logs/cli.log."""
    parser = argparse.ArgumentParser(prog="agency_survey", description=__doc__)
    commands = parser.add_subparsers(required=True)
    report = commands.add_parser("report", help="build the whole report, or what changed")
    report.add_argument("--cores", default=str(os.cpu_count() or 1))
    report.add_argument("--verbose", action="store_true")
    report.set_defaults(run=_report)
    standin = commands.add_parser("standin", help="write the synthetic stand-in data anew")
    standin.add_argument("--out", type=Path, default=ROOT / "data", help="the data folder to write")
    standin.set_defaults(run=_standin)
    given = parser.parse_args(argv)
    os.chdir(ROOT)
    try:
        given.run(given)
        return 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {explain_os_error(error)}", file=sys.stderr)
        _keep_traceback()
    except KeyboardInterrupt:
        print("Interrupted; the next `make report` goes on from here.", file=sys.stderr)
        return 130
    except Exception as error:
        where = _keep_traceback()
        print(f"error: The program failed ({type(error).__name__}: {error}). {where}", file=sys.stderr)
    return 1


def _keep_traceback() -> str:
    try:
        log = ROOT / "logs" / "cli.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(traceback.format_exc(), encoding="utf-8")
        return "The traceback is in logs/cli.log; please report it."
    except OSError:
        return "The traceback could not be written to logs/cli.log."


def _report(given: argparse.Namespace) -> None:
    from agency_survey import build

    record = build.run(ROOT, _cores(given.cores), given.verbose)
    count = len(record["jobs"])
    done = f"{count} job{'s' if count != 1 else ''} ran" if count else "nothing had changed, no job ran"
    print(f"\nThe report is built: {record['seconds']:.0f} s, {done}.")
    for name, path in record["outputs"].items():
        print(f"  {name:<5} {path}")
    print("  What ran, why and how long: results/build.json")
    for line in notices(ROOT):
        print(line)
    if record["engine"] == "bundled":
        print("Rendered by the bundled engine; `make quarto` adds Quarto, which then renders the same book.")


def _cores(text: str) -> int:
    """The number of cores as given; checked here because argparse would answer with its usage."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise InputError(f"CORES must be a whole number of at least 1, not '{text}'", fix="For instance CORES=2")
    return number


def notices(root: Path) -> list[str]:
    """One line for each external file that the build went without, and for each file with values outside its codebook."""
    from agency_survey import files, schema

    lines = []
    for entry in schema.load(root / "config" / "external.yaml", "external").values():
        path = root / "results" / "external_data" / f"{entry['wave']}.json"
        state = files.read_json(path)["state"] if path.is_file() else "verified"
        if state != "verified":
            why = "is missing" if state == "missing" else "is not the file that the register expects"
            lines.append(f"Without LEMAS {entry['wave']}: {entry['file']} {why}; chapter 10 says how to get it.")
    for path in sorted((root / "results").glob("ingest*/*.misfits.csv")):
        count = len(path.read_text(encoding="utf-8").splitlines()) - 1
        if count > 0:
            name = path.relative_to(root)
            lines.append(f"{count} value{'s' if count > 1 else ''} outside the codebook, read as missing: {name}")
    return lines


def _standin(given: argparse.Namespace) -> None:
    from agency_survey import files, standin

    settings = standin.read_settings(ROOT / "config" / "standin.yaml", ROOT / "config" / "sample_design.yaml")
    published = files.read_table(
        "data/published/frame_counts.csv",
        columns=("year", "agency_type", "breakdown", "class", "count"),
        numbers=("year", "count"),
    )
    standin.write(standin.generate(settings, published, settings["seed"]), given.out)
    print(f"The synthetic stand-in is written to {given.out}.")


if __name__ == "__main__":
    sys.exit(main())
