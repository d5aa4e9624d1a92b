"""The package's README in the form of the social-science data editors' template, as Markdown and as PDF.

All of it is generated but the prose on provenance (``config/archive_provenance.md``).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agency_survey.archive.mapping import Exhibit
from agency_survey.errors import InputError
from agency_survey.render.pandoc import find_pandoc

PROSE = "config/archive_provenance.md"


@dataclass(frozen=True)
class Facts:
    """What the README says, beyond the prose. files : kind of each payload file; needs : job's external files."""

    title: str
    version: str
    flavour: str
    package: str
    commit: dict[str, str]
    authors: list[str]
    python: str
    packages: dict[str, str]
    engine: dict[str, Any]
    platform: str
    costs: dict[str, str]
    files: dict[str, str]
    records: dict[str, int]
    external: list[dict]
    exhibits: list[Exhibit]
    seeds: list[tuple[str, int, str]]
    needs_external: dict[str, list[str]]
    references: list[str]
    duplicates: list[dict]
    left_out: list[tuple[list[str], str]]


def seeds(root: Path) -> list[tuple[str, int, str]]:
    """Where settings fix a seed: (file, line, value)."""
    found = []
    for path in sorted((root / "config").glob("*.yaml")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.search(r"\bseed: *(\d+)", line.partition("#")[0])
            if match:
                found.append((path.relative_to(root).as_posix(), number, match[1]))
    return found


def markdown(facts: Facts, prose: str) -> str:
    """The whole README."""
    parts = [
        _overview(facts),
        "## Data availability and provenance statements\n\n" + prose.strip(),
        _sources(facts),
        _datasets(facts),
        _requirements(facts),
        _programs(facts),
        _instructions(facts),
        _exhibits(facts),
        "## References\n\n" + "\n".join(f"- {one}" for one in facts.references),
    ]
    return "\n\n".join(parts) + "\n"


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _table(header: tuple[str, ...], rows: list[tuple]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)])


def _overview(facts: Facts) -> str:
    counts = {kind: sum(one.kind == kind for one in facts.exhibits) for kind in ("figure", "table", "number")}
    kinds = {"public": "the public flavour: synthetic survey records, no restricted file",
             "restricted": "the restricted flavour: for holders of the survey's records only"}  # fmt: skip
    return f"""# README: {facts.title}

Version {facts.version}, package `{facts.package}` ({kinds[facts.flavour]}), of commit `{facts.commit["id"]}` of {facts.commit["date"]}.
{", ".join(facts.authors)}.

## Overview

One command, `make report`, runs {len(facts.needs_external)} jobs of a Snakemake workflow from the raw files in `data/` to the book in `reports/_book/`
(HTML, PDF, DOCX): {counts["figure"]} figures, {counts["table"]} tables and {counts["number"]} numbers printed in the text. Expect it to take {facts.costs["run_time"]}.
`make verify` proves the package: it checks every file, rebuilds everything in an empty folder, and compares."""


def _sources(facts: Facts) -> str:
    rows = [
        (
            one["title"],
            one["study"],
            one["version"],
            one["file"],
            f"`{one['sha256']}`",
            "no",
            one["obtain"],
            one["terms"],
        )
        for one in facts.external
    ]
    header = ("Source", "Study", "Version", "Expected file", "SHA-256", "Provided", "How to get it", "Terms")
    return f"""### Files to bring

Put them into `data/external/lemas/`, or name their folder in `LEMAS_DIR`. Without them the build goes on, and the exhibits that
the list below marks with the needed files are not rebuilt.

{_table(header, rows)}"""


def _datasets(facts: Facts) -> str:
    rows = []
    for name, kind in sorted(facts.files.items()):
        if kind in ("data", "records", "public-use records", "edit log"):
            source = (
                "published figures"
                if name.startswith("data/published")
                else "synthetic stand-in"
                if facts.flavour == "public"
                else "survey"
            )
            rows.append((f"`{name}`", kind, facts.records.get(name, ""), source, "yes"))
    rows += [
        (f"`data/external/lemas/{one['file']}`", "external data", "", one["study"], "no") for one in facts.external
    ]
    return f"""## Dataset list

{_table(("File", "What", "Rows", "Source", "Provided"), rows)}

Every variable with label, question, values, missing codes and distribution: `codebook/codebook.html`, `codebook/codebook.csv`
and, in DDI-Codebook 2.5, `results/questionnaire/ddi.xml`. The questionnaire with its skip logic is appendix A of the book; the
files' own codebooks are `config/codebooks/`. Corrections: `data/corrections.csv`; what they and the edit rules changed:
`results/clean/edit_log.csv`, and in the numbers `corrections/effects.csv`; open questions: `results/clean/queries.csv`."""


