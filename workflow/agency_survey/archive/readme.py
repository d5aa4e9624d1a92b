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

PAGE = 130  # characters that the PDF's page takes side by side
PROSE = "config/archive_provenance.md"
SURVEY_FILES = (
    "data/frame/frame.csv",
    *(f"data/raw/{name}.csv" for name in ("disposition", "part1", "part2", "part3")),
)
TOLD = (  # beginning of a path: what the file is, and its source where that is not the survey
    ("data/corrections.csv", ("register of corrections to raw data", "the project's decisions")),
    ("data/published/", ("published figures, each row with its source", "reports and web pages named in it")),
    ("data/frame/", ("frame of agencies", None)),
    ("data/raw/disposition", ("outcome of each mailed survey", None)),
    ("data/raw/part", ("raw answers", None)),
    (
        "data/raw/truth/",
        ("what the generator drew; read by tests, the score of cleaning and the simulation only", None),
    ),
    ("results/ingest/", ("raw records with types, and what did not fit", None)),
    ("results/clean/edit_log", ("every change by an edit rule or a correction", None)),
    ("results/clean/queries", ("open questions, with how they are read until answered", None)),
    ("results/clean/", ("clean records", None)),
    ("results/weight", ("sample with weights", None)),
    ("public_use/recodes", ("log of recodes", "made from the survey's records")),
    ("public_use/", ("public-use records", "made from the survey's records")),
)


@dataclass(frozen=True)
class Facts:
    """What the README says, beyond the prose.

    packages : versions; direct : those that the workflow names itself; synthetic : all survey records are; files : kind of
    each payload file; records : rows; citations : the book's references by key; needs_external : job's external files.
    """

    title: str
    version: str
    flavour: str
    package: str
    commit: dict[str, str]
    authors: list[str]
    python: str
    packages: dict[str, str]
    direct: set[str]
    synthetic: bool
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
    citations: dict[str, str]
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
    """A pipe table. The dashes below the header say how wide the columns are in the PDF: by their longest cells."""
    longest = [max(len(_cell(cell)) for cell in column) for column in zip(header, *rows, strict=True)]
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("-" * min(40, max(11, n)) for n in longest) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)])


def _overview(facts: Facts) -> str:
    counts = {kind: sum(one.kind == kind for one in facts.exhibits) for kind in ("figure", "table", "number")}
    kinds = {
        "public": "the public flavour: synthetic survey records, no restricted file"
        if facts.synthetic
        else "the public flavour: of the survey's records no more than the public-use files",
        "restricted": "the restricted flavour, not to be published: for holders of the survey's records only",
    }
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
            facts.citations.get(one["citation"], ""),
        )
        for one in facts.external
    ]
    header = ("Source", "Study", "Version", "Expected file", "SHA-256", "Provided", "How to get it", "Terms", "Cite as")
    return f"""### Files to bring

Put them into `data/external/lemas/`, or name their folder in `LEMAS_DIR`. Without them the build goes on, and the exhibits that
the list below marks with the needed files are not rebuilt.

{_table(header, rows)}"""


def _datasets(facts: Facts) -> str:
    rows = []
    for name, kind in sorted(facts.files.items()):
        if kind in ("data", "records", "public-use records", "edit log") and not name.endswith((".json", ".md")):
            rows.append((f"`{name}`", *_told(name, facts.synthetic), f"{facts.records.get(name, 0):,}", "yes"))
    if not facts.synthetic and facts.flavour == "public":
        rows += [(f"`{name}`", *_told(name, False), "", "no: confidential") for name in SURVEY_FILES]
    rows += [
        (f"`data/external/lemas/{one['file']}`", one["title"], one["study"], "", "no: see above")
        for one in facts.external
    ]
    return f"""## Dataset list

{_table(("File", "What", "Source", "Rows", "Provided"), rows)}
{_public_use(facts)}
Survey design: the whole questionnaire with its skip logic is appendix A of the book; population, frame, sampling, mode,
response rates and weights are chapter 2 and the DDI document; the statement on human subjects stands above. Every variable with label, question, values, missing codes and distribution: `codebook/codebook.html`, `codebook/codebook.csv`
and, in DDI-Codebook 2.5, `results/questionnaire/ddi.xml`. The files' own codebooks are `config/codebooks/`.
{_edits(facts)}"""


