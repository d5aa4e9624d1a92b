"""The codebook for readers and programs, from the DDI-Codebook document: one page of HTML, and one CSV row a value."""

from __future__ import annotations

import csv
import html
import io
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = (
    "file",
    "variable",
    "label",
    "question",
    "universe",
    "format",
    "range",
    "value",
    "value_label",
    "missing",
    "records",
)
STYLE = (
    "body{font:1rem/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c}"
    "table{border-collapse:collapse;margin:.4rem 0 1rem}td,th{border:1px solid #bbb;padding:.15rem .5rem;text-align:left}"
    "td.n{text-align:right}h3{margin-bottom:.2rem}.q{font-style:italic}"
)


@dataclass
class Described:
    """One variable: texts, values (value, label, missing, records) and summary statistics."""

    file: str
    name: str
    label: str
    question: str
    universe: str
    format: str
    range: str
    derivation: str
    notes: list[str] = field(default_factory=list)
    values: list[tuple[str, str, str, str]] = field(default_factory=list)
    statistics: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> list[Described]:
    """Variables of a DDI-Codebook document in its order."""
    tree = ET.parse(path).getroot()
    for node in tree.iter():
        node.tag = node.tag.rpartition("}")[2]
    named = {node.get("ID"): _text(node.find("fileTxt/fileName")) for node in tree.iter("fileDscr")}
    return [_variable(node, named) for node in tree.iter("var")]


def _text(node: ET.Element | None) -> str:
    return "" if node is None else " ".join("".join(node.itertext()).split())


def _variable(node: ET.Element, named: dict[str | None, str]) -> Described:
    limits = node.find("valrng/range")
    made = Described(
        file=named.get(node.get("files"), node.get("files") or "derived"),
        name=node.get("name", ""),
        label=_text(node.find("labl")),
        question=" ".join(filter(None, (_text(node.find("qstn/preQTxt")), _text(node.find("qstn/qstnLit"))))),
        universe=_text(node.find("universe")),
        format=(node.find("varFormat").get("type", "") if node.find("varFormat") is not None else ""),
        range="" if limits is None else f"{limits.get('min')} to {limits.get('max')}",
        derivation=_text(node.find("derivation/drvcmd")),
        notes=[_text(one) for one in node.findall("notes")],
    )
    for one in node.findall("catgry"):
        missing = one.get("missType", "missing") if one.get("missing") == "Y" else ""
        made.values.append((_text(one.find("catValu")), _text(one.find("labl")), missing, _text(one.find("catStat"))))
    made.statistics = {one.get("type", ""): _text(one) for one in node.findall("sumStat")}
    return made


def as_csv(variables: list[Described]) -> str:
    """One row a value; variables without values have one row."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for one in variables:
        common = (one.file, one.name, one.label, one.question, one.universe, one.format, one.range)
        for value in one.values or [("", "", "", one.statistics.get("vald", ""))]:
            table.writerow([*common, *value])
    return out.getvalue()


def as_html(variables: list[Described], title: str) -> str:
    """One page: every variable with its question, who is asked, values with labels and records, and distribution."""
    parts = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n<h1>{html.escape(title)}</h1>"
    ]
    file = None
    for one in variables:
        if one.file != file:
            file = one.file
            parts.append(f"<h2>{html.escape('Variables that the report derives' if file == 'derived' else file)}</h2>")
        parts.append(_page_part(one))
    return "\n".join(parts) + "\n</body></html>\n"


def _page_part(one: Described) -> str:
    lines = [
        f'<h3 id="{html.escape(one.file + "-" + one.name)}"><code>{html.escape(one.name)}</code> {html.escape(one.label)}</h3>'
    ]
    if one.question:
        lines.append(f'<p class="q">{html.escape(one.question)}</p>')
    said = [f"Asked: {one.universe}." if one.universe else "", f"Valid: {one.range}." if one.range else ""]
    said += [f"Computed as: {one.derivation}." if one.derivation else "", *one.notes]
    lines.append(f"<p>{html.escape(' '.join(filter(None, said)))}</p>" if any(said) else "")
    if one.values:
        rows = "".join(
            f'<tr><td>{html.escape(v)}</td><td>{html.escape(label)}</td><td>{html.escape(missing)}</td><td class="n">{html.escape(n)}</td></tr>'
            for v, label, missing, n in one.values
        )
        lines.append(f"<table><tr><th>Value</th><th>Meaning</th><th>Missing as</th><th>Records</th></tr>{rows}</table>")
    if one.statistics:
        names = {
            "vald": "valid",
            "invd": "without a value",
            "min": "lowest",
            "max": "highest",
            "mean": "mean",
            "stdev": "standard deviation",
        }
        words = ", ".join(f"{names.get(kind, kind)} {value}" for kind, value in one.statistics.items())
        lines.append(f"<p>Distribution: {html.escape(words)}.</p>")
    return "\n".join(filter(None, lines))
