"""Errors that a user reads: one sentence, and the way from an exception to a line on stderr."""

import errno

import pytest

from agency_survey.errors import InputError, explain_os_error, script_main


def test_message_is_what_where_and_fix_with_one_full_stop_each():
    assert str(InputError("A row is cut.", "part1.csv, row 3", "Copy it again.")) == (
        "A row is cut (part1.csv, row 3). Copy it again."
    )
    assert str(InputError("A row is cut")) == "A row is cut."
    assert str(InputError("A row is cut", "part1.csv", "Is it whole?")) == "A row is cut (part1.csv). Is it whole?"
    assert str(InputError("Is the file whole?")) == "Is the file whole?"
    assert str(InputError("Stop!", fix="Look at it!")) == "Stop! Look at it!"
    assert str(InputError("A row is cut", fix="Copy it")) == "A row is cut. Copy it."


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left"),
        (errno.EACCES, "cannot be written or read"),
        (errno.EROFS, "cannot be written or read"),
        (errno.ENOENT, "is not there"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_system_errors_name_the_file_and_the_reason(number, words):
    import os

    sentence = str(explain_os_error(OSError(number, os.strerror(number), "results/weight/sample.parquet")))
    assert words in sentence
    assert "results/weight/sample.parquet" in sentence


def test_system_error_without_a_file_still_gives_a_sentence():
    assert "a file of the build" in str(explain_os_error(OSError(errno.ENOSPC, "No space left on device")))


@pytest.mark.parametrize(
    "error", [InputError("The file is empty", "part1.csv"), OSError(errno.ENOSPC, "full", "x.csv")]
)
def test_script_ends_with_one_error_line_below_the_traceback(error, capsys):
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stopped:
        script_main(main)
    lines = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 1
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    assert lines[0].startswith("Traceback")


def test_script_that_works_stays_silent(capsys):
    script_main(lambda: None)
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        script_main(lambda: 1 / 0)
