"""Identifiers: the check character of ISO 7064, and what it finds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_survey import identifiers
from agency_survey.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
IDS = st.text(alphabet=identifiers.ALPHABET, min_size=5, max_size=5).map(lambda t: t + identifiers.check_character(t))


def reference(text: str) -> int:
    """ISO 7064 hybrid systems as the standard's annex states them: P1 = M; Sj = Pj mod (M+1) + aj; Pj+1 = (Sj || M) * 2."""
    modulus, p = 36, 36
    for letter in text:
        s = p % (modulus + 1) + int(letter, 36)
        p = (s % modulus or modulus) * 2
    return (p % (modulus + 1) + 0) % modulus


@given(IDS)
def test_the_sum_over_the_whole_identifier_is_one(text):
    """By the standard, S of the last character is congruent to 1 modulo M."""
    assert (reference(text[:-1]) + int(text[-1], 36)) % 36 == 1


def test_known_strings():
    """Global Release Identifiers carry the same check character: A12425GABC1234002M (IFPI, GRid Standard)."""
    assert identifiers.check_character("A12425GABC1234002") == "M"


@given(IDS, st.integers(0, 5), st.sampled_from(identifiers.ISO_ALPHABET))
def test_every_single_wrong_character_is_found_and_its_original_a_neighbour(text, place, letter):
    wrong = text[:place] + letter + text[place + 1 :]
    if wrong != text:
        assert not identifiers.valid(wrong)
        assert text in identifiers.neighbours(wrong)


@given(IDS, st.integers(0, 4))
def test_the_original_of_swapped_neighbours_is_a_neighbour(text, place):
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if wrong != text:
        assert text in identifiers.neighbours(wrong)


@pytest.mark.parametrize("text", ["", "00NAL", "00NALFX", "00nalf", "E0NALF", "00NAL-", "00NAL²", "00NALG"])
def test_what_is_no_identifier(text):
    assert not identifiers.valid(text)


def test_the_frame_holds_valid_identifiers_only():
    with open(PROJECT / "data/frame/frame.csv", encoding="utf-8", newline="") as stream:
        found = [row["agency_id"] for row in csv.DictReader(stream)]
    assert len(found) > 10_000
    assert all(identifiers.valid(text) for text in found)


def test_made_identifiers_are_valid_and_different():
    made = identifiers.agency_ids(5_000)
    assert len(set(made)) == 5_000
    assert all(identifiers.valid(text) for text in made)
    with pytest.raises(InputError, match="only 33554432"):
        identifiers.agency_ids(32**5 + 1)
