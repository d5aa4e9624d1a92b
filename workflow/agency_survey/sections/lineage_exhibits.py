"""Appendix E, provenance: its tables, figure, numbers and texts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from agency_survey import figures, ledger, wording
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import num
from agency_survey.sections import lineage as section
from agency_survey.sections import lineage_figure as picture
from agency_survey.tables import Table

PREFIX = "lineage"
RULE = "lineage"
MANY, MANY_FOLDERS = 9, 5  # rules and folders that a cell names
SHORT = 12  # digits of a digest in print
STATES = {"verified": "yes, verified", "missing": "not at hand", "altered": "no: another file of that name"}
KINDS = {
    "synthetic": "synthetic",
    "real": "real records",
    "published": "published",
    "simulated": "simulated",
    "decisions": "decisions",
}
OUTSIDE = {  # seeds of what is made before a build, and kept
    "config/standin.yaml": "the generator of the stand-in (`make standin`)",
    "benchmarks/coverage.py": "the simulation whose results @sec-sensitivity shows",
}
SOURCE = "the rules as declared in `workflow/rules/`"


@dataclass(frozen=True)
class Declared:
    """What the workflow declares: graph of rules, chapters, data files, packages, seeds and Python versions."""

    graph: dict[str, dict]
    chapters: list[dict]
    files: pd.DataFrame
    external: pd.DataFrame
    software: pd.DataFrame
    seeds: pd.DataFrame
    python: str


def appendix(found: Declared, printed: dict[str, list[str]]) -> Exhibits:
    """Exhibits of the appendix. printed : fragment -> ids of the numbers that it prints, of all sections but this one."""
    texts = {"data": data_text(found), "external": external_text(found.external), "software": software_text(found)}
    printed = printed | {
        f"results/{RULE}/text/{name}.md": section.printed_numbers(text) for name, text in texts.items()
    }
    exhibits = section.exhibits_table(found.graph, found.chapters, printed)
    chapters = section.by_chapter(exhibits, found.chapters)
    rules = section.rules_table(found.graph, found.chapters)
    return Exhibits(
        _numbers(found, rules, exhibits),
        [
            files_table(found.files),
            external_table(found.external),
            rules_table(rules, found.chapters),
            exhibits_map(exhibits, chapters),
            software_table(found.software),
            seeds_table(found.seeds),
        ],
        [graph_figure(picture.drawn(found.graph, _sections(found)))],
        texts,
    )


def _sections(found: Declared) -> dict[str, str]:
    """Rules that chapters show something of, in the order of the chapters that show most of each, with their labels."""
    shown = {rule: chapters[0] for rule, chapters in section.homes(found.graph, found.chapters).items() if chapters}
    place = {chapter["file"]: index for index, chapter in enumerate(found.chapters)}
    return {rule: shown[rule]["label"] for rule in sorted(shown, key=lambda rule: (place[shown[rule]["file"]], rule))}


def _id(name: str) -> str:
    return f"{PREFIX}.{name}"


def _numbers(found: Declared, rules: pd.DataFrame, exhibits: pd.DataFrame) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    places = exhibits[exhibits["kind"] == "number"]
    synthetic = found.files.loc[found.files["kind"] == "synthetic"]
    counts = {
        "files": (len(found.files), "Data files of the repository that the build reads"),
        "files.synthetic": (len(synthetic), "Data files with synthetic records"),
        "records": (int(found.files["records"].sum()), "Records of the repository's data files"),
        "external": (len(found.external), "Files that users bring"),
        "external.verified": (int((found.external["state"] == "verified").sum()), "Files that users bring, verified"),
        "rules": (len(rules), "Rules of the build"),
        "outputs": (int(rules["files"].sum()), "Files that the rules make"),
        "tables": (section.total(exhibits, ["table"]), "Tables in the book"),
        "figures": (section.total(exhibits, ["figure"]), "Figures in the book"),
        "numbers.places": (len(places), "Places in the text that print a number of the ledger"),
        "numbers.distinct": (places["id"].nunique(), "Numbers of the ledger that the text prints"),
        "packages": (len(found.software), "Pinned packages"),
        "packages.named": (int(found.software["asked"].sum()), "Pinned packages that the project names itself"),
        "seeds": (len(found.seeds), "Seeds of random numbers"),
    }
    for name, (value, label) in counts.items():
        numbers.add(_id(name), value, format="count", label=label, unit="count", domain="workflow", estimator="count")
    numbers.add(
        _id("python"), found.python, format="text", label="Python versions", unit="version", domain="workflow",
        estimator="as declared",
    )  # fmt: skip
    return numbers


# -- tables ------------------------------------------------------------------------------------------------------------


def _named(path: str) -> str:
    """'part1.csv, in data/raw': names of files break at the space."""
    folder, _, name = path.rpartition("/")
    return f"{name}, in {folder}" if folder else name


def _cited(keys: str) -> str:
    return "; ".join(f"@{key}" for key in keys.split())


def _rule_names(names: str) -> str:
    """Rules in a cell; underscores are text there."""
    return ", ".join(name.replace("_", "\\_") for name in names.split()) or "\N{EN DASH}"


def _others(names: str) -> str:
    """Rules but that of this appendix, which reads files for their digests only."""
    return " ".join(name for name in names.split() if name != RULE)


def files_table(data: pd.DataFrame) -> Table:
    """Data files of the repository with records, kind, readers, licence and short digest."""
    shown = pd.DataFrame(
        [
            {
                "File": _named(row.file),
                "Content": row.title + (f" [{_cited(row.citation)}]" if row.citation else ""),
                "Records": f"{row.records:,}",
                "Kind": KINDS[row.kind],
                "Read by": _rule_names(_others(row.read_by)),
                "License": row.license,
                "SHA-256": f"`{row.sha256[:SHORT]}`",
            }
            for row in data.itertuples()
        ]
    )
    return Table(
        "tbl-lineage-files",
        "Data files of this repository that the build reads",
        shown,
        data,
        "the files themselves, their codebooks, and `config/datasets.yaml`.",
        f"SHA-256: the first {SHORT} digits of the file's digest; bytes and whole digests are in the table's data file. The rule of "
        "this appendix reads each file for its digest and the number of its records.",
        left=("Content", "Kind", "Read by", "License", "SHA-256"),
        widths=(16, 23, 9, 11, 19, 13, 22),
    )


def external_table(data: pd.DataFrame) -> Table:
    """Files that users bring: registered study, version and digest, and whether this build had them."""
    shown = pd.DataFrame(
        [
            {
                "File": row.file,
                "Study and version": f"{row.study}, {row.version} [@{row.citation}]",
                "In this build": STATES.get(row.state, row.state),
                "Read by": _rule_names(row.read_by),
                "Expected SHA-256": f"`{row.sha256[:SHORT]}`",
            }
            for row in data.itertuples()
        ]
    )
    return Table(
        "tbl-lineage-external",
        "Data files that users bring, as registered",
        shown,
        data,
        "`config/external.yaml`, and the build's check of the digests.",
        f"Real records. Expected SHA-256: the first {SHORT} digits of the registered digest; a file with another one is not read. "
        "Nothing but the register's entry is given here.",
        left=("Study and version", "In this build", "Read by", "Expected SHA-256"),
        widths=(18, 36, 16, 20, 17),
    )


def rules_table(data: pd.DataFrame, chapters: list[dict]) -> Table:
    """What each rule reads and makes, and which chapters show it."""
    label = {chapter["file"]: chapter["label"] or chapter["title"] for chapter in chapters}
    shown = pd.DataFrame(
        [
            {
                "Rule": row.rule.replace("_", "\\_"),
                "Reads what these make": _rule_names(row.reads_rules)
                if len(row.reads_rules.split()) <= MANY
                else f"{len(row.reads_rules.split())} rules",
                "Reads files": _folders(row.reads_files),
                "Chapters": _listed([label[name] for name in row.chapters.split()]),
                "Files made": f"{row.files:,}",
                "Tables": f"{row.tables:,}" if row.tables else "",
                "Figures": f"{row.figures:,}" if row.figures else "",
            }
            for row in data.itertuples()
        ]
    )
    return Table(
        "tbl-lineage-rules",
        "Rules of the build in their order: what each reads, makes, and which chapters show it",
        shown,
        data,
        f"{SOURCE}.",
        "Programs that a rule runs are inputs too and left out here: each rule has a script of its name in `workflow/scripts/`. All "
        "files by name are in the table's data file.",
        left=("Reads what these make", "Reads files", "Chapters"),
        widths=(25, 38, 26, 11, 7, 8, 9),
    )


def _listed(labels: list[str]) -> str:
    """'2 to 9, 11' of chapters in the book's order, runs of three and more drawn together."""
    runs: list[list[str]] = []
    for one in labels:
        follows = runs and one.isdigit() and runs[-1][-1].isdigit() and int(one) == int(runs[-1][-1]) + 1
        if follows:
            runs[-1].append(one)
        else:
            runs.append([one])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run)]
    return ", ".join(parts) or "\N{EN DASH}"


