"""Whether a text holds records of the files that users bring, known by fingerprints made from those files.

An agency is known by its identifiers, by its name, and by its long numbers: a budget, a population, a postal code and an
identifier in one line are nobody else's. How many must coincide follows from chance. Among m long numbers of a text and n of
a record, k given ones of d digits each agree by accident about (m n)^k / (k! 10^(k d)) times; a text is refused when the
evidence, minus the base-2 logarithm of that, exceeds ``EVIDENCE`` bits for some record. A record is also known by a run of its
cells, codes included. Nothing of the fingerprints is stored.
"""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agency_survey.ingest import sha256

EVIDENCE = 45.0  # bits; one accident in 3.5e13 comparisons of a text's place with a record
LONG = 5  # digits from which a number tells records apart
RARE = 4  # a number that more records of a wave have than this says little
WINDOW = 60  # long numbers that lie together, where a record is spread over lines
COLUMN = 200  # distinct long numbers from which a column is a fingerprint of its own
SHARE = 0.5  # of a column's long numbers in one text: the column is there, in whatever order
NAMES = 3  # agencies' names in one text
RUN = 30  # cells in a row that hold more than VARIED different values are one record's only
VARIED = 7
STEP = 15  # of a record, a run is kept from every so many cells; of a text, all are looked up
BITS = math.log2(10)
NUMBER = re.compile(
    r"(?<![A-Za-z0-9.])[+-]?[0-9][0-9,]{3,}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|(?<![A-Za-z0-9.])[0-9]+\.[0-9]{3,}(?:[eE][+-]?[0-9]+)?|[0-9]\.[0-9]+[eE][+-]?[0-9]+"
)
GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?\Z")
IDENTIFIER = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[A-Z0-9]{5,7}(?![A-Z0-9])")
CELL = re.compile(r"[^\s,;|\"'<>]+")
WORD = re.compile(r"[A-Z0-9'&.-]+")


@dataclass
class Fingerprints:
    """What records of the external files are known by."""

    digests: dict[str, str] = field(default_factory=dict)  # SHA-256: file
    identifiers: dict[str, int] = field(default_factory=dict)  # text: record
    numbers: dict[str, list[int]] = field(default_factory=dict)  # canonical number: records
    size: dict[int, int] = field(default_factory=dict)  # record: how many long numbers it has
    label: list[str] = field(default_factory=list)  # record: 'lemas_2020.tsv, line 12'
    columns: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    ids: list[tuple[str, list[int], frozenset[str]]] = field(default_factory=list)  # file, sorted numbers, as text
    runs: dict[int, int] = field(default_factory=dict)  # hash of a run of cells: record
    names: dict[str, list[tuple[tuple[str, ...], int]]] = field(default_factory=dict)  # first word: (words, record)
    files: list[str] = field(default_factory=list)


def canonical(text: str) -> str | None:
    """A number as all its spellings share it; None where it has fewer than ``LONG`` digits that matter."""
    text = text.lstrip("+-")
    if "." in text or "e" in text or "E" in text:
        try:
            value = float(text)
        except ValueError:
            return None
        if not 0 < value < 1e15:
            return None
        text = format(value, ".10g") if value != int(value) else str(int(value))
    digits = text.replace(".", "").lstrip("0").rstrip("0")
    return (text.lstrip("0") or None) if len(digits) >= LONG else None


def digits(number: str) -> int:
    """Digits of a canonical number that matter."""
    return len(number.replace(".", "").lstrip("0").rstrip("0"))


def read(folder: Path, register: dict[str, dict], known: dict[str, dict]) -> Fingerprints:
    """Fingerprints of the files of the register that are in the folder; known : their identifiers and names."""
    found = Fingerprints({entry["sha256"]: entry["file"] for entry in register.values()})
    for key, entry in register.items():
        path = folder / entry["file"]
        if path.is_file():
            found.digests[sha256(str(path))] = entry["file"]
            found.files.append(entry["file"])
            _add(found, path, entry["file"], known.get(key, {"identifiers": [], "names": ""}))
    return found


def _add(found: Fingerprints, path: Path, file: str, known: dict) -> None:
    lines = path.read_text(encoding="latin-1").splitlines()
    header, *rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    ids = [header.index(name) for name in known["identifiers"] if name in header]
    named = header.index(known["names"]) if known["names"] in header else None
    of_number: dict[str, set[int]] = defaultdict(set)
    by_column: dict[int, set[str]] = defaultdict(set)
    id_numbers: set[str] = set()
    for line, row in enumerate(rows, 2):
        record = len(found.label)
        found.label.append(f"{file}, line {line}")
        for column, cell in enumerate(row):
            if len(cell) >= LONG and cell[0] in "0123456789.":
                number = canonical(cell)
                if number:
                    of_number[number].add(record)
                    by_column[column].add(number)
        found.runs.update((run, record) for run in _runs(_cells("\t".join(row)), STEP))
        for column in ids:
            cell = row[column].strip().upper()
            if IDENTIFIER.fullmatch(cell):
                found.identifiers[cell] = record
            elif canonical(cell):
                id_numbers.add(canonical(cell))
        if named is not None:
            words = tuple(WORD.findall(row[named].upper()))
            if len(words) > 1 and sum(map(len, words)) > 11:
                found.names.setdefault(words[0], []).append((words, record))
    for number, records in of_number.items():
        if len(records) <= RARE:
            found.numbers.setdefault(number, []).extend(sorted(records))
            for record in records:
                found.size[record] = found.size.get(record, 0) + 1
    for column, numbers in by_column.items():
        whole = frozenset(n for n in numbers if len(of_number[n]) <= RARE)
        if len(whole) >= COLUMN:
            found.columns.append((f"{file}, column {header[column]}", whole))
    if id_numbers:
        found.ids.append((file, sorted(map(int, id_numbers)), frozenset(id_numbers)))


