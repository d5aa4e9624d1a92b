"""Faults as returned forms have them: one small function a kind, each listing what it did.

A fault can always be found: by the form of a value, by the codebook, or by what another answer or file says.
``repair`` marks those that the evidence in the files lets a rule decide, ``query`` those that a person must.
"""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from agency_survey import identifiers
from agency_survey.codebook import Codebook, Variable
from agency_survey.standin.investigations import BY_YEAR
from agency_survey.standin.perceptions import RATINGS, SOURCES
from agency_survey.standin.sample import COMPLETE, MAIL, WEB
from agency_survey.standin.sheets import QUERY, REPAIR, Sheet, drawn, is_item, listing, one_of
from agency_survey.standin.tools import Streams

GATES = {
    "part1": ["q6_training", "q13_any_case"],
    "part2": ["q6_networks"],
    "part3": ["q2_setting", "q5_foreign", "q12_prosecuted"],
}
AGES = ["q3a_under_18", "q3b_18_to_24", "q3c_25_and_over", "q3d_age_unknown"]
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
ONES = [*ONES.split(), "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def inject(
    settings: dict, tables: dict[str, pd.DataFrame], books: dict[str, Codebook], streams: Streams
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The three parts with faults (tables of text), and the list of faults.

    settings : kind -> file -> faults for each 1,000 returned Part I forms. Texts in Windows-1252 hold their bytes as
    surrogates (written with ``surrogateescape``). Kinds that touch whole records come first.
    """
    forms = len(tables["part1"])

    def number(kind: str, file: str) -> int:
        return round(settings[kind].get(file, 0) * forms / 1000)

    sheets = {
        name: Sheet(book, tables[name], _extra(name, tables, book, number, streams)) for name, book in books.items()
    }
    complete = set(tables["disposition"].loc[tables["disposition"]["outcome"] == COMPLETE, "agency_id"])
    for kind, between in BETWEEN_FILES.items():
        between(sheets, {name: number(kind, name) for name in sheets}, streams(f"fault {kind}"))
    for name, sheet in sheets.items():
        rng = streams(f"fault id_typo {name}")
        id_typo(sheet, number("id_typo", name), complete, set(tables["frame"]["agency_id"]), rng)
        for kind, put in WITHIN_FILE.items():
            put(sheet, number(kind, name), streams(f"fault {kind} {name}"))
    return {name: sheet.table() for name, sheet in sheets.items()}, listing(sheets)


# --- rows that should not be there -----------------------------------------------------------------------------------


def _extra(name: str, tables: dict, book: Codebook, number, streams: Streams) -> pd.DataFrame:
    """Second returns of agencies and case rows without an agency."""
    if name == "part3":
        return orphan_case(tables, number("orphan_case", name), streams("fault orphan_case"))
    return duplicate_return(
        tables[name], book, number("duplicate_return", name), streams(f"fault duplicate_return {name}")
    )


def duplicate_return(table: pd.DataFrame, book: Codebook, k: int, rng: np.random.Generator) -> pd.DataFrame:
    """Second returns by the other mode: the same answers some days before, less complete ones after, contradicting before.

    The return of the untouched file is the more complete one, or else the later one.
    """
    rows = []
    for turn, place in enumerate(drawn(range(len(table)), k, rng)):
        form = table.iloc[place].astype(str).to_dict()
        variant = ("same", "less", "contradicting")[turn % 3]
        days = 3 + int(rng.random() * 18) if variant == "less" else -1 - int(rng.random() * 3)
        date = datetime.date.fromisoformat(form["returned_on"]) + datetime.timedelta(days=days)
        form |= {"returned_on": date.isoformat(), "mode": str(MAIL + WEB - int(form["mode"]))}
        if variant == "less":
            _leave_out(form, book, rng)
        if variant == "contradicting":
            _contradict(form, book, rng)
        rows.append(form | {"kind": "duplicate_return", "remedy": QUERY if variant == "contradicting" else REPAIR})
    return pd.DataFrame(rows)


def _leave_out(form: dict, book: Codebook, rng: np.random.Generator) -> None:
    """Leave out all answers from some question in the second or third quarter on."""
    items = [variable for variable in book.variables.values() if is_item(variable)]
    first = int(len(items) * (0.25 + 0.5 * rng.random()))
    for variable in items[first:]:
        if form[variable.name] != variable.missing_code("not_asked"):
            form[variable.name] = variable.missing_code("missing")


def _contradict(form: dict, book: Codebook, rng: np.random.Generator) -> None:
    """Give one to three other answers to questions that everyone is asked."""
    gates = GATES[book.name]
    items = [one for one in book.variables.values() if is_item(one) and one.codes and one.universe is None]
    items = [one for one in items if one.name not in gates and form[one.name] in one.codes]
    for variable in drawn(items, 1 + int(rng.random() * 3), rng):
        form[variable.name] = one_of([value for value in variable.codes if value != form[variable.name]], rng)


def orphan_case(tables: dict, k: int, rng: np.random.Generator) -> pd.DataFrame:
    """Case rows of agencies that returned nothing: sampled ones without an answer, and ones outside the sample."""
    disposition, frame, cases = tables["disposition"], tables["frame"], tables["part3"]
    silent = disposition["agency_id"].to_numpy(dtype=object)[disposition["outcome"] != COMPLETE]
    outside = frame["agency_id"].to_numpy(dtype=object)[~frame["agency_id"].isin(disposition["agency_id"])]
    idents = drawn(silent, k - k // 2, rng) + drawn(outside, k // 2, rng)
    places = drawn(range(len(cases)), len(idents), rng)
    rows = cases.iloc[places].astype(str).to_dict("records")
    added = {"case_number": "1", "kind": "orphan_case", "remedy": QUERY}
    return pd.DataFrame([row | {"agency_id": ident} | added for row, ident in zip(rows, idents, strict=False)])


# --- contradictions between files ------------------------------------------------------------------------------------


def _agencies(sheets: dict[str, Sheet]) -> list[tuple[int, int]]:
    """Rows in Parts I and II of agencies whose numbers of cases are all answered and agree, and whose rows are open."""
    part1, part2 = sheets["part1"], sheets["part2"]
    numbers = ["q14_cases", "q15a_sex_cases", "q15b_labour_cases"]
    sure = np.all([part2.valid(name) for names in BY_YEAR.values() for name in names], axis=0) & ~part2.closed
    counted = np.all([part1.valid(name) for name in numbers], axis=0) & ~part1.closed
    rows = [(part1.place[part2.records[row]], int(row)) for row in np.flatnonzero(sure)]
    return [(one, two) for one, two in rows if counted[one]]


def case_without_part1(sheets: dict[str, Sheet], numbers: dict[str, int], rng: np.random.Generator) -> None:
    """Part I denies any case (and skips their number) although Part II counts them by year."""
    part1, part2 = sheets["part1"], sheets["part2"]
    for one, two in drawn(_agencies(sheets), numbers["part1"], rng):
        part1.change(one, "q13_any_case", "2", "case_without_part1", REPAIR)
        for name in ("q14_cases", "q15a_sex_cases", "q15b_labour_cases"):
            part1.change(one, name, part1.book.variables[name].missing_code("not_asked"), "case_without_part1", REPAIR)
        part1.closed[one] = part2.closed[two] = True


def cross_part_count(sheets: dict[str, Sheet], numbers: dict[str, int], rng: np.random.Generator) -> None:
    """Numbers of cases in Part II that do not add up to Part I's.

    Either a number of Part I is wrong, which then does not add up itself and follows from Part II, or that of a year in
    Part II.
    """
    part1, part2 = sheets["part1"], sheets["part2"]
    pairs = drawn(_agencies(sheets), numbers["part1"] + numbers["part2"], rng)
    for turn, (one, two) in enumerate(pairs):
        kind = one_of([kind for kind, name in TOTALS.items() if part1.true[name][one] != "0"], rng)
        sheet, row, name = (
            (part1, one, TOTALS[kind]) if turn < numbers["part1"] else (part2, two, one_of(BY_YEAR[kind], rng))
        )
        raw = str(int(sheet.true[name][row]) + 1 + int(rng.random() * 4))
        sheet.change(row, name, raw, "cross_part_count", REPAIR if sheet is part1 else QUERY)
        part1.closed[one] = part2.closed[two] = True


TOTALS = {"sex": "q15a_sex_cases", "labour": "q15b_labour_cases"}
BETWEEN_FILES = {"case_without_part1": case_without_part1, "cross_part_count": cross_part_count}


# --- contradictions within a record ----------------------------------------------------------------------------------


def id_typo(sheet: Sheet, k: int, complete: set[str], frame: set[str], rng: np.random.Generator) -> None:
    """One wrong character, or two neighbours swapped, so that the identifier is nobody's.

    complete : agencies that returned Part I, among which the right one is looked for.
    """
    for row, name in sheet.draw({"agency_id": np.ones(sheet.n, dtype=bool)}, k, rng):
        ident = sheet.true[name][row]
        raw = ident
        while raw == ident or (identifiers.valid(raw) and raw in frame):
            raw = _mistyped(ident, rng)
        near = [candidate for candidate in identifiers.neighbours(raw) if candidate in complete]
        sheet.change(row, name, raw, "id_typo", REPAIR if near == [ident] else QUERY)
        sheet.closed[row] = True


def _mistyped(ident: str, rng: np.random.Generator) -> str:
    place = int(rng.random() * len(ident))
    if rng.random() < 0.35 and place:
        return ident[: place - 1] + ident[place] + ident[place - 1] + ident[place + 1 :]
    return ident[:place] + one_of(identifiers.ISO_ALPHABET, rng) + ident[place + 1 :]


def sum_mismatch(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """Victims by age that do not add up to all victims."""
    if k == 0:
        return
    sure = np.all([sheet.valid(name) for name in ("q3_victims", *AGES)], axis=0)
    for row, _ in sheet.draw({"q3_victims": sure}, k, rng):
        name = one_of(["q3_victims", *AGES[:3]], rng)
        sheet.change(row, name, str(int(sheet.true[name][row]) + 1 + int(rng.random() * 5)), "sum_mismatch", QUERY)
        sheet.closed[row] = True


def impossible_date(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """Day and month swapped, a day that does not exist, a day outside the period, closed before opened."""
    put = (
        [_swapped, _no_such_day] if "returned_on" in sheet.true else [_swapped, _no_such_day, _outside, _closed_before]
    )
    for turn in range(k):
        put[turn % len(put)](sheet, rng)


def _date_fault(sheet: Sheet, name: str, mask: np.ndarray, raw, remedy: str, rng: np.random.Generator) -> None:
    for row, _ in sheet.draw({name: mask}, 1, rng):
        sheet.change(row, name, raw(row), "impossible_date", remedy)
        sheet.closed[row] = True


def _main_date(sheet: Sheet) -> str:
    return "returned_on" if "returned_on" in sheet.true else "opened_on"


def _swapped(sheet: Sheet, rng: np.random.Generator) -> None:
    """Day written as month where that is no month: swapping them back is the only reading."""
    name = _main_date(sheet)
    late = np.array([int(date[8:10]) > 12 for date in sheet.true[name]])

    def raw(row: int) -> str:
        year, month, day = sheet.true[name][row].split("-")
        return f"{year}-{day}-{month}"

    _date_fault(sheet, name, late, raw, REPAIR, rng)


def _no_such_day(sheet: Sheet, rng: np.random.Generator) -> None:
    """31 February, 31 June...; the dispositions hold the date of Part I."""
    name = _main_date(sheet)
    remedy = REPAIR if sheet.book.name == "part1" else QUERY
    short = np.array([date[5:7] in ("02", "04", "06", "09", "11") for date in sheet.true[name]])
    _date_fault(sheet, name, short, lambda row: sheet.true[name][row][:8] + "31", remedy, rng)


def _outside(sheet: Sheet, rng: np.random.Generator) -> None:
    """A case opened before 2000 or after the survey."""
    years = ["1967", "1989", "1992", "2009", "2011", "2016"]

    def raw(row: int) -> str:
        return one_of(years, rng) + "-" + sheet.true["opened_on"][row][5:]

    days = np.array([date[5:] != "02-29" for date in sheet.true["opened_on"]])
    _date_fault(sheet, "opened_on", days, raw, QUERY, rng)


def _closed_before(sheet: Sheet, rng: np.random.Generator) -> None:
    def raw(row: int) -> str:
        opened = datetime.date.fromisoformat(sheet.true["opened_on"][row])
        return (opened - datetime.timedelta(days=20 + int(rng.random() * 300))).isoformat()

    later = np.array([date >= "2001" for date in sheet.true["opened_on"]])
    _date_fault(sheet, "closed_on", later & (sheet.true["closed_on"] != ""), raw, QUERY, rng)


def skip_answered(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """One answer to a question that the form says to skip; the answers that decide it are given and agree."""
    cells = {}
    for mask, names in _decided(sheet, asked=False):
        for name in names:
            variable = sheet.book.variables[name]
            cells[name] = mask & sheet.holds(name, variable.missing_code("not_asked") or "")
    for row, name in _by_question(sheet, cells, k, rng):
        sheet.change(row, name, _some_answer(sheet.book.variables[name], rng), "skip_answered", REPAIR)
        sheet.closed[row] = True


def skip_unanswered(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """A left-out answer coded as not asked although the form says to ask: the answer is missing, not skipped."""
    cells = {}
    for mask, names in _decided(sheet, asked=True):
        for name in names:
            left_out = sheet.book.variables[name].missing_code("missing")
            if left_out is not None:
                cells[name] = mask & sheet.holds(name, left_out)
    for row, name in _by_question(sheet, cells, k, rng):
        sheet.change(row, name, sheet.book.variables[name].missing_code("not_asked"), "skip_unanswered", REPAIR)
        sheet.closed[row] = True


def _by_question(sheet: Sheet, cells: dict, k: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    """k free cells in different rows: variables take turns, so that rare ones are among them."""
    lists = [sheet.draw({name: mask}, k, rng) for name, mask in cells.items()]
    turns = [cells[turn] for turn in range(k) for cells in drawn(lists, len(lists), rng) if turn < len(cells)]
    return list({row: (row, name) for row, name in reversed(turns[: 2 * k])}.values())[:k]


def _decided(sheet: Sheet, asked: bool) -> list[tuple[np.ndarray, list[str]]]:
    """Rows that are surely asked (or surely not), with the questions this is about."""
    if sheet.book.name == "part1":
        nothing = np.all([sheet.holds(name, "8") for name in RATINGS.values()], axis=0)
        rated = np.any([sheet.valid(name) for name in RATINGS.values()], axis=0)
        training = [
            name for name in sheet.book.variables if name.startswith(("q6a", "q6b", "q6c", "q6d", "q6e", "q7", "q8"))
        ]
        return [
            (rated if asked else nothing, list(SOURCES.values())),
            (sheet.holds("q6_training", "1" if asked else "2"), training),
        ]
    if sheet.book.name == "part2":
        links = [name for name in sheet.book.variables if name.startswith("q6") and name != "q6_networks"]
        per_type = [np.all([sheet.holds(name, "0") for name in names], axis=0) for names in BY_YEAR.values()]
        one_type = per_type[0] | per_type[1]
        found = [(sheet.holds("q6_networks", "1" if asked else "2"), links)]
        return found if asked else [*found, (one_type, ["q12_more_time"])]
    prosecuted, foreign = sheet.holds("q12_prosecuted", "1", "2", "3"), sheet.valid("q5_foreign")
    none = sheet.holds("q5_foreign", "0")
    if asked:
        return [(prosecuted, ["q13_outcome", "q14_convicted"]), (foreign & ~none, ["q5a_origin"])]
    known = sheet.valid("q2_setting") & ~sheet.holds("q2_setting", "8")
    return [
        (sheet.holds("q12_prosecuted", "4"), ["q13_outcome"]),
        (none, ["q5a_origin"]),
        (known, ["q2a_other_setting"]),
    ]


def _some_answer(variable: Variable, rng: np.random.Generator) -> str:
    if variable.type == "text":
        return one_of(["Nail salon", "Auto repair shop", "Laundry"], rng)
    if variable.codes:
        return one_of(list(variable.codes), rng)
    low, high = variable.range
    return str(low + int(rng.random() * min(high - low, 40)))


# --- cells -----------------------------------------------------------------------------------------------------------


def out_of_range(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """A code that is none, or a number beyond the range; neither is a code for a missing answer."""
    cells = {one.name: sheet.valid(one.name) for one in _items(sheet) if one.name not in GATES[sheet.book.name]}
    for row, name in sheet.draw(cells, k, rng):
        sheet.change(row, name, _beyond(sheet.book.variables[name], rng), "out_of_range", QUERY)


def _beyond(variable: Variable, rng: np.random.Generator) -> str:
    if variable.codes:
        top = max(int(value) for value in variable.codes)
        odd = [str(value) for value in (0, top + 1, top + 2, top + 3) if str(value) not in variable.missing]
        return one_of(odd, rng)
    raw = variable.range[1] + 1 + int(rng.random() * variable.range[1])
    return str(raw + 1000 if str(raw) in variable.missing else raw)


def encoding(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """Free text written in Windows-1252."""
    texts = [one.name for one in sheet.book.variables.values() if one.type == "text"]
    cells = {name: np.array([not text.isascii() for text in sheet.true[name]]) for name in texts}
    for row, name in sheet.draw(cells, k, rng):
        raw = sheet.true[name][row].encode("cp1252").decode("utf-8", "surrogateescape")
        sheet.change(row, name, raw, "encoding", REPAIR)


def text_number(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """A number in words, with "about", or as a range around it."""
    cells = {one.name: sheet.valid(one.name) for one in _items(sheet) if one.type == "integer"}
    for row, name in sheet.draw(cells, k, rng):
        sheet.change(row, name, one_of(_number_texts(int(sheet.true[name][row]), rng), rng), "text_number", REPAIR)


def _number_texts(value: int, rng: np.random.Generator) -> list[str]:
    forms = [f"about {value}", f"approx. {value}", f"~{value}"]
    if value > 1:
        spread = 1 + int(rng.random() * min(value - 1, 4))
        forms += [f"{value - spread}-{value + spread}"] * 2
    if value < 100:
        word = ONES[value] if value < 20 else TENS[value // 10 - 2] + (f"-{ONES[value % 10]}" if value % 10 else "")
        forms += [word, word.capitalize()]
    return forms


def code_variant(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """A code written as a word, as its label, with a leading zero or with decimals."""
    cells = {one.name: sheet.valid(one.name) for one in _items(sheet) if one.codes}
    for row, name in sheet.draw(cells, k, rng):
        variable, value = sheet.book.variables[name], sheet.true[name][row]
        label = variable.codes[value]
        forms = [f"{value}.0", f"0{value}", label, label.lower(), label.upper()]
        forms += [label[0], label[0].lower(), label.upper() + " "] if label in ("Yes", "No") else []
        sheet.change(row, name, one_of(forms, rng), "code_variant", REPAIR)


def trailing_blank(sheet: Sheet, k: int, rng: np.random.Generator) -> None:
    """Blanks or tabs around a value."""
    names = [one.name for one in sheet.book.variables.values() if one.type != "text"]
    for row, name in sheet.draw({name: sheet.true[name] != "" for name in names}, k, rng):
        value = sheet.true[name][row]
        forms = [f"{value} ", f" {value}", f"{value}\t", f"\t{value}", f" {value}  "]
        sheet.change(row, name, one_of(forms, rng), "trailing_blank", REPAIR)


def _items(sheet: Sheet) -> list[Variable]:
    return [one for one in sheet.book.variables.values() if is_item(one)]


WITHIN_FILE = {
    "sum_mismatch": sum_mismatch,
    "impossible_date": impossible_date,
    "skip_answered": skip_answered,
    "skip_unanswered": skip_unanswered,
    "out_of_range": out_of_range,
    "encoding": encoding,
    "text_number": text_number,
    "code_variant": code_variant,
    "trailing_blank": trailing_blank,
}
