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
    report.add_argument("--mode", choices=("normal", "quiet", "verbose"), default="normal")
    report.add_argument("--explain", action="store_true", help="first say what would run at most, and why")
    report.add_argument("--numbers-only", action="store_true", help="stop before the book is rendered")
    report.set_defaults(run=_report)
    explained = commands.add_parser("explain", help="say what a build would run at most, and why")
    explained.set_defaults(run=_explain)
    status = commands.add_parser("status", help="say whether the results are whole and current")
    status.set_defaults(run=_status)
    changed = commands.add_parser("changes", help="say what moved since the accepted build, and what moved it")
    changed.add_argument("--base", help="another build: a folder of results, a project, or a package")
    changed.set_defaults(run=_changes)
    accept = commands.add_parser("accept", help="keep the current build as the base of comparisons")
    accept.set_defaults(run=_accept)
    standin = commands.add_parser("standin", help="write the synthetic stand-in data anew")
    standin.add_argument("--out", type=Path, help="the data folder to write (data)")
    standin.add_argument("--scale", default="1", help="how many times the survey's size (1)")
    standin.set_defaults(run=_standin)
    correct = commands.add_parser("correct", help="show a record; add an entry to the corrections register")
    for name in ("--file", "--record"):
        correct.add_argument(name, required=True)
    for name in ("--variable", "--new", "--old", "--reason", "--evidence", "--by", "--date", "--expires", "--id"):
        correct.add_argument(name)
    correct.set_defaults(run=_correct)
    listed = commands.add_parser("corrections", help="list the entries of the register and what each one moved")
    listed.add_argument("--id", help="one entry only")
    listed.add_argument("--quick", action="store_true", help="without what they moved")
    listed.set_defaults(run=_corrections)
    archive = commands.add_parser("archive", help="make the archived replication package")
    archive.add_argument("--flavour", default="public", help="public (default) or restricted")
    archive.set_defaults(run=_archive)
    verify = commands.add_parser("verify", help="prove a package: intact, safe, mapped, rebuilt, compared")
    verify.add_argument("--archive", default="", help="the zip file")
    verify.add_argument("--cores", default=str(os.cpu_count() or 1))
    verify.add_argument("--quick", action="store_true", help="without unpacking, scanning and rebuilding")
    verify.add_argument("--out", help="folder for the report (beside the package)")
    verify.set_defaults(run=_verify)
    between = commands.add_parser("compare", help="say what moved in the report between two packages")
    between.add_argument("--first", default="")
    between.add_argument("--second", default="")
    between.set_defaults(run=_compare)
    given = parser.parse_args(argv)
    os.chdir(ROOT)
    try:
        given.run(given)
        sys.stdout.flush()
        return 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except BrokenPipeError:  # whoever read the output has gone, as in `make changes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
    from agency_survey import build, changes, environment

    cores = _cores(given.cores)
    if given.explain:
        _explain(given)
        print(flush=True)  # what follows goes to the other stream
    record = build.run(ROOT, cores, given.mode, book=not given.numbers_only)
    if given.numbers_only:
        print(f"The numbers are built: {record['seconds']:.0f} s; the book is not rendered.")
        return
    count = len(record["jobs"])
    done = f"{count} job{'s' if count != 1 else ''} ran" if count else "nothing had changed, no job ran"
    if record["skipped"]:
        done += f", {record['skipped']} not needed as what they read came out the same"
    print(f"\nThe report is built: {record['seconds']:.0f} s, {done}.")
    for name, path in record["outputs"].items():
        print(f"  {name:<5} {path}")
    print("  What ran, why and how long: results/build.json")
    for line in [*notices(ROOT), *environment.unpinned(ROOT)]:
        print(line)
    if record["engine"] == "bundled":
        print("Rendered by the bundled engine; `make quarto` adds Quarto, which then renders the same book.")
    if said := changes.after_build(ROOT):
        print(said)


def _explain(given: argparse.Namespace) -> None:
    from agency_survey import explain

    print(explain.text(ROOT))


def _status(given: argparse.Namespace) -> None:
    from agency_survey import files, provenance

    wrong = provenance.status(ROOT)
    if wrong:
        raise InputError(
            "The results are not current:\n  " + "\n  ".join(wrong) + "\n`make explain` says what would run"
        )
    record = files.read_json(ROOT / provenance.BUILD)
    print("The results are whole and current: every job's inputs, settings and outputs are those of its record.")
    print(f"  state    {record['state']}")
    print(f"  version  {record['version']}, Python {record['python']}, book by the {record['engine']} engine")


def _changes(given: argparse.Namespace) -> None:
    from agency_survey import build
    from agency_survey.changes import command

    with build.one_build(ROOT):  # what a running build has made so far is of two states
        print(command.show(ROOT, given.base))


