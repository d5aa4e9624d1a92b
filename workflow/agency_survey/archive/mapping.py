"""The exhibit map: each figure, table and number in the text with its rule, script, line of code and output files.

The line is that of the literal, in the code which the rule's script runs, that names the exhibit: the longest text or
formatted text that its identifier begins with or consists of. Figures and tables are named in full; identifiers of numbers are
partly composed, and then the line is where the composition begins.
"""

from __future__ import annotations

import ast
import csv
import io
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from agency_survey import files, imports, ledger
from agency_survey.errors import InputError
from agency_survey.render.source import SHORTCODE, expand, read_book

COLUMNS = (
    "kind",
    "number",
    "id",
    "caption",
    "page",
    "rule",
    "script",
    "script_line",
    "code",
    "line",
    "outputs",
    "printed_at",
)
PRINTING = {"num", "quoted", "_num", "_n", "printed"}  # calls that print a number which another line makes
KINDS = ("figure", "table", "number")


@dataclass(frozen=True)
class Exhibit:
    """One figure, table or printed number. printed_at : file and line of the text that prints a number, joined by '; '."""

    kind: str
    number: str
    id: str
    caption: str
    page: str
    rule: str
    script: str
    script_line: int
    code: str
    line: int
    outputs: str
    printed_at: str

    def as_dict(self) -> dict:
        """For JSON and CSV."""
        return asdict(self)


def exhibits(root: Path) -> list[Exhibit]:
    """Every figure and table of the book in its order, then every number that its text prints."""
    captions = files.read_json(root / "results/render/captions.json")
    found = [_pictured(root, entry) for entry in captions if entry["kind"] in ("figure", "table")]
    return found + _printed(root)


def _pictured(root: Path, entry: dict) -> Exhibit:
    folder = f"{entry['kind']}s"
    places = sorted((root / "results").glob(f"*/{folder}/{entry['id']}.csv"))
    if len(places) != 1:
        raise InputError(
            f"The {entry['kind']} '{entry['id']}' has {len(places)} files of data", "results", "Build again"
        )
    rule = places[0].parent.parent.name
    ends = ("csv", "md") if entry["kind"] == "table" else ("png", "csv", "md")
    outputs = "; ".join(f"results/{rule}/{folder}/{entry['id']}.{end}" for end in ends)
    return _exhibit(
        root, entry["kind"], entry["number"], entry["id"], entry["caption"], entry["page"], rule, outputs, ""
    )


def _printed(root: Path) -> list[Exhibit]:
    numbers = files.read_json(root / "results/ledger/numbers.json", "numbers")["numbers"]
    places: dict[str, list[str]] = {}
    pages: dict[str, str] = {}
    for chapter in read_book(root / "reports").chapters:
        text = expand(chapter, root / "reports", root / "results")
        for match in SHORTCODE.finditer(text.text):
            words = match[1].split()
            if len(words) > 1 and words[0] == "num":
                file, line = text.where(match.start())
                places.setdefault(words[1], []).append(f"{file}:{line}")
                pages.setdefault(words[1], chapter.page)
    found = []
    for ident, at in places.items():
        known = numbers[ident]
        outputs = f"results/{known['rule']}/numbers.json"
        where = "; ".join(dict.fromkeys(at))
        found.append(
            _exhibit(
                root,
                "number",
                known["text"]["value"],
                ident,
                known["label"],
                pages[ident],
                known["rule"],
                outputs,
                where,
            )
        )
    return found


def _exhibit(
    root: Path, kind: str, number: str, ident: str, caption: str, page: str, rule: str, outputs: str, at: str
) -> Exhibit:
    script = f"workflow/scripts/{rule}.py"
    code, line = located(root, rule, ident)
    return Exhibit(kind, number, ident, caption, page, rule, script, _written(root / script), code, line, outputs, at)


@cache
def _written(script: Path) -> int:
    """Line of a script that writes its outputs, or of its main function."""
    lines = script.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if ".write(" in line or "files.write" in line), 1)


def located(root: Path, rule: str, ident: str) -> tuple[str, int]:
    """File and line of the literal that names an exhibit; the script itself where no literal does."""
    best = (0, 0, False, "", 0)
    first, _, rest = ident.partition(".")
    for name, own, literals in _literals(root, rule):
        for text, pattern, line in literals:
            for wanted, common in ((ident, len(first) + 1 if rest else 0), (rest or ident, 0)):
                match = pattern.match(wanted)
                if match and (match.end() == len(wanted) or wanted[match.end()] == "."):
                    telling = max(0, len(text) - common) if text.startswith(first) or not common else len(text)
                    best = max(best, (telling, len(text), own, name, -line))
    if best[1] < 3:
        return f"workflow/scripts/{rule}.py", _written(root / f"workflow/scripts/{rule}.py")
    return best[3], -best[4]


