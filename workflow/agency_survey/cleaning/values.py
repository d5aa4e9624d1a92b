"""Edit rules on single cells: encoding, blanks, codes, numbers in words and dates. Each changes only what reads in one way."""

from __future__ import annotations

import calendar
import datetime
import math
import re
from collections.abc import Callable

import pandas as pd

from agency_survey.cleaning.survey import Survey
from agency_survey.codebook import Variable

PLAIN_WHOLE = r"-?(?:0|[1-9]\d*)"
WRITTEN_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,10})?(?:[eE][+-]?\d{1,2})?")
SYNONYMS = {
    "y": "yes",
    "n": "no",
    "true": "yes",
    "false": "no",
    "dk": "don't know",
    "do not know": "don't know",
    "dont know": "don't know",
    "n/a": "not asked",
}
UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ABOUT = r"(?:about|approx(?:imately|\.)?|around|roughly|circa|ca\.?|c\.|some|~|≈)\s*"
NOUN = r"\s*(?:%|percent|per cent|hours?|hrs?\.?|cases?|persons?|people|victims?|suspects?|officers?|arrests?|investigations?)"
NUMBER = r"(\d{1,3}(?:,\d{3})+|\d{1,9})"
EARLIEST, LATEST = 1900, 2100


def encoding(survey: Survey) -> None:
    """Text in Windows-1252 within a UTF-8 file is read as such."""
    for name, rows in survey.windows_1252.items():
        table = survey.text[name][survey.text[name].index.isin(rows)]
        for variable in table.columns:
            cells = table[variable][[not cell.isascii() for cell in table[variable]]]
            as_utf8 = [cell.encode("cp1252", "replace").decode("utf-8", "replace") for cell in cells]
            reason = "the row is no UTF-8 and was read as Windows-1252"
            survey.note(name, list(cells.index), survey.records(name, cells.index), variable, as_utf8, cells, reason)


def trim(survey: Survey) -> None:
    """Blanks and tabs around a value are removed."""
    for name, table in survey.text.items():
        for variable in table.columns:
            short = table[variable].str.strip()
            rows = table.index[(short != table[variable]).to_numpy()]
            survey.change(name, rows, variable, short.loc[rows], "blanks around the value")


def code_variants(survey: Survey) -> None:
    """A code written as a decimal (1.0), with leading zeros (01) or as its word (Yes, y, NO) becomes the code."""

    def reading(cell: str, variable: Variable) -> tuple[str | None, str]:
        whole = whole_number(cell)
        if whole in variable.codes or whole in variable.missing:
            return whole, "the code in another form"
        return word(cell, variable), "the code's label in words"

    _rewrite(survey, ("categorical",), reading)


def number_forms(survey: Survey) -> None:
    """A whole number written as a decimal (12.0) or with leading zeros (007) becomes the plain number."""
    _rewrite(survey, ("integer",), lambda cell, variable: (whole_number(cell), "the number in another form"))


def text_numbers(survey: Survey) -> None:
    """Numbers in words or with words (about 10, 1,200, ten, 15%) become the number; of a range, the middle, rounded down."""

    def reading(cell: str, variable: Variable) -> tuple[str | None, str]:
        if WRITTEN_NUMBER.fullmatch(cell):
            return None, ""
        number, reason = text_number(cell)
        return (number, reason) if number else (word(cell, variable), "the missing code's label in words")

    _rewrite(survey, ("integer", "number"), reading)


def dates(survey: Survey) -> None:
    """A date in another form, or with day and month swapped, is put right where it reads as a date in one way only."""

    def reading(cell: str, variable: Variable) -> tuple[str | None, str]:
        readings = date_readings(cell, variable.range)
        return readings.popitem() if len(readings) == 1 else (None, "")

    _rewrite(survey, ("date",), reading)


def _rewrite(
    survey: Survey, types: tuple[str, ...], reading: Callable[[str, Variable], tuple[str | None, str]]
) -> None:
    """Change the cells of some types that are neither empty nor written as the codebook writes them, where ``reading``
    gives new text and its reason."""
    for name in survey.text:
        for variable in survey.books[name].variables.values():
            if variable.type not in types:
                continue
            text = survey.text[name][variable.name]
            fine = (text == "") | text.isin([*variable.codes, *variable.missing])
            if variable.type in ("integer", "number"):
                fine |= text.str.fullmatch(PLAIN_WHOLE)
            elif variable.type == "date":
                fine |= pd.to_datetime(text, format="%Y-%m-%d", errors="coerce").notna()
            found = {row: reading(cell, variable) for row, cell in text[~fine.astype(bool)].items()}
            found = {row: given for row, given in found.items() if given[0] is not None}
            survey.change(
                name, found, variable.name, [new for new, _ in found.values()], [why for _, why in found.values()]
            )


