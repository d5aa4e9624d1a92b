"""Figures: the same bytes each time, the data beside the picture, text for those who do not see it."""

import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from agency_survey import figures


def draw(data: pd.DataFrame) -> Canvas:
    canvas = Canvas(figsize=(2, 1))
    canvas.subplots().plot(data["x"], data["y"])
    return canvas


def figure(**more) -> figures.Figure:
    data = pd.DataFrame({"x": [1, 2], "y": [0.1 + 0.2, 3]})
    given = {"notes": "n = 2.", "alt": 'A line, "rising",\nfrom 0.3 to 3.', **more}
    return figures.Figure("fig-x", "A caption", data=data, source="the source.", draw=draw, **given)


def test_markdown_has_caption_alternative_text_and_note():
    assert figure().markdown("results/r/figures").splitlines() == [
        "![A caption](results/r/figures/fig-x.png){#fig-x fig-alt=\"A line, 'rising', from 0.3 to 3.\"}",
        "",
        "::: {.figure-note}",
        "n = 2. Source: the source.",
        ":::",
    ]


def test_files_are_the_same_bytes_each_time(tmp_path):
    for name in ("one", "two"):
        figure().write(tmp_path / name)
    pictures = [(tmp_path / name / "fig-x.png").read_bytes() for name in ("one", "two")]
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")
    assert b"Matplotlib" not in pictures[0]
    assert (tmp_path / "one/fig-x.csv").read_text(encoding="utf-8") == "x,y\n1,0.30000000000000004\n2,3.0\n"
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["fig-x.csv", "fig-x.md", "fig-x.png"]


def test_the_picture_is_drawn_from_the_data_beside_it(tmp_path):
    seen = []
    made = figure()
    figures.Figure(
        made.ident, made.caption, made.alt, made.data, made.source, lambda data: (seen.append(data), draw(data))[1]
    ).write(tmp_path)
    assert seen[0] is made.data


def test_what_is_not_available_keeps_its_place_and_says_why(tmp_path):
    made = figures.unavailable("fig-x", "A caption", "Needs LEMAS 2020.", "register.")
    made.write(tmp_path)
    assert "Needs LEMAS 2020." in (tmp_path / "fig-x.csv").read_text(encoding="utf-8")
    assert 'fig-alt="No picture: Needs LEMAS 2020."' in (tmp_path / "fig-x.md").read_text(encoding="utf-8")


def test_a_figure_is_drawn_once_and_as_savefig_would(tmp_path):
    drawn = []

    def twice(data: pd.DataFrame) -> Canvas:
        canvas = draw(data)
        canvas.axes[0].set_title("a title\nin two lines")
        canvas.axes[0].yaxis.set_major_formatter(lambda value, _: drawn.append(value) or f"{value:.0f}")
        return canvas

    figures.Figure("fig-x", "", "", figure().data, "", twice).write(tmp_path)
    once = len(drawn)
    canvas = twice(figure().data)
    canvas.savefig(tmp_path / "saved.png", dpi=200, metadata={"Software": None, "Title": "fig-x"})
    assert (tmp_path / "fig-x.png").read_bytes() == (tmp_path / "saved.png").read_bytes()
    assert 0 < once < len(drawn) - once


def luminance(color: str) -> float:
    """Relative luminance of the Web Content Accessibility Guidelines."""
    parts = (int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("color", figures.PALETTE[:4])
def test_the_first_colours_stand_out_from_white_paper(color):
    """The guidelines ask 3 : 1 of graphics; the lighter hues of the palette come with markers and labels."""
    assert 1.05 / (luminance(color) + 0.05) >= 2.9


def test_every_colour_has_a_marker_of_its_own():
    assert len(set(figures.MARKERS)) == len(figures.MARKERS) == len(set(figures.PALETTE)) == len(figures.PALETTE)
