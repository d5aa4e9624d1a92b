"""The disclosure audit of a folder of results: reads what is published and attacks it (``disclosure.published``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agency_survey import files, schema
from agency_survey.disclosure import catalogue, declared
from agency_survey.disclosure.published import Published, audit, sentence
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError

EXHIBITS = ("tables", "figures", "text")  # folders of a section's results
BEYOND = [  # what readers of the audit have to know that it does not attack
    "- Coefficients, predictions and p values of models: they are under the rules for models, and numbers of whole models, not cells.",
    "- What an outsider knows of single agencies from elsewhere, other than what the frame says of all and each one's own answers.",
]
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

    Adds the sections that the linked system does not hold: 'declared' with kind and reason, 'undecided' sentences of those
    that are neither examined nor declared; what is declared must agree with what is published (``disclosure.declared``).
    """
    paths = sorted(map(str, paths))
    found = catalogue.from_dict(files.read_json(cells, "keys", "printed"))
    told = {Path(path).stem: files.read_json(path, "cells", "bases") for path in claims}
    settings = schema.load(rules, "disclosure")
    published, rules = read(paths), Rules.of(settings)
    result = audit(found, told, published, rules)
    others = {name: {"explained": {}} | one for name, one in settings["declared"].items()}
    parts = {declared.section_of(path) for path in paths if Path(path).parent.name in EXHIBITS}
    examined = set(result["sections"])
    against = declared.problems(others, examined, published, rules.minimum_count)
    return result | {
        "leaks": against + result["leaks"],
        "files": len(paths),
        "declared": {name: {key: one[key] for key in ("kind", "reason")} for name, one in others.items()},
        "undecided": declared.undecided(parts, examined, others),
    }


def of_folder(root: str | Path) -> dict:
    """Audit of a project folder's results, as ``of_files``: tables, figures, texts and numbers of all sections."""
    root = Path(root)
    results = root / "results"
    names = [path for kind in EXHIBITS for path in results.glob(f"*/{kind}/*.*")]
    paths = [path for path in names if path.suffix in (".csv", ".md")] + [*results.glob("*/numbers.json")]
    away = ("cells.json", "numbers.json", "findings.json")
    told = [path for path in (results / "disclosure").glob("*.json") if path.name not in away]
    return of_files(paths, root / CELLS, told, root / "config/disclosure.yaml")


def require_none(result: dict) -> None:
    """Refuse results that leak, or of which a section was not decided upon: one sentence with the first and their number."""
    leaks, undecided = result["leaks"], result["undecided"]
    if undecided and not leaks:
        what, fix = undecided[0].split(": ", 1)
        more = f"; so with {len(undecided) - 1} more sections" if len(undecided) > 1 else ""
        raise InputError(what + more, "config/disclosure.yaml, declared", fix[0].upper() + fix[1:])
    if leaks:
        more = f"; {len(leaks) - 1} more in the audit" if len(leaks) > 1 else ""
        raise InputError(
            f"{sentence(leaks[0])}{more}",
            "the whole audit is in logs/disclosure_audit.log",
            "Leave that number out, or mend the section",
        )


def public(result: dict) -> dict:
    """The audit without what it derived of single cells, as it may be published."""
    return {name: value for name, value in result.items() if name not in ("narrowest", "least_slack")}


def markdown(result: dict) -> str:
    """The audit for readers: verdict, counts by section, declared sections, leaks; no cell that is protected is named."""
    verdict = f"{len(result['leaks'])} leaks" if result["leaks"] else "no leak"
    verdict += f", {len(result['undecided'])} sections neither examined nor declared" if result["undecided"] else ""
    lines = [
        "# Disclosure audit",
        "",
        f"Verdict: **{verdict}**. {result['attacked']:,} counts and totals at risk ({result['attacked_totals']:,} of these "
        f"totals) were attacked by linear programming over {result['cells']:,} counts, {result['totals']:,} totals and "
        f"{result['equations']:,} equations, with {result['records']:,} published records "
        f"of {result['files']:,} files; {result['hidden']:,} cells stand in none of them.",
        "",
        "The outsider is taken to know every published share's count exactly, every estimated total, and what is behind a "
        "dash. Each cell at risk keeps at least the width that the rules need; which cells these are and what an outsider "
        "derives of them is not published (`results/disclosure/findings.json`, confidential).",
        "",
        f"{result['follow']:,} numbers follow from others (differences, tests, ratios, rates, what was modelled of a share); "
        f"{result['follow_left_out']:,} of these are left out because a number that they follow from is.",
        "",
        "| Section | Numbers | Too uncertain | At risk | Left out: at risk | Left out: to protect others | Rounded n |",
        "|:---|---:|---:|---:|---:|---:|---:|",
    ]
    keys = ("numbers", "imprecise", "at_risk", "primary", "complementary", "rounded_n")
    lines += [
        f"| {name} | {' | '.join(f'{part[key]:,}' for key in keys)} |"
        for name, part in sorted(result["sections"].items())
    ]
    lines += ["", "## Declared", "", "No counts of single agencies' answers; checked against what they publish.", ""]
    lines += [f"- {name} ({one['kind']}): {one['reason']}" for name, one in sorted(result["declared"].items())]
    lines += ["", "## Beyond the attack", "", *BEYOND]
    lines += ["", "## Leaks", "", *([f"- {sentence(leak)}" for leak in result["leaks"]] or ["None."])]
    lines += [f"- {one}." for one in result["undecided"]]
    return "\n".join(lines) + "\n"
