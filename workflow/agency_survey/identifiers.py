"""Agency identifiers: five characters and a check character that finds one wrong character or two swapped ones.

The check character is that of ISO 7064, MOD 37,36 (a hybrid system over digits and letters).
"""

from __future__ import annotations

from agency_survey.errors import InputError

ALPHABET = "0123456789ABCDFGHJKLMNPQRSTVWXYZ"  # of the first five: no E, I, O, U
ISO_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 6
_VALUE = {letter: value for value, letter in enumerate(ISO_ALPHABET)}


def check_character(text: str) -> str:
    """Check character of a text over ``ISO_ALPHABET`` (ISO 7064, MOD 37,36)."""
    check = 36
    for letter in text:
        check = (check + _VALUE[letter]) % 36
        check = (36 if check == 0 else check) * 2 % 37
    return ISO_ALPHABET[(1 - check) % 36]


def valid(text: str) -> bool:
    """Whether a text is an identifier with the right check character."""
    if len(text) != LENGTH or any(letter not in ALPHABET for letter in text[:-1]) or text[-1] not in _VALUE:
        return False
    return check_character(text[:-1]) == text[-1]


def agency_ids(n: int, first: int = 1):
    """n different identifiers, as an array of text, from the serial number ``first`` on.

    The first five characters are the serial number multiplied by an odd constant modulo 32^5, which scatters neighbours
    over the range. Raises InputError for serial numbers beyond 32^5.
    """
    import numpy as np

    last = first + n - 1
    if last > 32**5:
        raise InputError(f"There are only {32**5} agency ids, not {last}", "agency_ids", "Make fewer agencies")
    number = (np.arange(first, last + 1, dtype=np.int64) * 12_345_679) % 32**5
    digits = np.stack([(number >> shift) & 31 for shift in (20, 15, 10, 5, 0)])
    letters = np.array(list(ALPHABET))[digits]
    check = np.full(n, 36)
    for row in np.array([_VALUE[letter] for letter in ALPHABET])[digits]:
        check = (check + row) % 36
        check = np.where(check == 0, 36, check) * 2 % 37
    checks = np.array(list(ISO_ALPHABET))[(1 - check) % 36]
    return np.array(["".join(characters) for characters in zip(*letters, checks, strict=True)], dtype=object)


def neighbours(text: str) -> list[str]:
    """Valid identifiers that become ``text`` by one wrong character or by swapping two neighbouring ones."""
    found = {
        text[:place] + letter + text[place + 1 :]
        for place in range(len(text))
        for letter in (ISO_ALPHABET if place == len(text) - 1 else ALPHABET)
    }
    found |= {text[:p] + text[p + 1] + text[p] + text[p + 2 :] for p in range(len(text) - 1)}
    return sorted(candidate for candidate in found - {text} if valid(candidate))