def _folders(paths: str) -> str:
    """Files by folder: '2 in config, 1 in data/published'; their number where there are many folders."""
    counts: dict[str, int] = {}
    if len({path.rpartition("/")[0] for path in paths.split()}) > MANY_FOLDERS:
        return f"{len(paths.split())} files"
    for path in paths.split():
        folder = path.rpartition("/")[0]
        counts[folder] = counts.get(folder, 0) + 1
    return ", ".join(
        f"all of {folder}" if f"{folder}/" in paths.split() else f"{count} in {folder or 'the root'}"
        for folder, count in sorted(counts.items())
    ).replace("_", "\\_") or "\N{EN DASH}"  # fmt: skip


def exhibits_map(data: pd.DataFrame, chapters: pd.DataFrame) -> Table:
    """Exhibits by chapter; the table's data file is the whole map."""
    with_exhibits = chapters[chapters[["tables", "figures", "texts", "numbers"]].sum(axis=1) > 0]
    rows = [
        {
            "Chapter": f"{row.label} {row.title}".strip(),
            "Tables": f"{row.tables:,}",
            "Figures": f"{row.figures:,}",
            "Numbers in the text": f"{row.numbers:,}" + (f" ({row.distinct:,})" if row.distinct != row.numbers else ""),
            "Rules": _rule_names(row.rules),
        }
        for row in with_exhibits.itertuples()
    ]
    return Table(
        "tbl-lineage-exhibits",
        "Exhibits by chapter and the rules that make them",
        pd.DataFrame(rows),
        data,
        f"the chapters' sources and {SOURCE}.",
        "Numbers: places that print one, in brackets how many different ones. The table's data file maps each exhibit to its rule, "
        "script and output file, and each printed number to its place; the ledger (`results/ledger/numbers.json`) has the rule, "
        "domain and estimator of every number.",
        left=("Rules",),
        widths=(34, 8, 9, 13, 46),
    )