def whole_number(cell: str) -> str | None:
    """'1' of '1.0', '01', '+1' or '1e0'; None for what is no whole number."""
    if not WRITTEN_NUMBER.fullmatch(cell.strip()):
        return None
    number = float(cell)
    return str(int(number)) if number.is_integer() and abs(number) <= 2**53 else None


def word(cell: str, variable: Variable) -> str | None:
    """The code, valid or missing, whose label a cell holds in any case; yes, no and don't know also in short."""
    plain = " ".join(cell.casefold().replace("’", "'").strip(" .!").split())
    labels = {entry["label"].casefold(): code for code, entry in variable.missing.items()}
    labels |= {label.casefold(): code for code, label in variable.codes.items()}
    return labels.get(plain) or labels.get(SYNONYMS.get(plain, plain))


def text_number(cell: str) -> tuple[str | None, str]:
    """(number, how it was read) of a text; (None, '') where it does not say one number or one range."""
    plain = " ".join(cell.casefold().replace("–", "-").replace("—", "-").split()).rstrip(".!")
    bare = re.sub(rf"^(?:{ABOUT})", "", re.sub(rf"(?:{NOUN})$", "", plain)).strip()
    about = "an approximate number" if re.match(ABOUT, plain) else ""
    found = re.fullmatch(rf"(?:between\s+)?{NUMBER}\s*(?:-|to|and)\s*{NUMBER}", bare)
    if found and (" and " not in bare or bare.startswith("between")):
        low, high = (int(one.replace(",", "")) for one in found.groups())
        return (str(math.floor((low + high) / 2)), "the middle of a range, rounded down") if low <= high else (None, "")
    if re.fullmatch(NUMBER, bare):
        reason = about or ("a comma between thousands" if "," in bare else "a number with its unit")
        return str(int(bare.replace(",", ""))), reason
    spelled = in_words(bare)
    return (str(spelled), about or "a number in words") if spelled is not None else (None, "")


def in_words(text: str) -> int | None:
    """Whole numbers from zero to 999 in English words; None for other texts."""
    words = re.split(r"[\s-]+", text.strip())
    if "hundred" in words:
        place = words.index("hundred")
        front = 1 if words[:place] in ([], ["a"]) else in_words(" ".join(words[:place]))
        rest = [one for one in words[place + 1 :] if one != "and"]
        back = in_words(" ".join(rest)) if rest else 0
        return None if front is None or back is None or not 1 <= front <= 9 or back > 99 else 100 * front + back
    if len(words) == 1 and words[0] in UNITS:
        return UNITS.index(words[0])
    if words[0] in TENS and len(words) <= 2:
        rest = UNITS.index(words[1]) if len(words) == 2 and words[1] in UNITS[1:10] else None if len(words) == 2 else 0
        return None if rest is None else 20 + 10 * TENS.index(words[0]) + rest
    return None


def date_readings(cell: str, limits: tuple[datetime.date, datetime.date] | None) -> dict[str, str]:
    """Dates that a text can mean, with how it was read: year first, or last with day and month in either order."""
    text = re.sub(r"[T ]00:00(:00)?$", "", cell)
    found = re.fullmatch(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})", text) or re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text)
    if found:
        year, first, second = map(int, found.groups())
        tries = [(year, first, second, "the date in another form")]
        if not _is_date(year, first, second):
            tries = [(year, second, first, "day and month swapped")]
    else:
        found = re.fullmatch(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})", text)
        if not found:
            return {}
        first, second, year = map(int, found.groups())
        tries = [(year, first, second, "month, day, year"), (year, second, first, "day, month, year")]
    readings = {}
    for year, month, day, reason in tries:
        if _is_date(year, month, day):
            value = datetime.date(year, month, day)
            if not limits or limits[0] <= value <= limits[1]:
                readings[value.isoformat()] = reason
    return readings


def _is_date(year: int, month: int, day: int) -> bool:
    return EARLIEST <= year <= LATEST and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
