"""Setting up the environment: each cause of failure gets its sentence."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap(tmp_path) -> dict:
    """The script's functions, working in a folder of the test's own."""
    (tmp_path / "workflow").mkdir()
    shutil.copy(ROOT / "workflow/bootstrap.py", tmp_path / "workflow")
    (tmp_path / "logs").mkdir()
    return runpy.run_path(str(tmp_path / "workflow/bootstrap.py"), run_name="bootstrap")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "no space left"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "pinned hash"),
        ("PermissionError: [Errno 13] Permission denied: 'x'", "cannot be written"),
        ("Error downloading Quarto: <urlopen error>", "the bundled engine goes on rendering"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "make wheels"),
        ("something else", "is there a network"),
    ],
)
def test_each_cause_has_its_sentence(bootstrap, said, sentence):
    Path(bootstrap["LOG"]).write_text(said)
    assert sentence in bootstrap["cause"](bootstrap["NETWORK"])


def test_package_with_another_hash_is_not_installed(tmp_path):
    (tmp_path / "workflow").mkdir()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "wheels").mkdir()
    shutil.copy(ROOT / "workflow/bootstrap.py", tmp_path / "workflow")
    pinned = f"somepackage==1.0 --hash=sha256:{'0' * 64}\n"
    for name in ("build", "runtime"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(pinned)
    (tmp_path / "wheels/somepackage-1.0-py3-none-any.whl").write_bytes(b"not what was pinned")
    done = subprocess.run(
        [sys.executable, "workflow/bootstrap.py", "runtime"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: A downloaded package does not match its pinned hash")
    assert not list((tmp_path / ".venv").glob(".ready-*"))


@pytest.mark.parametrize(("version", "kept"), [("1.9.38", True), ("1.8.0", False)])
def test_quarto_of_another_version_is_refused(bootstrap, capsys, version, kept):
    program = Path(bootstrap["VENV"]) / "bin" / "quarto"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    os.symlink(shutil.which("true"), bootstrap["PYTHON"])
    assert version != bootstrap["QUARTO"] or kept
    if kept:
        bootstrap["check_quarto"]()
        assert "Quarto 1.9.38 is installed" in capsys.readouterr().out
    else:
        with pytest.raises(SystemExit):
            bootstrap["check_quarto"]()
        assert "'1.8.0' where 1.9.38 is pinned" in capsys.readouterr().err


@pytest.mark.parametrize("sentence", ["Is there a network?", "Stop!", "It is cut.", "It is cut"])
def test_a_sentence_ends_with_one_mark(bootstrap, capsys, sentence):
    with pytest.raises(SystemExit):
        bootstrap["stop"](sentence)
    ended = sentence if sentence[-1] in "?!." else sentence + "."
    assert capsys.readouterr().err == f"error: {ended}\n"
