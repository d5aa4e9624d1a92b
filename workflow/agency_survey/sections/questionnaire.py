"""Appendix A: the questionnaire as a form in words, and the codebook of each file as a table, from the codebooks alone."""

from __future__ import annotations

import re
from itertools import groupby

import pandas as pd

from agency_survey import wording
from agency_survey.codebook import Codebook, Variable
from agency_survey.exhibits import Exhibits
from agency_survey.expressions import Expression
from agency_survey.ledger import Numbers
from agency_survey.tables import Table

RULE = "questionnaire"
CODEBOOK_WIDTHS = (32, 26, 30, 16, 21)
LETTERED = re.compile(r"\([a-z]\) ")
LONG = 200  # characters of an expression from which the table does not print it
DISCLOSURE = {
    "direct_identifier": "direct identifier",
    "quasi_identifier": "quasi identifier",
    "sensitive": "sensitive",
    "none": "none",
}


def appendix(books: dict[str, Codebook]) -> Exhibits:
    """Exhibits of the appendix.

    books : the survey's codebooks by name, in their order; those with questions become a part of the form.
    """
    return Exhibits(
        numbers=numbers(books),
        tables=[
            missing_table(books),
            *(codebook_table(book) for book in books.values()),
            derived_table(books),
            rules_table(books),
        ],
        figures=[],
        texts={f"form-{book.name}": form(book) for book in books.values() if asked(book)},
    )


def asked(book: Codebook) -> list[Variable]:
    """Variables that the form asks, in its order."""
    return [variable for variable in book.variables.values() if variable.question]


def numbers(books: dict[str, Codebook]) -> Numbers:
    """How many questions, variables, rules and derived variables there are."""
    made = Numbers(RULE)

    def add(ident: str, value: int, label: str, domain: str) -> None:
        made.add(
            f"questionnaire.{ident}", value, format="count", label=label, unit="count", domain=domain, estimator="count"
        )

    for book in books.values():
        add(f"variables.{book.name}", len(book.variables), "Variables", book.file)
        if asked(book):
            add(f"items.{book.name}", len(asked(book)), "Questions and items that the form asks", book.title)
    add("variables.all", sum(len(book.variables) for book in books.values()), "Variables", "all files")
    add("items.all", sum(len(asked(book)) for book in books.values()), "Questions and items", "all parts")
    add(
        "skips.all",
        sum(one.universe is not None for book in books.values() for one in asked(book)),
        "Items under a skip instruction",
        "all parts",
    )
    add("rules.all", sum(len(book.consistency) for book in books.values()), "Consistency rules", "all files")
    add("derived.all", sum(len(book.derived) for book in books.values()), "Derived variables", "all files")
    return made


# --- the form ---------------------------------------------------------------------------------------------------------


def form(book: Codebook) -> str:
    """The part as a form in Markdown: instruction, questions with answers, skip instructions in words."""
    lines = [f"*{book.instruction}*", ""] if book.instruction else []
    before = 0
    for number, group in groupby(asked(book), key=lambda one: "".join(filter(str.isdigit, one.item))):
        entries = [list(items) for _, items in groupby(group, key=lambda one: one.battery or one.name)]
        if number:
            if before and int(number) != before + 1:
                lines += ["<!-- a new list: numbers are left out -->", ""]
            lines += _numbered(number, entries, book)
            before = int(number)
        else:
            lines += [part for items in entries for part in [*_entry(items, book, None), ""]]
    return "\n".join(lines).rstrip() + "\n"


def _numbered(number: str, entries: list[list[Variable]], book: Codebook) -> list[str]:
    """One numbered question: its own text and answers, then what belongs under its number."""
    indent = " " * (len(number) + 3)
    lines: list[str] = []
    seen: Expression | None = None
    for items in entries:
        if lines and LETTERED.match(lines[-2]) and items[0].item[-1:].isalpha() and not items[0].battery:
            lines.pop()  # the list of the items goes on
        lines += [*_entry(items, book, seen), ""]
        seen = items[0].universe
    first, *rest = lines
    return [f"{number}.  {first}", *(indent + line if line else "" for line in rest)]