def _requirements(facts: Facts) -> str:
    direct = [(name, version) for name, version in sorted(facts.packages.items())]
    seeds_said = [(f"`{file}`, line {line}", value) for file, line, value in facts.seeds]
    return f"""## Computational requirements

Software: Python {facts.python} ran the packaged build (3.11 or newer is needed), on {facts.platform}; the book is rendered by the
{facts.engine["engine"]} engine ({", ".join(f"{name} {version}" for name, version in sorted(facts.engine["versions"].items()))}). `make report` sets up an environment of its own with
these packages, pinned and hash-checked by `requirements/runtime.txt`; `environment.yml` has the same for conda.

{_table(("Package", "Version"), direct)}

Randomness is seeded: {"; ".join(f"{where}: {value}" for where, value in seeds_said) or "no seed is used"}.

Memory of the largest job: {facts.costs["memory"]}. Run time: {facts.costs["run_time"]}. Storage: {facts.costs["storage"]}. These
are the classes in which the figures of the packaged run lie. The exact figures, the machine, and the start, end, seconds and
memory of each job are in `{facts.package}-run.json`, which is given beside the package: they differ from run to run, whereas the
same commit and data give the same package to the byte. No network is needed once the packages are installed."""


def _programs(facts: Facts) -> str:
    return """## Description of programs

`Snakefile` and `workflow/rules/` say which job reads and makes what; `workflow/scripts/<rule>.py` is the program of each rule, and
`workflow/agency_survey/` the package with all logic. `provenance/jobs.json` has for each job of the packaged build its command,
settings, and the SHA-256 digest of everything that it read and made; `ro-crate-metadata.json` says the same as a Workflow Run
RO-Crate. Daily use of the workflow: `README-workflow.md`. Licences (`LICENSE`): code MIT, text CC BY 4.0, synthetic data CC0 1.0."""


def _instructions(facts: Facts) -> str:
    return f"""## Instructions to replicators

1. Unpack `{facts.package}.zip` and go into `{facts.package}/data/`.
2. Optional: put the LEMAS files into `data/external/lemas/`.
3. `make report`. It ends by naming the book's files. Run it again: nothing runs.

To have all of it checked, compared and reported instead: `make verify ARCHIVE=<path of the zip file>` in the same folder
(`QUICK=1` checks without rebuilding; `LEMAS_DIR=<folder>` rebuilds chapter 10 too)."""


def _exhibits(facts: Facts) -> str:
    pictured = [one for one in facts.exhibits if one.kind != "number"]
    rows = [
        (f"{one.kind.capitalize()} {one.number}", one.caption, f"`{one.script}`, line {one.script_line}", f"`{one.code}`, line {one.line}",
         " ".join(f"`{name}`" for name in one.outputs.split("; ")), _needed(facts, one))
        for one in pictured
    ]  # fmt: skip
    numbers = [
        (
            f"`{one.id}`",
            one.number,
            f"`{one.script}`, line {one.script_line}",
            f"`{one.code}`, line {one.line}",
            one.printed_at,
            _needed(facts, one),
        )
        for one in facts.exhibits
        if one.kind == "number"
    ]
    copies = "\n".join(f"- `{', '.join(one['patterns'])}`: {one['why']}" for one in facts.duplicates)
    left = "\n".join(f"- `{', '.join(patterns)}`: {why}" for patterns, why in facts.left_out)
    return f"""## List of exhibits and programs

The same list for programs: `exhibits.csv`. Each exhibit's rule is its program's name; its line is where the code names it.

### Figures and tables

{_table(("Exhibit", "Title", "Program", "Code", "Output files", "Needs"), rows)}

### Numbers in the text

The output file is `results/<rule>/numbers.json` of the rule that the program is named after.

{_table(("Number", "Printed", "Program", "Code", "Where", "Needs"), numbers)}

### Copies and files left out

Files of equal content are meant where they are:

{copies}

Kinds of files of the project folder that are not in the package:

{left}"""


def _needed(facts: Facts, one: Exhibit) -> str:
    return ", ".join(facts.needs_external.get(one.rule, []))


def pdf(text: str, title: str, epoch: int) -> bytes:
    """The README as PDF, by pandoc and typst with only their own fonts."""
    import typst

    path, _ = find_pandoc()
    wide = re.sub(
        r"`([^`\n]{24,})`",
        lambda match: "`" + match[1].replace("/", "/\u200b").replace("_", "_\u200b").replace("-", "-\u200b") + "`",
        text,
    )
    command = [path, "--from=gfm", "--to=typst", "--wrap=none"]
    done = subprocess.run(command, input=wide.encode(), capture_output=True, check=False)
    if done.returncode:
        raise InputError(f"Pandoc could not convert the README: {done.stderr.decode('utf-8', 'replace').strip()}")
    body = re.sub(r"#figure\(\s*align\(center\)", "#block(align(left)", done.stdout.decode("utf-8"))
    body = re.sub(r"#figure\(\s*", "#block(", body).replace("\n  , kind: table\n  )", "\n  )")
    head = (
        f'#set document(title: "{title}", author: ())\n#set page(paper: "us-letter", flipped: true, margin: 1.6cm, numbering: "1")\n'
        '#set text(size: 8pt, lang: "en")\n#set table(stroke: 0.4pt + gray, inset: 3pt)\n#show raw: set text(size: 6.5pt)\n'
        "#let horizontalrule = line(length: 100%)\n#show table: set text(size: 6.5pt)\n"
    )
    with tempfile.TemporaryDirectory(prefix="readme-") as folder:
        main = Path(folder) / "readme.typ"
        main.write_text(head + body, encoding="utf-8")
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
        try:
            return typst.compile(str(main), root=folder, font_paths=fonts, timestamp=epoch)
        except typst.TypstError as error:
            raise InputError(f"Typst could not set the README: {error.message}") from None
