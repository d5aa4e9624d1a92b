"""Appendix E, provenance: tables of data files, rules, exhibits, software and seeds from what the workflow declares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd

from agency_survey.errors import InputError
from agency_survey.sections.lineage_graph import DATA, EXTERNAL, order

REGISTER = "config/datasets.yaml"
UNSTATED = f"to be stated in {REGISTER}"
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s\\;]+)", re.MULTILINE)
ASKED = re.compile(r"^([A-Za-z0-9][\w.-]*)", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """What was found out about one data file: records (rows below the header), bytes, SHA-256 digest."""

    records: int
    size: int
    digest: str


def data_files(graph: dict[str, dict]) -> dict[str, list[str]]:
    """Data files that rules read and no rule makes, with the rules that read them."""
    found: dict[str, list[str]] = {}
    for rule in order({name: one["needs"] for name, one in graph.items()}):
        for path in graph[rule]["reads"]:
            if path.startswith((*DATA, EXTERNAL)):
                found.setdefault(path, []).append(rule)
    return found


def files_table(graph: dict, found: dict[str, Found], entries: list[dict], synthetic: dict[str, bool]) -> pd.DataFrame:
    """A row a data file of the repository: file, title, record, kind, records, bytes, sha256, license, citation, read_by.

    entries : of config/datasets.yaml; synthetic : file -> what its codebook says of its records, for files that have one.
    Raises InputError for a file without an entry.
    """
    rows = []
    for path, readers in data_files(graph).items():
        if path.startswith(EXTERNAL):
            continue
        entry = next((one for one in entries if fnmatchcase(path, one["files"])), None)
        if entry is None:
            raise InputError(f"The data file {path} has no entry", REGISTER, "Describe it there")
        kind = entry["describes"]
        if path in synthetic:
            kind = "synthetic" if synthetic[path] else "real"
        rows.append(
            {
                "file": path,
                "title": entry["title"],
                "record": entry["record"],
                "kind": kind,
                "records": found[path].records,
                "bytes": found[path].size,
                "sha256": found[path].digest,
                "license": entry["license"] if kind == entry["describes"] else UNSTATED,
                "citation": " ".join(entry.get("citation", [])),
                "provided": "no" if kind == "real" else "yes",
                "read_by": " ".join(readers),
            }
        )
    place = {one["files"]: index for index, one in enumerate(entries)}
    rank = [next(place[name] for name in place if fnmatchcase(row["file"], name)) for row in rows]
    return pd.DataFrame([row for _, row in sorted(zip(rank, rows, strict=True), key=lambda pair: pair[0])])


def external_table(register: list[dict], states: dict[str, str], graph: dict) -> pd.DataFrame:
    """A row a file that users bring: wave, file, title, study, version, registered digest, state in this build, terms, citation."""
    readers = data_files(graph)
    return pd.DataFrame(
        [
            {
                "wave": entry["wave"],
                "file": entry["file"],
                "title": entry["title"],
                "study": entry["study"],
                "version": entry["version"],
                "sha256": entry["sha256"],
                "state": states[str(entry["wave"])],
                "terms": entry["terms"],
                "obtain": entry["obtain"],
                "citation": entry["citation"],
                "read_by": " ".join(readers.get(f"{EXTERNAL}/{entry['file']}", [])),
            }
            for entry in register
        ]
    )


def homes(graph: dict, chapters: list[dict]) -> dict[str, list[dict]]:
    """Chapters that show something of each rule, the one that shows most of it first."""
    found: dict[str, list[tuple[int, int, dict]]] = {rule: [] for rule in graph}
    for index, chapter in enumerate(chapters):
        rules = [target.split("/")[1] for target in chapter["fragments"]]
        for rule in dict.fromkeys(rules):
            if rule in found:
                found[rule].append((-rules.count(rule), index, chapter))
    return {rule: [chapter for *_, chapter in sorted(shown, key=lambda one: one[:2])] for rule, shown in found.items()}


def _showing(rule: str, shown: list[dict], chapters: list[dict]) -> list[str]:
    """Chapters, in the book's order, that show a table or figure of the rule; where none does, those with its texts."""
    drawn = (f"results/{rule}/tables/", f"results/{rule}/figures/")
    main = [chapter for chapter in shown if any(target.startswith(drawn) for target in chapter["fragments"])]
    names = {chapter["file"] for chapter in main or shown}
    return [chapter["file"] for chapter in chapters if chapter["file"] in names]


def rules_table(graph: dict, chapters: list[dict]) -> pd.DataFrame:
    """A row a rule in the order of the work: rule, script, reads_rules, reads_files, files, tables, figures, texts, chapters."""
    shown = homes(graph, chapters)
    return pd.DataFrame(
        [
            {
                "rule": rule,
                "script": f"workflow/scripts/{rule}.py",
                "reads_rules": " ".join(graph[rule]["needs"]),
                "reads_files": " ".join(graph[rule]["reads"]),
                "files": graph[rule]["files"],
                "tables": graph[rule]["tables"],
                "figures": graph[rule]["figures"],
                "texts": graph[rule]["text"],
                "chapters": " ".join(_showing(rule, shown[rule], chapters)),
            }
            for rule in order({name: one["needs"] for name, one in graph.items()})
        ]
    )