def _entry(items: list[Variable], book: Codebook, before: Expression | None) -> list[str]:
    """A question with its answers, or a battery with its stem, items and answers; its skip instruction where it is new."""
    first = items[0]
    new = first.universe is not None and first.universe != before
    skip = f"*Only if {wording.in_words(first.universe, book)}:* " if new else ""
    lettered = first.item[-1:].isalpha()
    if not first.battery:
        indent = "    " if lettered else ""
        return [(f"({first.item[-1]}) " if lettered else "") + f"{skip}{first.question}\\", indent + _answers(first)]
    lines = [f"{skip}{book.batteries[first.battery].question}\\"]
    if lettered:
        lines += [f"For each of {first.item[-1]} to {items[-1].item[-1]}: {_answers(first)}", ""]
        return [*lines, *(f"({one.item[-1]}) {one.label}" for one in items)]
    return [*lines, f"For each of {wording.joined([_short(one) for one in items])}: {_answers(first)}"]


def _short(variable: Variable) -> str:
    """What tells an item from the others of its battery: '2004' of 'Sex trafficking investigations, 2004'."""
    return variable.label.rsplit(", ", 1)[-1]


def _answers(variable: Variable) -> str:
    """Answers as the form offers them."""
    if variable.codes:
        return "\N{EM SPACE}".join(f"**{code}**\N{NO-BREAK SPACE}{label}" for code, label in variable.codes.items())
    if variable.type == "date":
        return "**Date** (year, month, day)"
    if variable.type in ("text", "string"):
        return "**In words**"
    if variable.unit == wording.PERCENT:
        return "**Percent**"
    return f"**Number** of {variable.unit}" if variable.unit else "**Number**"


# --- the codebook -----------------------------------------------------------------------------------------------------


def missing_table(books: dict[str, Codebook]) -> Table:
    """Codes for answers that were not given, by the sets that occur."""
    rows: dict[tuple, dict] = {}
    for book in books.values():
        for variable in book.variables.values():
            if variable.missing:
                key = tuple(variable.missing)
                row = rows.setdefault(key, {"kinds": {}, "number": False, "names": []})
                row["kinds"] |= {entry["kind"]: code for code, entry in variable.missing.items()}
                row["number"] = not variable.codes
                row["names"].append(f"{book.name}.{variable.name}")
    kinds = [kind for kind in wording.KIND_WORDS if any(kind in row["kinds"] for row in rows.values())]
    shown = pd.DataFrame(
        [
            {
                "Variables": _whose(row),
                **{wording.KIND_WORDS[kind].capitalize(): row["kinds"].get(kind, "\N{EN DASH}") for kind in kinds},
            }
            for row in rows.values()
        ]
    )
    data = pd.DataFrame(
        [
            {"variable": name, **{kind: row["kinds"].get(kind, "") for kind in kinds}}
            for row in rows.values()
            for name in row["names"]
        ]
    )
    notes = "Not asked: the skip instructions passed the question over. Left out: it should have been answered."
    return Table(
        "tbl-questionnaire-missing",
        "Codes for answers that were not given",
        shown,
        data,
        "config/codebooks.",
        notes,
        widths=(50, *[12] * len(kinds)),
    )


def _whose(row: dict) -> str:
    """Which variables have a set of missing codes: few are named, many are counted."""
    kind = "Numbers" if row["number"] else "Questions with answer codes"
    if len(row["names"]) <= 3:
        return f"{kind}: {wording.joined([name.split('.')[1] for name in row['names']])}"
    return f"{kind} ({len(row['names'])})"