def search(text: str, known: Fingerprints) -> list[str]:
    """What records a text holds, one sentence for each way in which they are known; empty where it holds none."""
    upper = text.upper()
    said = []
    hits = sorted({match[0] for match in IDENTIFIER.finditer(upper)} & known.identifiers.keys())
    if hits:
        said.append(f"identifiers of {len(hits)} agencies ({known.label[known.identifiers[hits[0]]]})")
    named = _names(upper, known)
    if len(named) >= NAMES:
        said.append(f"names of {len(named)} agencies ({known.label[min(named)]})")
    run = _run(text, known)
    if run is not None:
        said.append(f"a run of {RUN} cells of a record ({known.label[run]})")
    said += _numbers(text, known)
    return said


def _cells(line: str) -> list[str]:
    """Cells of a line as all formats share them: without blanks, quotes and empty ones, whole numbers without decimals."""
    return [cell.removesuffix(".0") for cell in CELL.findall(line)]


def _runs(cells: list[str], step: int) -> Iterator[int]:
    for first in range(0, len(cells) - RUN + 1, step):
        run = tuple(cells[first : first + RUN])
        if len(set(run)) > VARIED:
            yield hash(run)


def _run(text: str, known: Fingerprints) -> int | None:
    """The record of which the text holds a run of cells, if it holds one."""
    if known.runs:
        for line in text.splitlines():
            if len(line) > 2 * RUN:
                for run in _runs(_cells(line), 1):
                    if run in known.runs:
                        return known.runs[run]
    return None


def _names(upper: str, known: Fingerprints) -> set[int]:
    if not known.names:
        return set()
    words = WORD.findall(upper)
    found = set()
    for place, word in enumerate(words):
        for wanted, record in known.names.get(word, ()):
            if tuple(words[place : place + len(wanted)]) == wanted:
                found.add(record)
    return found


def long_numbers(text: str) -> list[tuple[str, int]]:
    """Long numbers of a text in order, each with the offset of its start."""
    found = []
    for match in NUMBER.finditer(text):
        spelled = match[0]
        parts = [spelled]
        if "," in spelled:
            parts = spelled.split(",")
            if GROUPED.match(spelled.lstrip("+-")):
                parts.append(spelled.replace(",", ""))
        found += [(number, match.start()) for part in parts if part and (number := canonical(part))]
    return found


def _numbers(text: str, known: Fingerprints) -> list[str]:
    if not known.numbers:
        return []
    found = long_numbers(text)
    all_of_text = {number for number, _ in found}
    said = []
    for name, numbers in known.columns:
        share = len(numbers & all_of_text) / len(numbers)
        if share >= SHARE:
            said.append(f"{share:.0%} of the values of {name}")
            break
    said += _ids(all_of_text, known)
    hits: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for place, (number, _) in enumerate(found):
        for record in known.numbers.get(number, ()):
            hits[record].append((place, number))
    starts = [offset for _, offset in found]
    best = max(
        (
            (_evidence(text, starts, places, known.size[record], len(all_of_text)), record)
            for record, places in hits.items()
            if len({n for _, n in places}) > 1
        ),
        default=(0.0, 0),
    )
    if best[0] >= EVIDENCE:
        said.append(f"a record ({known.label[best[1]]})")
    return said


def _ids(numbers: set[str], known: Fingerprints) -> list[str]:
    """Numbers that are nearly all identifiers, more often than the range that identifiers lie in makes likely."""
    whole = [number for number in numbers if number.isdigit()]
    for file, ids, spelled in known.ids:
        low, high = ids[0], ids[-1]
        within = [number for number in whole if low <= int(number) <= high]
        hit = sum(number in spelled for number in within)
        density = len(ids) / (high - low + 1)
        if hit > 0.9 * len(within) and hit * -math.log2(min(density, 0.99)) > EVIDENCE:
            return [f"{hit} identifiers of {file}"]
    return []


def _evidence(text: str, starts: list[int], places: list[tuple[int, str]], size: int, distinct: int) -> float:
    """Bits by which the coincidence of a record's numbers exceeds chance: in a line, in a window, in the whole text."""
    best = _bits({number for _, number in places}, distinct, size)
    for first in range(len(places)):
        near = {n for p, n in places[first:] if p < places[first][0] + WINDOW}
        if len(near) > 1:
            best = max(best, _bits(near, min(WINDOW, distinct), size))
            start = starts[places[first][0]]
            end = text.find("\n", start)
            begin = text.rfind("\n", 0, start)
            low, high = bisect_right(starts, begin), bisect_left(starts, end if end >= 0 else len(text))
            line = {n for p, n in places if low <= p < high}
            if len(line) > 1:
                best = max(best, _bits(line, high - low, size))
    return best


def _bits(numbers: set[str], within: int, size: int) -> float:
    k = len(numbers)
    if k < 2:
        return 0.0
    return (
        sum(digits(n) for n in numbers) * BITS
        - k * math.log2(max(1, within * size))
        + math.log2(math.factorial(min(k, 100)))
    )
