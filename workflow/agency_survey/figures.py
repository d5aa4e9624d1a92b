"""Figures of the book: one style, colour-blind safe, readable in grey print, the data beside each picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from agency_survey import files

matplotlib.use("Agg")

# Okabe and Ito's colour-blind safe hues in an order of falling lightness contrast for grey print.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]
MARKERS = ["o", "s", "^", "D", "v", "P"]
INK = "#22282E"
WIDTH = 6.6
DPI = 200

HOUSE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#DDE1E5",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def style() -> None:
    """Set seaborn's theme, with the house's colours and sizes, for all figures of the report."""
    from seaborn.rcmod import set_theme

    set_theme(context="paper", style="whitegrid", palette=PALETTE, rc=HOUSE)


@dataclass(frozen=True)
class Figure:
    """A figure: id (``fig-...``), caption, alternative text, the data shown, notes and source, and how to draw it."""

    ident: str
    caption: str
    alt: str
    data: pd.DataFrame
    source: str
    draw: Callable[[pd.DataFrame], matplotlib.figure.Figure]
    notes: str = ""

    def markdown(self, folder: str | Path) -> str:
        """Pandoc figure with alternative text and a div of class figure-note below."""
        alt = self.alt.replace('"', "'").replace("\n", " ")
        note = " ".join(part for part in (self.notes, f"Source: {self.source}") if part)
        picture = f'![{self.caption}]({folder}/{self.ident}.png){{#{self.ident} fig-alt="{alt}"}}'
        return "\n".join([picture, "", "::: {.figure-note}", note, ":::", ""])

    def write(self, folder: str | Path) -> None:
        """Write ``<folder>/<ident>.png``, ``.csv`` and ``.md``."""
        style()
        picture = self.draw(self.data)
        picture.set_dpi(DPI)
        metadata = {"Software": None, "Title": self.ident}
        files.atomic(
            Path(folder) / f"{self.ident}.png",
            # not savefig, which draws every figure with a constrained layout twice
            lambda part: FigureCanvasAgg(picture).print_png(part, metadata=metadata),
        )
        files.write_csv(Path(folder) / f"{self.ident}.csv", self.data)
        files.write_text(Path(folder) / f"{self.ident}.md", self.markdown(folder))


def intervals(axis, part: pd.DataFrame, y, color: str, marker: str, label: str | None = None) -> None:
    """Points of ``share`` with bars from ``low`` to ``high`` (columns of ``part``, shares from 0 to 1) in percent at y.

    A share without limits gets no bar.
    """
    error = 100 * np.abs(np.vstack([part["share"] - part["low"], part["high"] - part["share"]]))
    axis.errorbar(
        100 * part["share"],
        y,
        xerr=np.nan_to_num(error),
        fmt=marker,
        color=color,
        elinewidth=1.3,
        capsize=2.2,
        markersize=4.6,
        label=label,
    )


def unavailable(ident: str, caption: str, reason: str, source: str) -> Figure:
    """Figure that keeps its number and place in the text where its data are not there: the picture says why."""

    def draw(data: pd.DataFrame) -> matplotlib.figure.Figure:
        from matplotlib.figure import Figure as Canvas

        picture = Canvas(figsize=(WIDTH, 1.1))
        picture.text(0.5, 0.5, "\n".join(data["reason"]), ha="center", va="center", wrap=True)
        return picture

    return Figure(ident, caption, f"No picture: {reason}", pd.DataFrame({"reason": [reason]}), source, draw)
