"""What is rebuilt after each kind of change, beside plain Snakemake, with the time that it takes.

    python benchmarks/rebuild.py [--kills 50] [--only NAME ...] [--without-plain] | --page | --check

Plays the scenarios of tests/workflow/matrix.py on a project built with few imputations and replicates, and makes the same
changes to a project that plain ``snakemake --cores all`` built and builds again. What a scenario says of its jobs is asserted;
where that fails the others are played, and the end is an error. Writes benchmarks/results/rebuild.{csv,md} and
docs/rebuild.md; with --only, other rows stay as they are. --page writes the page from the measurements anew, --check tells
whether it is the one that they give. The LEMAS files are found as by the tests (LEMAS_DIR).
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/workflow"), str(ROOT / "workflow")]

import conftest  # noqa: E402
import matrix  # noqa: E402

RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/rebuild.md"
COLUMNS = [
    *("kind", "name", "what", "ran", "needed", "unneeded", "why", "seconds"),
    *("plain_ran", "plain_seconds", "plain_same", "targets", "skipped"),
]
RULE = re.compile(r"^(?:local)?rule (\w+):\n(?:    .*\n)*?(?:    wildcards: (.*)\n)?(?:    .*\n|$)", re.M)
NO_OPS = 5


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--only", nargs="+", help="names of scenarios, or no-op")
    parser.add_argument("--without-plain", action="store_true", help="leave plain Snakemake's columns empty")
    parser.add_argument("--page", action="store_true", help="write the page from the measurements")
    parser.add_argument("--check", action="store_true", help="say whether the page is the one of the measurements")
    given = parser.parse_args()
    if given.check:
        wrong = [path for path, text in pages(read()).items() if path.read_text(encoding="utf-8") != text]
        sys.exit(f"error: not of the measurements: {wrong[0]}. Run python benchmarks/rebuild.py --page" if wrong else 0)
    if not given.page:
        measure(given.kills, given.only, not given.without_plain)
    for path, text in pages(read()).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def read() -> list[dict[str, str]]:
    """Rows of the measurements."""
    with open(RESULTS / "rebuild.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def measure(kills: int, only: list[str] | None, with_plain: bool) -> None:
    """Play the scenarios and write a row each as soon as it is known."""
    rows = {row["name"]: row for row in read()} if (RESULTS / "rebuild.csv").is_file() else {}
    with tempfile.TemporaryDirectory(prefix="rebuild-") as folder:
        ours, undisturbed = built(Path(folder) / "ours", lambda project: project.report("--cores", "2"))
        plain = None
        if with_plain:
            plain, _ = built(Path(folder) / "plain", plainly)
        state = matrix.state_of(ours)
        scenarios, failed = [*matrix.SCENARIOS, *matrix.kills(kills, undisturbed)], []
        kept = {scenario.name for scenario in scenarios}
        rows = {name: row for name, row in rows.items() if name in kept or row["kind"] != "scenario"}
        rows = {scenario.name: unmeasured(scenario) for scenario in scenarios} | rows
        for number, scenario in enumerate(scenarios):
            if only is None or scenario.name in only:
                place = Path(folder) / str(number)
                try:
                    rows[scenario.name] = one(scenario, ours, plain, state, place)
                except AssertionError as error:
                    failed.append(f"{scenario.name} ({error})")
                    rows[scenario.name] = unmeasured(scenario)
                write(rows, scenarios)
                print(scenario.name, rows[scenario.name]["seconds"], rows[scenario.name]["skipped"], flush=True)
        if only is None or "no-op" in only:
            rows |= no_ops(ours, plain, Path(folder))
        rows["conditions"] = blank("conditions") | {"kind": "conditions", "what": conditions()}
        write(rows, scenarios)
    if failed:
        sys.exit("error: what was said of these did not hold: " + "; ".join(failed))


def built(folder: Path, build) -> tuple[conftest.Project, float]:
    """A project with few repetitions, built for the first time, and the seconds that it took."""
    folder.mkdir()
    conftest.checkout(folder)
    conftest.lighten(folder)
    project, began = conftest.Project(folder, conftest.lemas_folder()), time.monotonic()
    done = build(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project, time.monotonic() - began


def plainly(project: conftest.Project) -> subprocess.CompletedProcess:
    """Plain Snakemake."""
    return project.run("snakemake", "--cores", "2", "all")


def one(scenario: matrix.Scenario, ours, plain, state: matrix.State, folder: Path) -> dict[str, str]:
    """The row of a scenario."""
    row = unmeasured(scenario) | {"skipped": ""}
    if scenario.needs():
        return row | {"skipped": scenario.needs()}
    folder.mkdir()
    project, played = scenario.play(ours.copy(folder / "project"), state)
    scenario.hold(played, state)
    row |= {
        "ran": joined(played.ran),
        "needed": joined(played.needed),
        "unneeded": scenario.unneeded if played.same else "",
        "seconds": f"{played.seconds:.1f}",
    }
    if plain is not None and scenario.build is None:
        (folder / "plain").mkdir()
        other = plain.copy(folder / "plain/project")
        other = scenario.change(other) or other
        began = time.monotonic()
        done = plainly(other)
        seconds = time.monotonic() - began
        row["plain_seconds"] = f"{seconds:.1f}"
        if done.returncode:
            row["plain_ran"], row["plain_same"] = "it stopped: " + last_words(done), "no"
        else:
            row["plain_ran"] = joined(listed(done.stdout + done.stderr))
            row["plain_same"] = "yes" if other.outputs() == project.outputs() else "no"
    return row


def unmeasured(scenario: matrix.Scenario) -> dict[str, str]:
    """The row of a scenario before it is played."""
    known = {"kind": "scenario", "what": scenario.what, "why": scenario.why, "skipped": "not played yet"}
    return blank(scenario.name) | known | {"targets": matrix.TARGETS[scenario.targets]}


def blank(name: str) -> dict[str, str]:
    """A row without measurements."""
    return dict.fromkeys(COLUMNS, "") | {"name": name}


def joined(jobs) -> str:
    """Jobs as one cell."""
    return "; ".join(sorted(jobs))


def listed(said: str) -> list[str]:
    """Jobs that plain Snakemake said it ran."""
    found = []
    for match in RULE.finditer(said):
        values = [part.split("=", 1)[1] for part in (match[2] or "").split(", ") if part]
        if match[1] != "all":
            found.append(" ".join([match[1], *values]))
    return found


def last_words(done: subprocess.CompletedProcess) -> str:
    """The last line that a program said."""
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def no_ops(ours, plain, folder: Path) -> dict[str, dict[str, str]]:
    """Rows on builds that have nothing to do, in turns: ours, an empty workflow of one rule, plain Snakemake here."""
    empty = conftest.Project(folder / "empty", None)
    empty.folder.mkdir()
    (empty.folder / "Snakefile").write_text(
        'rule all:\n    output:\n        "done"\n    shell:\n        "touch {output}"\n'
    )
    ways = {
        "no-op-ours": ("This project, nothing to do", lambda: ours.report("--cores", "2")),
        "no-op-empty": ("Snakemake, an empty workflow of one rule, nothing to do", lambda: plainly(empty)),
    }
    if plain is not None:
        ways["no-op-plain"] = ("Plain Snakemake on this project, nothing to do", lambda: plainly(plain))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(NO_OPS + 1):
        for name, (_, build) in ways.items():
            began = time.monotonic()
            done = build()
            assert done.returncode == 0, done.stdout + done.stderr
            if turn:  # the first one fills caches, and makes the output of the empty workflow
                times[name].append(time.monotonic() - began)
    return {
        name: blank(name) | {"kind": "no-op", "what": what, "seconds": f"{statistics.median(times[name]):.2f}"}
        for name, (what, _) in ways.items()
    }


def conditions() -> str:
    """What the measurements were made on; the load tells whether the times are of a quiet machine."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}, Snakemake "
        f"{version('snakemake')}; load average at the end {os.getloadavg()[2]:.1f} over 15 minutes (about 2 where nothing "
        "else runs)"
    )


