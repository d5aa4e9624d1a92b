"""The Quarto engine: one ``quarto render`` of the staged book for all formats."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from agency_survey.errors import InputError

from .source import Book

UNRESOLVED = re.compile(
    r"unable to resolve crossref|citation \S+ not found|unable to resolve link|could not find|duplicate",
    re.IGNORECASE,
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def find_quarto() -> str | None:
    """The quarto program: QUARTO_PATH, else on PATH, else beside this Python; None when there is none."""
    given = os.environ.get("QUARTO_PATH", "").strip()
    if given:
        path = Path(given) / "quarto" if Path(given).is_dir() else Path(given)
        if not os.access(path, os.X_OK):
            raise InputError(f"QUARTO_PATH names no program: {given}", None, "Mend or unset it")
        return str(path)
    beside = Path(sys.executable).parent
    return shutil.which("quarto") or shutil.which("quarto", path=str(beside))


def versions(program: str) -> dict[str, str]:
    """Quarto's own version (it brings its pandoc and typst along)."""
    done = subprocess.run([program, "--version"], check=False, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{program} --version failed", None, "Mend the Quarto installation or unset QUARTO_PATH")
    return {"Quarto": done.stdout.strip()}


def render_quarto(program: str, book: Book, work: Path, epoch: int) -> Path:
    """Render the staged book in ``work``; a failure or a warning of something unresolved is an InputError."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        [program, "render", "--no-execute"],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = COLOUR.sub("", done.stdout + done.stderr)
    print(said, file=sys.stderr)  # the rule sends it to its log
    lines = [line.strip() for line in said.splitlines()]
    if done.returncode:
        told = [line for line in lines if re.match(r"(ERROR|num|error)\b", line)] or lines[-1:]
        raise InputError(f"Quarto failed: {' '.join(told[:3])}")
    unresolved = [line for line in lines if line.startswith(("[WARNING]", "WARN")) and UNRESOLVED.search(line)]
    if unresolved:
        raise InputError(f"Quarto left something unresolved: {' '.join(dict.fromkeys(unresolved))}")
    out = work / "_book"
    expected = [chapter.page for chapter in book.chapters] + [book.output + end for end in (".pdf", ".docx")]
    missing = [name for name in expected if not (out / name).is_file()]
    if missing:
        raise InputError(f"Quarto did not make {', '.join(missing)}", "reports/_quarto.yml", "Restore its formats")
    return out