def _told(name: str, synthetic: bool) -> tuple[str, str]:
    """What a file of data is, and where it comes from."""
    survey = "synthetic stand-in" if synthetic else "the survey"
    what, source = next((words for start, words in TOLD if name.startswith(start)), ("records", None))
    return what, source or survey


def _public_use(facts: Facts) -> str:
    if not any(name.startswith("public_use/") for name in facts.files):
        return ""
    return """
Public-use files are given where enough agencies share each combination of quasi-identifiers and differ in what is sensitive:
`public_use/report.md` says of each file whether it is, and `public_use/recodes.csv` logs what was recoded or taken out.
"""


def _edits(facts: Facts) -> str:
    if not facts.synthetic and facts.flavour == "public":
        return """The register of corrections, the log of edits and the list of open questions hold single records' answers: they are in the
restricted flavour only. How many edits each rule made is in chapter 2 and appendix B of the book."""
    return """Corrections: `data/corrections.csv`; what they and the edit rules changed: `results/clean/edit_log.csv`, and in the numbers
`corrections/effects.csv`; open questions: `results/clean/queries.csv`."""


def _requirements(facts: Facts) -> str:
    direct = [(name, version) for name, version in sorted(facts.packages.items()) if name in facts.direct]
    theirs = ", ".join(
        f"{name} {version}" for name, version in sorted(facts.packages.items()) if name not in facts.direct
    )
    seeds_said = [(f"`{file}`, line {line}", value) for file, line, value in facts.seeds]
    return f"""## Computational requirements

Software: Python {facts.python} ran the packaged build (3.11 or newer is needed), on {facts.platform}; the book is rendered by the
{facts.engine["engine"]} engine ({", ".join(f"{name} {version}" for name, version in sorted(facts.engine["versions"].items()))}). `make report` sets up an environment of its own with
these packages, pinned and hash-checked by `requirements/runtime.txt`; `environment.yml` has the same for conda.

{_table(("Package", "Version"), direct)}

Packages that these need: {theirs}.

Setup: `make report` runs `workflow/bootstrap.py`, which makes the environment `.venv`; it needs Python, make and, that once, the
network (or a folder `wheels/` that `make wheels` filled on another machine: `README-workflow.md`).

Randomness is seeded: {"; ".join(f"{where}: {value}" for where, value in seeds_said) or "no seed is used"}.

Memory of the largest job: {facts.costs["memory"]}. Run time: {facts.costs["run_time"]}. Storage: {facts.costs["storage"]}. These
are the classes in which the figures of the packaged run lie. The exact figures, the machine, and the start, end, seconds and
memory of each job are in `{facts.package}-run.json`, which is given beside the package: they differ from run to run, whereas the
same commit and data give the same package to the byte. No network is needed once the packages are installed."""


def _programs(facts: Facts) -> str:
    return f"""## Description of programs

`Snakefile` and `workflow/rules/` say which job reads and makes what; `workflow/scripts/<rule>.py` is the program of each rule, and
`workflow/agency_survey/` the package with all logic. `provenance/jobs.json` has for each job of the packaged build its command,
settings, and the SHA-256 digest of everything that it read and made; `ro-crate-metadata.json` says the same as a Workflow Run
RO-Crate. Daily use of the workflow: `README-workflow.md`. Licences (`LICENSE`): code MIT, text CC BY 4.0{", synthetic data CC0 1.0" if facts.synthetic else ""}."""