def software_table(data: pd.DataFrame) -> Table:
    """The packages that the project names, with their pinned versions; all others are in the data file."""
    named = data[data["asked"]]
    half = (len(named) + 1) // 2
    cells = [
        {"Package": row.package, "Version": row.version, "From": row.file.rpartition("/")[2]}
        for row in named.itertuples()
    ]
    blank = dict.fromkeys(("Package", "Version", "From"), "")
    rows = [
        {**left, **{f"{name} ": value for name, value in right.items()}}
        for left, right in zip(cells[:half], [*cells[half:], blank], strict=False)
    ]
    return Table(
        "tbl-lineage-software",
        "Software that the project names, in the versions that it is pinned to",
        pd.DataFrame(rows),
        data,
        "`requirements/`.",
        "What these packages need in turn is pinned as well, each file by its digests, and listed in the table's data file.",
        left=("Version", "From", "Package ", "Version ", "From "),
    )


def seeds_table(data: pd.DataFrame) -> Table:
    """Where random numbers start from."""
    shown = pd.DataFrame(
        [
            {
                "Seed": str(row.value),
                "Set in": _named(row.file),
                "As": row.key.replace(".", " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "),
                "Drawn by": OUTSIDE.get(row.file) or _rule_names(row.read_by),
            }
            for row in data.itertuples()
        ]
    )
    return Table(
        "tbl-lineage-seeds",
        "Seeds of random numbers and where they are set",
        shown,
        data,
        "the settings and modules named.",
        left=("Set in", "As", "Drawn by"),
        widths=(12, 38, 30, 32),
    )