@cache
def _literals(root: Path, rule: str) -> list[tuple[str, bool, list[tuple[str, re.Pattern, int]]]]:
    """Literals of the code that a rule's script runs in the project: (file, whether it is the rule's own, literals)."""
    script = root / "workflow/scripts" / f"{rule}.py"
    package = root / "workflow/agency_survey"
    found = []
    for path in imports.modules(script):
        path = package / path.relative_to(imports.PACKAGE) if path.is_relative_to(imports.PACKAGE) else path
        told = path.stem.endswith("_text")  # sentences print numbers, they make none
        if path.is_file() and path.parent.name == "sections" and not told:
            name = path.relative_to(root).as_posix()
            found.append((name, path.stem.startswith(rule), _texts(path)))
    return found


def _texts(path: Path) -> list[tuple[str, re.Pattern, int]]:
    """Texts and formatted texts of a source that may name an exhibit: (fixed part, pattern, line)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found, inside = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in PRINTING:
            inside |= {id(part) for part in ast.walk(node) if isinstance(part, ast.JoinedStr | ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in inside:
            inside |= {id(part) for part in node.values}
            fixed, pattern = "", ""
            for part in node.values:
                known = part.value if isinstance(part, ast.Constant) else None
                if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
                    known = constants.get(part.value.id)
                fixed += known or ""
                pattern += re.escape(known) if known is not None else "[^ ]*?"
            if pattern.endswith("[^ ]*?"):
                pattern = pattern[:-6] + "[^ ]*"
            found.append((fixed, re.compile(pattern), node.lineno))
    for node in ast.walk(tree):
        plain = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside
        if plain and re.fullmatch(r"[a-z0-9][a-z0-9.-]*", node.value):
            found.append((node.value, re.compile(re.escape(node.value)), node.lineno))
    return [one for one in found if one[0].strip(".-")]


def as_csv(found: list[Exhibit]) -> str:
    """The map as a CSV file."""
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(one.as_dict() for one in found)
    return out.getvalue()


def parse(text: str) -> list[Exhibit]:
    """Exhibits of the map's CSV file; InputError when it is not one."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    try:
        return [
            Exhibit(
                **{
                    **{name: row[name] for name in COLUMNS},
                    "script_line": int(row["script_line"]),
                    "line": int(row["line"]),
                }
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("The exhibit map cannot be read", "exhibits.csv", "Take an undamaged package") from error


def problems(found: list[Exhibit], names: dict[str, Path]) -> list[str]:
    """What of the map does not hold in a payload: a script, line or output that is not there, or an exhibit of the book that
    the map lacks."""
    said = []
    lengths: dict[str, int] = {}
    for one in found:
        for name, line in ((one.script, one.script_line), (one.code, one.line)):
            if name not in names:
                said.append(f"exhibits.csv maps {one.id} to {name}, which is not in the package.")
                continue
            if name not in lengths:
                lengths[name] = len(names[name].read_bytes().splitlines())
            if not 1 <= line <= lengths[name]:
                said.append(f"exhibits.csv maps {one.id} to line {line} of {name}, which has {lengths[name]}.")
        said += [
            f"exhibits.csv maps {one.id} to {name}, which is not in the package."
            for name in one.outputs.split("; ")
            if name not in names
        ]
    return said + _unmapped(found, names)


def _unmapped(found: list[Exhibit], names: dict[str, Path]) -> list[str]:
    """Figures, tables and numbers of the packaged book that the map does not name."""
    known = {(one.kind, one.id) for one in found}
    wanted = set()
    captions = names.get("results/render/captions.json")
    if captions is None:
        return ["results/render/captions.json is lacking, so the exhibits cannot be listed."]
    wanted |= {(e["kind"], e["id"]) for e in files.read_json(captions) if e["kind"] in ("figure", "table")}
    for name, path in names.items():
        if re.fullmatch(r"reports/[^/]+\.qmd|results/[^/]+/text/[^/]+\.md", name):
            wanted |= {("number", ident) for ident in ledger.names(path.read_text(encoding="utf-8"))}
    used = _used_texts(names)
    return [
        f"The {kind} {ident} of the book is in no line of exhibits.csv."
        for kind, ident in sorted(wanted - known)
        if (kind, ident) not in used
    ]


def _used_texts(names: dict[str, Path]) -> set[tuple[str, str]]:
    """Numbers of fragments that no chapter includes: the book does not print them."""
    chapters = [
        path.read_text(encoding="utf-8") for name, path in names.items() if re.fullmatch(r"reports/[^/]+\.qmd", name)
    ]
    together = "\n".join(chapters)
    printed = ledger.names(together)
    unused: set[str] = set()
    for name, path in names.items():
        if re.fullmatch(r"results/[^/]+/text/[^/]+\.md", name):
            ids = ledger.names(path.read_text(encoding="utf-8"))
            if name in together:
                printed |= ids
            else:
                unused |= ids
    return {("number", ident) for ident in unused - printed}