def codebook_table(book: Codebook) -> Table:
    """One row a variable: label, valid values, missing codes, who is asked."""
    shown = pd.DataFrame(
        [
            {
                "Variable": variable.name,
                "Label": variable.label,
                "Values": wording.values(variable),
                "Missing": wording.missing(variable) or "\N{EN DASH}",
                "Asked if": _asked_if(variable, book),
            }
            for variable in book.variables.values()
        ]
    )
    if not asked(book):
        shown = shown.rename(columns={"Asked if": "Filled in if"})
    notes = [
        f"One record: {book.record}. Variables in the order of the file's columns;"
        f" {wording.joined(book.key)} {'identifies' if len(book.key) == 1 else 'identify'} a record.",
        f"Universe: {book.universe[:1].lower()}{book.universe[1:]}." if book.universe else "",
        "Where the condition does not hold, a cell is coded as not asked or empty." if asked(book) else "",
        book.note,
    ]
    source = f"config/codebooks/{book.name}.yaml."
    return Table(
        f"tbl-codebook-{book.name}",
        f"Codebook of {book.file}: {book.title}",
        shown,
        codebook_data(book),
        source,
        " ".join(part for part in notes if part),
        left=tuple(shown.columns),
        widths=CODEBOOK_WIDTHS,
    )


def _asked_if(variable: Variable, book: Codebook) -> str:
    return "" if variable.universe is None else wording.in_words(variable.universe, book)


def codebook_data(book: Codebook) -> pd.DataFrame:
    """Everything that the codebook says of each variable, for those who take the table's file."""
    return pd.DataFrame(
        [
            {
                "position": variable.position,
                "variable": variable.name,
                "block": variable.block,
                "label": variable.label,
                "question": variable.question,
                "type": variable.type,
                "unit": variable.unit,
                "universe": variable.universe.text if variable.universe else "",
                "values": wording.values(variable),
                "missing": "; ".join(f"{code} = {entry['label']}" for code, entry in variable.missing.items()),
                "empty_cell": wording.KIND_WORDS[variable.blank] if variable.blank else "not allowed",
                "disclosure": DISCLOSURE.get(variable.disclosure, ""),
                "note": variable.note,
            }
            for variable in book.variables.values()
        ]
    )


def derived_table(books: dict[str, Codebook]) -> Table:
    """Variables that the report computes from a file's variables."""
    rows = [
        {
            "file": book.file,
            "variable": one.name,
            "label": one.label,
            "expression": " ".join(one.expression.text.split()),
            "unit": one.unit,
            "note": one.note,
        }
        for book in books.values()
        for one in book.derived.values()
    ]
    data = pd.DataFrame(rows)
    shown = pd.DataFrame(
        {
            "Variable": data["variable"],
            "File": data["file"],
            "Label": data["label"],
            "Computed as": [
                f"{expression}{'. ' + note if note else ''}"
                for expression, note in zip(data["expression"], data["note"], strict=True)
            ],
        }
    )
    notes = (
        "A condition counts 1 where it holds and 0 where not. Expressions compare codes as the codebooks write them; what"
        " was left out makes the result missing, unless the rest decides it."
    )
    return Table(
        "tbl-codebook-derived",
        "Variables that the report derives from the answers",
        shown,
        data,
        "config/codebooks.",
        notes,
        left=("File", "Label", "Computed as"),
        widths=(27, 12, 32, 54),
    )


def rules_table(books: dict[str, Codebook]) -> Table:
    """What must hold within a record and between the files."""
    data = pd.DataFrame(
        [
            {
                "file": book.file,
                "rule": rule.ident,
                "expression": " ".join(rule.expression.text.split()),
                "message": rule.message,
                "variables": ", ".join(rule.variables),
            }
            for book in books.values()
            for rule in book.consistency
        ]
    )
    shown = pd.DataFrame(
        {
            "File": data["file"],
            "Rule": data["rule"],
            "What must hold": [one if len(one) < LONG else "see the codebook" for one in data["expression"]],
            "Said of records where it does not": data["message"],
        }
    )
    notes = "Names with a dot are of another file's record of the same agency."
    return Table(
        "tbl-codebook-rules",
        "Consistency rules within records and between files",
        shown,
        data,
        "config/codebooks.",
        notes,
        left=("Rule", "What must hold", "Said of records where it does not"),
        widths=(18, 19, 47, 41),
    )