def _accept(given: argparse.Namespace) -> None:
    from agency_survey import build
    from agency_survey.changes import command

    with build.one_build(ROOT):
        print(command.accept(ROOT))


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
    """One line for each external file that the build went without, for what a person must decide about the returns, and for
    each LEMAS file with values outside its codebook."""
    from agency_survey import files, schema

    lines = []
    for entry in schema.load(root / "config" / "external.yaml", "external").values():
        path = root / "results" / "external_data" / f"{entry['wave']}.json"
        state = files.read_json(path)["state"] if path.is_file() else "verified"
        if state != "verified":
            why = "is missing" if state == "missing" else "is not the file that the register expects"
            lines.append(f"Without LEMAS {entry['wave']}: {entry['file']} {why}; chapter 10 says how to get it.")
    counts = root / "results" / "clean" / "counts.json"
    rules = files.read_json(counts, "rules")["rules"] if counts.is_file() else []
    changes, queries = (sum(rule[key] for rule in rules) for key in ("changes", "queries"))
    if changes:
        lines.append(f"{changes:,} change{'s' if changes > 1 else ''} by edit rules: results/clean/edit_log.csv")
    if queries:
        what = "questions about the returns wait" if queries > 1 else "question about the returns waits"
        lines.append(f"{queries:,} {what} for an answer: results/clean/queries.csv")
    for path in sorted((root / "results").glob("ingest_lemas/*.misfits.csv")):
        count = len(path.read_text(encoding="utf-8").splitlines()) - 1
        if count > 0:
            name = path.relative_to(root)
            lines.append(f"{count} value{'s' if count > 1 else ''} outside the codebook, read as missing: {name}")
    return lines


def _standin(given: argparse.Namespace) -> None:
    from agency_survey import files, standin

    data = ROOT / "data"
    scale, out = _scale(given.scale, standin.LARGEST_SCALE), given.out or data
    if scale > 1 and out.resolve() == data.resolve():
        raise InputError(
            "A larger stand-in needs a folder of its own", "OUT", "Give one: make standin SCALE=3 OUT=folder"
        )
    settings = standin.read_settings(ROOT / "config" / "standin.yaml", ROOT / "config" / "sample_design.yaml")
    published = files.read_table(
        "data/published/frame_counts.csv",
        columns=("year", "agency_type", "breakdown", "class", "count"),
        numbers=("year", "count"),
    )
    books = standin.read_codebooks(ROOT / "config" / "codebooks")
    standin.write(settings, published, books, out, scale)
    print(f"The synthetic stand-in is written to {out}.")


def _correct(given: argparse.Namespace) -> None:
    from agency_survey import register

    if given.variable is None:
        print(register.show(ROOT, given.file, given.record))
        print("To correct a value, give VARIABLE=, NEW=, REASON=, EVIDENCE= and BY= (a role) as well.")
        return
    if given.new is None:
        raise InputError("The new value is not given", "NEW", "Give NEW=, empty quotes for a blank cell")
    columns = {"variable": given.variable, "new_value": given.new, "old_value": given.old, "decided_by": given.by}
    columns |= {
        name: getattr(given, name) for name in ("id", "file", "record", "reason", "evidence", "date", "expires")
    }
    entry = register.correct(ROOT, {name: value for name, value in columns.items() if value is not None})
    print(f"Added to {register.REGISTER}:\n{register.listing(entry, None)}")
    print("`make report` applies it; `make corrections` says what it moved.")


def _corrections(given: argparse.Namespace) -> None:
    from agency_survey import codebook, register

    entries = register.entries(ROOT, codebook.load_survey(ROOT / register.CODEBOOKS))
    chosen = [entry for entry in entries if given.id in (None, entry.id)]
    if given.id and not chosen:
        raise InputError(f"There is no entry '{given.id}'", str(register.REGISTER), "`make corrections` lists them all")
    if not chosen:
        print(f"The register has no entries ({register.REGISTER}).")
    elif given.quick:
        print("\n".join(register.listing(entry, None) for entry in chosen))
    else:
        found = {}
        for entry, moved in register.moved_by(ROOT, chosen):
            found[entry.id] = moved
            print(register.listing(entry, moved), flush=True)
        print(f"All that moved, cell by cell: {register.record_moves(ROOT, found).relative_to(ROOT)}")


def _archive(given: argparse.Namespace) -> None:
    from agency_survey.archive import commands

    commands.archive(ROOT, given.flavour)


def _verify(given: argparse.Namespace) -> None:
    from agency_survey.archive import commands

    if not given.archive:
        raise InputError("No archive is named", "ARCHIVE", "Name the zip file: make verify ARCHIVE=dist/<name>.zip")
    commands.verify(ROOT, given.archive, _cores(given.cores), given.quick, given.out)


def _compare(given: argparse.Namespace) -> None:
    from agency_survey.archive import commands

    if not (given.first and given.second):
        raise InputError(
            "Two archives are needed", "A and B", "Name them: make compare A=dist/<one>.zip B=dist/<other>.zip"
        )
    commands.compare(given.first, given.second)


def _scale(text: str, largest: int) -> int:
    """The scale as given; checked here because argparse would answer with its usage."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= largest:
        raise InputError(f"'{text}' is no scale", "SCALE", f"Give a whole number from 1 to {largest}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
