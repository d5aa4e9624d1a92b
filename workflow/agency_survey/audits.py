"""The disclosure audit of a folder of results: reads what is published and attacks it (``disclosure.published``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agency_survey import files, schema
from agency_survey.disclosure import catalogue
from agency_survey.disclosure.published import Published, audit, sentence
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError

CELLS = "results/disclosure/cells.json"  # confidential counts; never part of a public package


def read(paths: Iterable[str | Path]) -> Published:
    """What these files publish: data files (CSV), printed tables and texts (Markdown), numbers (JSON)."""
    made = Published()
    for path in map(str, paths):
        if path.endswith(".csv"):
            table = files.read_csv(path, text=True)
            made.add_table(path, table.columns, table.itertuples(index=False))
        elif path.endswith(".md"):
            made.texts[path] = Path(path).read_text(encoding="utf-8")
        elif path.endswith(".json"):
            made.add_numbers(path, files.read_json(path, "numbers")["numbers"])
    return made


def of_files(paths: Iterable[str | Path], cells: str | Path, claims: Iterable[str | Path], rules: str | Path) -> dict:
    """Audit of published files; cells : ``cells.json``; claims : ``results/disclosure/<section>.json``; rules : the settings.

    Adds what the linked system does not cover: 'not_covered', sections with data files but no examined numbers.
    """
    paths = sorted(map(str, paths))
    found = catalogue.from_dict(files.read_json(cells, "keys", "printed"))
    told = {Path(path).stem: files.read_json(path, "cells", "bases") for path in claims}
    result = audit(found, told, read(paths), Rules.of(schema.load(rules, "disclosure")))
    parts = {Path(path).parts[-3] for path in paths if path.endswith(".csv")}
    return result | {"files": len(paths), "not_covered": sorted(parts - set(result["sections"]))}


def of_folder(root: str | Path) -> dict:
    """Audit of a project folder's results, as ``of_files``: tables, figures, texts and numbers of all sections."""
    root = Path(root)
    results = root / "results"
    names = [path for kind in ("tables", "figures", "text") for path in results.glob(f"*/{kind}/*.*")]
    paths = [path for path in names if path.suffix in (".csv", ".md")] + [*results.glob("*/numbers.json")]
    told = [p for p in (results / "disclosure").glob("*.json") if p.name not in ("cells.json", "numbers.json")]
    return of_files(paths, root / CELLS, told, root / "config/disclosure.yaml")


def require_none(result: dict) -> None:
    """Refuse results that leak: one sentence with the first leak and their number."""
    leaks = result["leaks"]
    if leaks:
        more = f"; {len(leaks) - 1} more in the audit" if len(leaks) > 1 else ""
        raise InputError(
            f"{sentence(leaks[0])}{more}",
            "the whole audit is in logs/disclosure_audit.log",
            "Leave that number out, or mend the section",
        )


def markdown(result: dict) -> str:
    """The audit for readers: verdict, counts by section, leaks, narrowest intervals."""
    verdict = f"{len(result['leaks'])} leaks" if result["leaks"] else "no leak in the sections that are covered"
    lines = [
        "# Disclosure audit",
        "",
        f"Verdict: **{verdict}**. {result['attacked']:,} counts at risk were attacked by linear programming over "
        f"{result['cells']:,} cells and {result['equations']:,} equations, with {result['records']:,} published records "
        f"of {result['files']:,} files; {result['hidden']:,} cells stand in none of them.",
        "",
        "The outsider is taken to know every published share's count exactly.",
        "",
        "| Section | Numbers | Too uncertain | At risk | Left out: at risk | Left out: to protect others | Rounded n |",
        "|:---|---:|---:|---:|---:|---:|---:|",
    ]
    keys = ("numbers", "imprecise", "at_risk", "primary", "complementary", "rounded_n")
    lines += [
        f"| {name} | {' | '.join(f'{part[key]:,}' for key in keys)} |"
        for name, part in sorted(result["sections"].items())
    ]
    lines += ["", "## Not covered", ""]
    lines += [f"- {name}: its numbers are searched for leaks, but not examined" for name in result["not_covered"]]
    lines += ["", "## Leaks", "", *([f"- {sentence(leak)}" for leak in result["leaks"]] or ["None."])]
    lines += [
        "",
        "## Narrowest intervals",
        "",
        "| Section | Count | From | To | Needed width |",
        "|:---|:---|---:|---:|---:|",
    ]
    lines += [
        f"| {one['section']} | {one['what']} | {one['low']:g} | {one['high']:g} | {one['needed']:g} |"
        for one in result["narrowest"]
    ]
    return "\n".join(lines) + "\n"
