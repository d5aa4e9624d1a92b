"""The render room: from the book's sources to HTML, PDF and DOCX, by Quarto or by the bundled engine.

Only ``source`` is imported here, so that a Snakefile can ask for the book's dependencies cheaply.
"""

from __future__ import annotations

from pathlib import Path

from .source import book_dependencies

__all__ = ["book_dependencies", "render"]


def render(root: Path, results: Path, out: Path, engine: str = "auto", work: Path | None = None) -> dict:
    """Render the book of ``root``/reports into the folder ``out``; see ``publish.render``."""
    from .publish import render as run

    return run(Path(root), Path(results), Path(out), engine, work)