def write(rows: dict[str, dict[str, str]], scenarios: list[matrix.Scenario]) -> None:
    """The measurements, scenarios in their order."""
    order = [scenario.name for scenario in scenarios]
    order += [name for name in rows if name not in order]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[name] for name in order if name in rows)
    (RESULTS / "rebuild.csv").write_text(text.getvalue(), encoding="utf-8")


# -- the page ----------------------------------------------------------------------------------------------------------


def pages(rows: list[dict[str, str]]) -> dict[Path, str]:
    """Texts of the results' table and of the page, from the measurements."""
    return {RESULTS / "rebuild.md": table_of_results(rows), PAGE: page(rows)}


def of(rows: list[dict[str, str]], kind: str) -> list[dict[str, str]]:
    """Rows of a kind."""
    return [row for row in rows if row["kind"] == kind]


def jobs(cell: str) -> list[str]:
    """Jobs of a cell."""
    return [job for job in cell.split("; ") if job]


def named(cell: str, most: int = 6) -> str:
    """Jobs in words: their number, and their names where they are few; wildcards of a rule together."""
    found = jobs(cell)
    if not found:
        return "0"
    by_rule: dict[str, list[str]] = {}
    for job in found:
        rule, *values = job.split()
        by_rule.setdefault(rule, []).extend(values)
    names = [f"`{rule}`" + (f" ({', '.join(values)})" if values else "") for rule, values in by_rule.items()]
    return f"{len(found)}: {', '.join(names)}" if len(names) <= most else str(len(found))