# -- figure ------------------------------------------------------------------------------------------------------------


def graph_figure(drawing: picture.Drawing) -> figures.Figure:
    """The rules from left to right."""
    return figures.Figure(
        "fig-lineage-graph",
        "From files to the book: the rules of the build and what each reads directly",
        picture.alternative(drawing),
        drawing.edges,
        f"{SOURCE}.",
        lambda data: picture.draw(drawing),
        "Lines run from left to right, and down within a column; before a rule stands its chapter. What a rule reads through another one, and the settings, which nearly every rule reads, "
        "are not drawn.",
    )


# -- texts -------------------------------------------------------------------------------------------------------------


def data_text(found: Declared) -> str:
    """Which files there are, and whether their records are synthetic."""
    kinds = set(found.files.loc[found.files["kind"].isin(["synthetic", "real"]), "kind"])
    records = {
        frozenset({"synthetic"}): "All records of the survey and of its frame are synthetic",
        frozenset({"real"}): "The records of the survey and of its frame are real",
    }.get(frozenset(kinds), "Some records of the survey and of its frame are synthetic, others real")
    text = (
        f"The build reads {num(_id('files'))} data files of this repository, with {num(_id('records'))} records "
        f"(@tbl-lineage-files). {records}; the other files hold published figures, results of simulations, and decisions on "
        "corrections. "
    )
    truth = found.files[found.files["file"].str.startswith("data/raw/truth/")]
    readers = sorted({rule for names in truth["read_by"] for rule in _others(names).split()})
    if readers:
        text += (
            "What the generator of the stand-in knows of its own records (`data/raw/truth/`) is read by "
            f"{wording.joined([f'`{rule}`' for rule in readers])} alone, and enters no estimate. "
        )
    return text.strip() + "\n"


def external_text(external: pd.DataFrame) -> str:
    """How many files users bring, whether this build had them, and how to get each."""
    if external.empty:
        return "The settings ask for no file that users bring.\n"
    verified = int((external["state"] == "verified").sum())
    had = {0: "none of them was at hand", len(external): "all were at hand and verified"}.get(
        verified, f"{num(_id('external.verified'))} of them {'was' if verified == 1 else 'were'} at hand and verified"
    )
    text = (
        f"A further {num(_id('external'))} files are brought by users, since their archive does not allow passing them on "
        f"(@tbl-lineage-external). In this build {had}. Terms: {wording.joined(sorted(set(external['terms'])))}\n\n"
    )
    return (
        text + "\n".join(f"- **{row.file}**: {row.title}. {row.obtain.strip()}" for row in external.itertuples()) + "\n"
    )


def software_text(found: Declared) -> str:
    """Python versions, pins and what renders the book."""
    return (
        f"The workflow runs on Python ({num(_id('python'))}). Pinned to a version and to the "
        f"digests of their files are {num(_id('packages'))} packages, of which the project names {num(_id('packages.named'))} "
        "itself (@tbl-lineage-software). "
        "Quarto renders the book where it is found or asked for, and the bundled engine otherwise; [the colophon](colophon.qmd) "
        "says which one rendered this copy.\n"
    )
