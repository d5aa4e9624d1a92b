"""Command lines of the rules' scripts: named files, an output folder and one plain dict of settings."""

from __future__ import annotations

import argparse
import ast


def parser(description: str | None) -> argparse.ArgumentParser:
    """Parser with ``--settings`` (a Python literal, as rules pass their params) and ``--out`` (file or folder)."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--settings", type=ast.literal_eval, default={}, help="settings as a Python dict literal")
    made.add_argument("--out", required=True, help="the file or folder to write")
    return made