def exhibits_table(graph: dict, chapters: list[dict], printed: dict[str, list[str]]) -> pd.DataFrame:
    """A row an exhibit of a chapter: chapter, kind (table, figure, text, number), id, rule, script, output, printed_in.

    printed : fragment (results/...) -> ids of the numbers that it prints, one for each place. A number's row is one place;
    rule and estimator of its id are in the ledger.
    """
    rows = []
    for chapter in chapters:
        base = {"chapter": chapter["file"]}
        numbers = [(one, f"reports/{chapter['file']}") for one in chapter["numbers"]]
        for target in chapter["fragments"]:
            _, rule, kind, name = target.split("/")
            ident = name.removesuffix(".md")
            made_by = {"rule": rule, "script": f"workflow/scripts/{rule}.py"}
            output = {"tables": f"results/{rule}/tables/{ident}.csv", "figures": f"results/{rule}/figures/{ident}.png"}
            rows.append(
                {
                    **base,
                    "kind": {"tables": "table", "figures": "figure"}.get(kind, "text"),
                    "id": ident,
                    **made_by,
                    "output": output.get(kind, target),
                    "printed_in": f"reports/{chapter['file']}",
                }
            )
            numbers += [(one, target) for one in printed.get(target, [])]
        rows += [
            {
                **base,
                "kind": "number",
                "id": ident,
                "rule": "ledger",
                "script": "workflow/scripts/ledger.py",
                "output": "results/ledger/numbers.json",
                "printed_in": place,
            }
            for ident, place in numbers
        ]
    return pd.DataFrame(rows, columns=["chapter", "kind", "id", "rule", "script", "output", "printed_in"])


def by_chapter(exhibits: pd.DataFrame, chapters: list[dict]) -> pd.DataFrame:
    """A row a chapter: chapter, label, title, tables, figures, texts, numbers (places), distinct (numbers), rules."""
    rows = []
    for chapter in chapters:
        part = exhibits[exhibits["chapter"] == chapter["file"]]
        kinds = part["kind"].value_counts()
        rows.append(
            {
                "chapter": chapter["file"],
                "label": chapter["label"],
                "title": chapter["title"],
                **{f"{kind}s": int(kinds.get(kind, 0)) for kind in ("table", "figure", "text", "number")},
                "distinct": part.loc[part["kind"] == "number", "id"].nunique(),
                "rules": " ".join(dict.fromkeys(_main(part)["rule"])),
            }
        )
    return pd.DataFrame(rows)


def _main(part: pd.DataFrame) -> pd.DataFrame:
    """A chapter's tables and figures, or its texts where it has neither."""
    drawn = part[part["kind"].isin(["table", "figure"])]
    return drawn if len(drawn) else part[part["kind"] == "text"]


def software_table(pinned: dict[str, str], asked: str) -> pd.DataFrame:
    """A row a pinned package: package, version, asked (whether the project names it itself), file.

    pinned : requirements file -> its text; asked : text of the list of packages that the project names.
    """
    named = {name.lower() for name in ASKED.findall(asked)}
    rows = [
        {
            "package": name,
            "version": version,
            "asked": name.lower() in named or not path.endswith("runtime.txt"),
            "file": path,
        }
        for path, text in pinned.items()
        for name, version in PIN.findall(text)
    ]
    if not rows:
        raise InputError("No pinned package was found", ", ".join(pinned), "Run `make lock`")
    return pd.DataFrame(rows).sort_values(["file", "package"], key=lambda column: column.str.lower(), kind="stable")


def seeds_table(seeds: list[dict], graph: dict, used_by: dict[str, list[str]]) -> pd.DataFrame:
    """A row a seed: file, key, seed, read_by (rules that draw with it), of those found in settings and modules.

    used_by : file of a module -> rules whose scripts import it, and 'file:key' of a setting -> rules that are given it.
    """
    readers: dict[str, list[str]] = {}
    for rule in order({name: one["needs"] for name, one in graph.items()}):
        for path in graph[rule]["reads"]:
            readers.setdefault(path, []).append(rule)
    rows = []
    for one in seeds:
        rules = used_by.get(f"{one['file']}:{one['key']}") or used_by.get(one["file"]) or readers.get(one["file"], [])
        rows.append({**one, "read_by": " ".join(rules)})
    return pd.DataFrame(rows, columns=["file", "key", "value", "read_by"])


def printed_numbers(text: str) -> list[str]:
    """Ids of the numbers that a text prints by shortcode, once for each place."""
    return re.findall(r"(?<!\{)\{\{<\s*num\s+(\S+)", text)


def total(frame: pd.DataFrame, kinds: Iterable[str]) -> int:
    """Exhibits of some kinds that the book shows, each counted once."""
    return frame.loc[frame["kind"].isin(list(kinds)), ["kind", "id", "rule"]].drop_duplicates().shape[0]
