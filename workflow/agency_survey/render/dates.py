"""The book's date: from its configuration or SOURCE_DATE_EPOCH, never from the clock or the locale."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

from agency_survey.errors import InputError

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def long_date(text: str) -> str:
    """'2024-05-06' as 'May 6, 2024' (Quarto's long English form); other texts as they are."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def build_epoch(text: str) -> int:
    """Seconds since 1970: SOURCE_DATE_EPOCH, or midnight UTC of the book's date. Never before 1980 (zip's start)."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if given:
        if not given.isdigit():
            raise InputError(f"SOURCE_DATE_EPOCH is '{given}', not a whole number of seconds", None, "Set or unset it")
        return max(int(given), 315532800)
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise InputError(f"The book's date '{text}' is not of the form 2024-05-06", "reports/_quarto.yml") from None