def markdown(header: list[str], body: list[list[str]]) -> str:
    """A pipe table."""
    lines = [header, [":---"] * len(header), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def difference(row: dict[str, str]) -> str:
    """Jobs that ran although their outputs came out as they were, with the reason."""
    spare = sorted(set(jobs(row["ran"])) - set(jobs(row["needed"])))
    return f"{named('; '.join(spare))}: {row['unneeded']}" if spare else "0"


def plain_jobs(row: dict[str, str]) -> str:
    """What plain Snakemake ran."""
    if not row["plain_seconds"]:
        return "not measured"
    if row["plain_ran"].startswith("it stopped"):
        return "it stopped"
    same = "" if row["plain_same"] == "yes" else "; outputs differ from ours"
    return f"{len(jobs(row['plain_ran']))}{same}"


def main_table(rows: list[dict[str, str]]) -> str:
    """The matrix."""
    header = ["What happens", "Jobs that run", "Needed", "Difference, and why", "s", "Plain Snakemake: jobs", "s"]
    header.append("targets, per documentation")
    body = []
    for row in of(rows, "scenario"):
        if row["skipped"]:
            body.append([row["what"], f"not measured: {row['skipped']}", "", "", "", "", "", row["targets"]])
            continue
        needed = str(len(jobs(row["needed"])))
        ours = [row["what"], named(row["ran"]), needed, difference(row), row["seconds"]]
        body.append([*ours, plain_jobs(row), row["plain_seconds"], row["targets"]])
    return markdown(header, body)


def times_table(rows: list[dict[str, str]]) -> str:
    """Builds that have nothing to do."""
    return markdown(["Nothing to do", "s, median of 5"], [[row["what"], row["seconds"]] for row in of(rows, "no-op")])


def table_of_results(rows: list[dict[str, str]]) -> str:
    """benchmarks/results/rebuild.md."""
    what = of(rows, "conditions")[0]["what"]
    return (
        "# What is rebuilt\n\nMade by `python benchmarks/rebuild.py`; how to read it: [docs/rebuild.md](../../docs/rebuild.md).\n\n"
        f"{what[0].upper()}{what[1:]}.\n\n{main_table(rows)}\n\n{times_table(rows)}\n"
    )


def page(rows: list[dict[str, str]]) -> str:
    """docs/rebuild.md."""
    reasons = markdown(
        ["What happens", "Why these jobs run and no others"],
        [[row["what"], row["why"]] for row in of(rows, "scenario")],
    )
    return f"""# What is rebuilt, and when

A build runs the jobs whose command, inputs or outputs are not those of their record (`results/provenance/`), and stops where
outputs come out as they were. Contents decide: not times, owners, or the folder's name. The whole-build tests play each of the
following on a built project and assert the exact set of jobs that ran (`tests/workflow/test_rebuild_matrix.py`); this page is
made of the measurements in `benchmarks/results/rebuild.csv` by `python benchmarks/rebuild.py`.

*Needed* are the jobs of which a file differs from what it was before, or was lost or altered; this is found by comparing files,
without the build's own records. Where a job ran whose files came out as they were, the reason is given. *Plain Snakemake* is
`snakemake --cores all` with the same rules on a project that it built itself; within one run it runs everything downstream of a
job that runs. What R's *targets* does is given per documentation (user manual of October 2025 by chapter and section, help pages and news of
version 1.12); it was not run.

Measured with the settings of the tests (few imputations and replicates) on {of(rows, "conditions")[0]["what"]}.

{main_table(rows)}

## Why

{reasons}

## When there is nothing to do

Measured in turns on the same machine, the start of Python included.

{times_table(rows)}
"""


if __name__ == "__main__":
    main()
