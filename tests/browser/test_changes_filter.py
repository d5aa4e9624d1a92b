"""The page of `make changes` in a real browser: nothing is cut off, and the filter shows what crosses a line."""

from __future__ import annotations

import pytest
import small_results as small

from agency_survey import changes, provenance
from agency_survey.changes import command

pytestmark = pytest.mark.browser

SHOWN = """(page) => {
  const shown = node => Boolean(node.offsetParent);
  const rows = [...page.querySelectorAll("tr[data-crosses]")].filter(shown).map(row => row.dataset.crosses);
  const texts = [...page.querySelectorAll(".sentences li, .pictures")].filter(shown).length;
  const heads = [...page.querySelectorAll("h3")].filter(shown).map(head => head.textContent);
  return {rows, texts, heads, said: page.querySelector("output").textContent};
}"""


@pytest.fixture
def page(browser, tmp_path, monkeypatch):
    """A browser on the page of a project in which numbers, a picture and a cell moved; one p-value crosses its line."""
    root = small.project(tmp_path / "project")
    monkeypatch.setattr(provenance, "status", lambda root: [])
    changes.accept(root)
    small.edit_number(root, "alpha.gap.p", value=0.06, text={"value": "0.060"})
    small.edit_number(root, "alpha.rare", value=0.44, text={"value": "44.0%"})
    small.edit(root, "results/alpha/tables/tbl-a.csv", ",0.04\n", ",0.06\n")
    small.edit(root, "results/alpha/tables/tbl-a.md", "40.0 (36.0", "40.1 (36.0")
    small.write(root / "results/alpha/figures/fig-a.png", small.png(20))
    command.show(root)
    return type(browser)(browser.program, root / command.FOLDER, tmp_path)


@pytest.mark.parametrize("width", [320, 390, 1400])
def test_the_page_is_not_wider_than_the_window(page, width):
    script = "(page) => [page.documentElement.scrollWidth, page.documentElement.clientWidth]"
    content, window = page.measure(["index.html"], width, script)["index.html"]
    assert content <= window == width


def test_the_filter_shows_what_crosses_significance_and_all_again(page):
    choose = "page.querySelector('input[value=\"significance\"]').click(); "
    everything = page.measure(["index.html"], 1200, SHOWN)["index.html"]
    assert "" in everything["rows"] or "rounding" in everything["rows"]
    assert everything["texts"] == 4
    script = SHOWN.replace("=> {", "=> { " + choose, 1)
    found = page.measure(["index.html"], 1200, script)["index.html"]
    assert found["rows"]
    assert all("significance" in row.split() for row in found["rows"])
    assert found["texts"] == 0
    assert found["heads"] == ["Numbers", "Agencies, by size (synthetic stand-in) tbl-a"]
    # the number and the cell of its table, and the list of lines crossed
    assert found["said"] == "3 entries"
    back = "page.querySelector('input[value=\"\"]').click(); "
    again = page.measure(["index.html"], 1200, SHOWN.replace("=> {", "=> { " + choose + back, 1))["index.html"]
    assert again == everything


def test_a_closed_list_opens_for_what_the_filter_finds_in_it(page):
    script = """(page) => {
      const list = [...page.querySelectorAll("details")].find(node => node.querySelector("[data-crosses=significance]"));
      const before = list.open;
      page.querySelector('input[value="significance"]').click();
      return [before, list.open];
    }"""
    assert page.measure(["index.html"], 1200, script)["index.html"] == [False, True]
