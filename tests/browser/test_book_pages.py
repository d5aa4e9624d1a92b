"""The bundled engine's pages in a real browser: search, phone width, menu, contrast."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser

PAGES = [
    "index.html",
    "01-introduction.html",
    "02-methods.html",
    "03-perceptions.html",
    "references.html",
    "colophon.html",
    "a-questionnaire.html",
]


def results(dom: str) -> str:
    return re.search(r'<section id="results".*?</section>', dom, re.DOTALL)[0]


def test_a_question_in_the_address_opens_results_from_the_disk(browser):
    found = results(browser.dump("index.html?q=whiskers"))
    assert "hidden" not in found.split(">")[0]
    assert "1 section found for \u201cwhiskers\u201d" in found
    assert 'href="03-perceptions.html"' in found
    assert "<mark>Whiskers</mark>" in found


def test_all_words_must_occur_and_headings_come_first(browser):
    found = results(browser.dump("02-methods.html?q=deep+trimming"))
    assert re.findall(r'href="([^"]+)"', found) == ["02-methods.html#sec-trimming"]
    found = results(browser.dump("02-methods.html?q=weight"))
    assert re.findall(r'href="([^"]+)"', found)[0] == "02-methods.html#sec-weights"


def test_words_that_are_nowhere_and_markup_in_the_question(browser):
    assert "Nothing found for \u201cxylophone\u201d" in results(browser.dump("index.html?q=xylophone"))
    found = results(browser.dump("index.html?q=%3Cimg+src%3Dx%3E"))
    assert "<img" not in found


def test_no_question_shows_the_chapter(browser):
    assert "hidden" in results(browser.dump("index.html")).split(">")[0]


@pytest.mark.parametrize("width", [320, 390, 900, 1400])
def test_no_page_is_wider_than_the_window(browser, width: int):
    script = "(page) => [page.documentElement.scrollWidth, page.documentElement.clientWidth]"
    for page, (content, window) in browser.measure(PAGES, width, script).items():
        assert window == width
        assert content <= window, f"{page} is {content} wide at {width}"


def test_a_wide_table_scrolls_in_its_own_box(browser):
    script = "(page) => { const box = page.querySelector('.table-box'); return [box.scrollWidth, box.clientWidth]; }"
    content, window = browser.measure(["02-methods.html"], 390, script)["02-methods.html"]
    assert content > window


def test_a_picture_keeps_its_size_in_a_box_that_scrolls_on_a_phone(browser):
    script = """(page) => { const box = page.querySelector('.picture');
      return [box.querySelector('img').offsetWidth, box.clientWidth, box.scrollWidth]; }"""
    picture, window, inside = browser.measure(["03-perceptions.html"], 390, script)["03-perceptions.html"]
    assert picture > 600
    assert inside >= picture > window
    picture, window, inside = browser.measure(["03-perceptions.html"], 1400, script)["03-perceptions.html"]
    assert picture <= 58 * 17


def test_the_menu_opens_and_closes_on_a_phone(browser):
    script = """(page) => {
      const button = page.querySelector(".menu"), shown = () => page.getElementById("sidebar").offsetHeight > 0;
      const states = [shown(), button.getAttribute("aria-expanded")];
      button.click();
      states.push(shown(), button.getAttribute("aria-expanded"));
      button.click();
      return [...states, shown()];
    }"""
    states = browser.measure(["index.html"], 390, script)["index.html"]
    assert states == [False, "false", True, "true", False]


def test_everything_is_shown_on_a_wide_screen(browser):
    script = """(page) => [".sidebar", ".page-contents", "main"].map(
      one => page.querySelector(one).getBoundingClientRect().left)"""
    side, contents, main = browser.measure(["01-introduction.html"], 1400, script)["01-introduction.html"]
    assert side < main < contents


CONTRAST = """(page, window) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = colour => { const [r, g, b] = rgb(colour).map(v => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let worst = [21, ""];
  for (const node of page.querySelectorAll("body *")) {
    const own = [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim());
    if (!own || !node.offsetHeight) continue;
    let behind = node;
    while (behind && window.getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") {
      behind = behind.parentElement;
    }
    const back = behind ? window.getComputedStyle(behind).backgroundColor : "white";
    const [a, b] = [light(window.getComputedStyle(node).color), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, node.tagName + "." + node.className];
  }
  return worst;
}"""


@pytest.mark.parametrize("flags", [[], ["--blink-settings=preferredColorScheme=0"]], ids=["light", "dark"])
def test_text_stands_out_from_its_background(browser, flags: list[str]):
    for page, (ratio, where) in browser.measure(PAGES, 1400, CONTRAST, *flags).items():
        assert ratio >= 4.5, f"{page}: {where} has a contrast of {ratio:.2f}"


def test_the_dark_scheme_is_really_dark(browser):
    script = "(page, window) => window.getComputedStyle(page.body).backgroundColor"
    light = browser.measure(["index.html"], 1400, script)["index.html"]
    dark = browser.measure(["index.html"], 1400, script, "--blink-settings=preferredColorScheme=0")["index.html"]
    assert light == "rgb(255, 255, 255)"
    assert dark == "rgb(20, 24, 29)"
