"""Which engine a build uses: decided once, when the workflow is read, and kept as a parameter of the render rule."""

from __future__ import annotations

from agency_survey.errors import InputError

from . import quarto


def engine_in_use(wanted: str) -> dict[str, str]:
    """Engine and version for a setting of auto, quarto or bundled; the version is empty for the bundled engine.

    Raises InputError when Quarto is asked for and not found.
    """
    program = None if wanted == "bundled" else quarto.find_quarto()
    if program is None:
        if wanted == "quarto":
            raise InputError("Quarto was not found", fix="Run `make quarto`, set QUARTO_PATH, or set engine: bundled")
        return {"engine": "bundled", "version": ""}
    return {"engine": "quarto", "version": quarto.versions(program)["Quarto"]}
