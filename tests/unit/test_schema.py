"""Settings read strictly: every refusal names the file, the line and the key."""

from pathlib import Path

import pytest

from agency_survey import schema
from agency_survey.errors import InputError

PROJECT = Path(__file__).parents[2]
CONFIG = (PROJECT / "config/config.yaml").read_text(encoding="utf-8")
DESIGN = (PROJECT / "config/sample_design.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    """Line number (from 1) of the only line that holds ``part``."""
    found = [number for number, line in enumerate(text.splitlines(), 1) if part in line]
    assert len(found) == 1
    return found[0]


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.fixture
def refusal(tmp_path):
    """``refusal(text, schema)``: the sentence with which a file of that text is refused."""

    def give(text: str | bytes, name: str = "config") -> str:
        path = tmp_path / "settings.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(InputError) as caught:
            schema.load(path, name)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return give


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("config.yaml", "config"),
        ("external.yaml", "external"),
        ("regions.yaml", "regions"),
        ("reproduction.yaml", "reproduction"),
        ("sample_design.yaml", "sample_design"),
        ("standin.yaml", "standin"),
        ("study.yaml", "study"),
        *((f"codebooks/{path.name}", "codebook") for path in sorted((PROJECT / "config/codebooks").glob("*.yaml"))),
    ],
)
def test_the_projects_own_settings_are_valid(file, name):
    assert schema.load(PROJECT / "config" / file, name)


def test_unknown_key_gets_the_key_that_was_meant_and_its_line(refusal):
    text = changed(CONFIG, "confidence_level:", "confidence_levle:")
    sentence = refusal(text)
    assert "Unknown key 'confidence_levle'" in sentence
    assert "Did you mean 'confidence_level'?" in sentence
    assert f"line {line_of(text, 'confidence_levle')})" in sentence


def test_unknown_key_like_no_other_gets_the_list(refusal):
    sentence = refusal(changed(CONFIG, "  hide_n: 10 ", "  zzz: 10 "))
    assert "Unknown key 'zzz' in 'reliability'" in sentence
    assert "flag_rse, hide_n, hide_rse" in sentence


def test_unknown_key_among_keys_of_a_form(refusal):
    """The key at fault is named, not a valid one of the same mapping."""
    text = changed(DESIGN, "    3: {8: all", "    4: {8: all")
    sentence = refusal(text, "sample_design")
    assert "Unknown key '4' in 'random_sample.allocation'" in sentence
    assert "^[1-3]$" in sentence
    assert f"line {line_of(text, '    4: {8: all')})" in sentence


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("confidence_level: 0.95", 'confidence_level: "0.95"', ["'confidence_level' must be of type number", "'0.95'"]),
        ("confidence_level: 0.95", "confidence_level: true", ["must be of type number", "True"]),
        ("confidence_level: 0.95", "confidence_level: 95", ["'confidence_level' is not valid", "a share such as 0.95"]),
        ("confidence_level: 0.95", "confidence_level: .nan", ["'confidence_level' is not a finite number"]),
        ("hide_n: 10", "hide_n: 2.5", ["'reliability.hide_n' must be of type integer", "2.5"]),
        ("engine: auto", "engine: bundeld", ["unknown value 'bundeld'", "Did you mean 'bundled'?"]),
        ("engine: auto", "engine: latex", ["unknown value 'latex'", "Allowed: auto, bundled, quarto"]),
        ("  waves: [2007, 2016, 2020]", "  waves: [2007, 2013]", ["unknown value 2013", "'lemas.waves.1'"]),
    ],
)
def test_wrong_values_are_named_with_their_line(refusal, old, new, words):
    text = changed(CONFIG, old, new)
    sentence = refusal(text)
    assert all(word in sentence for word in words), sentence
    assert f"line {line_of(text, new.strip().splitlines()[0])})" in sentence


def test_missing_key(refusal):
    assert "The key 'engine' is missing in 'the top level'" in refusal(changed(CONFIG, "\nengine: auto", "\n#"))


def test_the_first_problem_in_the_file_is_told_first(refusal):
    """Neither the order of the alphabet nor that of the schema: the user mends from the top."""
    text = changed(CONFIG, "confidence_level: 0.95", "zeta: 1\nconfidence_level: 0.95")
    text = changed(text, "  hide_n: 10", "  hide_n: -1")
    assert "'zeta'" in refusal(text)
    text = changed(CONFIG, "  hide_n: 10", "  hide_n: -1")
    assert "'reliability.hide_n'" in refusal(text + "\nzeta: 1\n")
    text = changed(changed(CONFIG, "smallest_class: 10", "smallest_class: 1"), "engine: auto", "engine: 1")
    assert "smallest_class" in refusal(text)


def test_long_lists_are_read_in_order_of_their_lines(refusal):
    entries = "".join(
        f"- {{wave: 2020, quantity: a, label: b, kind: rows, to: {0 if k in (2, 11) else 1}}}\n" for k in range(12)
    )
    assert "line 3)" in refusal(entries, "reproduction")


def test_double_key_names_its_second_line(refusal):
    text = CONFIG + "\nengine: quarto\n"
    sentence = refusal(text)
    assert "The key 'engine' is given twice" in sentence
    assert f"line {len(text.splitlines())})" in sentence


def test_nested_double_key(refusal):
    assert "'hide_n' is given twice" in refusal(CONFIG.replace("  hide_n: 10", "  hide_n: 10\n  hide_n: 12"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lemas:\n\t- 1\n", "line 2"),
        ("lemas: [1, 2\nengine: auto\n", "line 2"),
        ("lemas: *nothing\n", "line 1"),
        ("lemas: !python/name:os.system x\n", "line 1"),
        ("a: 1\nlemas: 2020-13-45\n", "month must be in 1..12"),
        ("a: 1\n{lemas: 1}: 2\n", "line 2"),
    ],
)
def test_bad_yaml(refusal, text, words):
    assert words in refusal(text)


def test_empty_file(refusal):
    assert "must be of type object, not None" in refusal("")


def test_wrong_encoding(refusal):
    assert "not UTF-8" in refusal(b"lemas: \xe9\n")


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="not there"):
        schema.read_yaml(tmp_path / "none.yaml")


def test_keys_from_an_anchor_are_told_at_the_entry_that_uses_it(refusal):
    text = (PROJECT / "config/external.yaml").read_text(encoding="utf-8")
    text = changed(text, '  terms: "ICPSR terms', '  terms: 7 #"ICPSR terms')
    assert "'lemas_2007.terms' must be of type string" in refusal(text, "external")


def test_dates_are_checked_as_text(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 2007-05-07\n", encoding="utf-8")
    assert schema._strings(schema.read_yaml(path)) == {"a": "2007-05-07"}