def _instructions(facts: Facts) -> str:
    return f"""## Instructions to replicators

1. Unpack `{facts.package}.zip` and go into `{facts.package}/data/`.
2. Optional: put the LEMAS files into `data/external/lemas/`.
{_records_needed(facts)}. `make report`, the one main program. It ends by naming the book's files. Run it again: nothing runs.

To have all of it checked, compared and reported instead: `make verify ARCHIVE=<path of the zip file>` in the same folder
(`QUICK=1` checks without rebuilding; `LEMAS_DIR=<folder>` rebuilds chapter 10 too)."""


def _records_needed(facts: Facts) -> str:
    """Steps before the last one, and the number of that."""
    if facts.synthetic or facts.flavour == "restricted":
        return "3"
    return f"""3. Put the survey's own records in their places, as their holder gave them to you: {", ".join(f"`{n}`" for n in SURVEY_FILES)}.
4"""


def _exhibits(facts: Facts) -> str:
    pictured = [one for one in facts.exhibits if one.kind != "number"]
    rows = [
        (f"{one.kind.capitalize()} {one.number}", one.caption, f"`{one.rule}`", f"`{one.script}`, line {one.script_line}", f"`{one.code}`, line {one.line}",
         " ".join(f"`{name}`" for name in one.outputs.split("; ")), _needed(facts, one))
        for one in pictured
    ]  # fmt: skip
    numbers = [
        (
            f"`{one.id}`",
            one.number,
            f"`{one.rule}`",
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

The same list for programs: `exhibits.csv`. Program: the rule's script, with the line that writes its outputs. Code: the line
that names the exhibit. In the data files the column `status` says of each row whether its numbers are `shown`, missing as they are
too `imprecise` (printed as a dash), or `withheld` to avoid disclosing data of single agencies (printed as `(D)`).

### Figures and tables

{_table(("Exhibit", "Title", "Rule", "Program", "Code", "Output files", "Needs"), rows)}

### Numbers in the text

The output file is `results/<rule>/numbers.json`.

{_table(("Number", "Printed", "Rule", "Program", "Code", "Where", "Needs"), numbers)}

### Copies and files left out

Files of equal content are meant where they are:

{copies}

Kinds of files of the project folder that are not in the package:

{left}"""


def _needed(facts: Facts, one: Exhibit) -> str:
    return ", ".join(facts.needs_external.get(one.rule, []))


def _widths(text: str) -> list[str]:
    """Columns of each table for typst, as the dashes below its header say; empty for a table that fits the page anyway."""
    found = []
    for line in re.findall(r"^\|(?:-+\|)+$", text, flags=re.M):
        dashes = [len(part) for part in line.strip("|").split("|")]
        found.append(f"columns: ({', '.join(f'{n}fr' for n in dashes)})," if sum(dashes) > PAGE else "")
    return found


def _breakable(code: str) -> str:
    """A path, identifier or digest with places where a line may break."""
    return re.sub(r"([/_.-]|[0-9a-f]{16}(?=[0-9a-f]))", "\\1\u200b", code)


def pdf(text: str, title: str, epoch: int) -> bytes:
    """The README as PDF, by pandoc and typst with only their own fonts."""
    import typst

    path, _ = find_pandoc()
    wide = re.sub(r"`([^`\n]{16,})`", lambda match: f"`{_breakable(match[1])}`", text)
    wide = re.sub(r"(?<=[a-z])([/:_])(?=[a-z0-9_]+[/.:])", "\\1\u200b", wide)
    command = [path, "--from=gfm", "--to=typst", "--wrap=none"]
    done = subprocess.run(command, input=wide.encode(), capture_output=True, check=False)
    if done.returncode:
        raise InputError(f"Pandoc could not convert the README: {done.stderr.decode('utf-8', 'replace').strip()}")
    widths = iter(_widths(text))
    body = re.sub(r"columns: \d+,", lambda match: next(widths) or match[0], done.stdout.decode("utf-8"))
    body = re.sub(r"#figure\(\s*align\(center\)", "#block(align(left)", body)
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
