"""The bundled engine's three documents: what is in them, and that their bytes depend on the sources alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from render_book import REPOSITORY, append, captions, make_root, replace

from agency_survey.errors import InputError
from agency_survey.render import render
from agency_survey.render.source import read_book
from agency_survey.render.widths import column_widths

PAGES = [
    "index",
    "01-introduction",
    "02-methods",
    "03-perceptions",
    "references",
    "colophon",
    "a-questionnaire",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A project root with its book rendered."""
    folder = make_root(tmp_path_factory.mktemp("bundled") / "root")
    render(folder, folder / "results", folder / "reports" / "_book", engine="bundled")
    return folder


def page(root: Path, name: str) -> str:
    return (root / "reports" / "_book" / f"{name}.html").read_text(encoding="utf-8")


def docx(root: Path, part: str) -> str:
    with zipfile.ZipFile(root / "reports" / "_book" / "report.docx") as archive:
        return archive.read(part).decode("utf-8")


def pdf_text(root: Path, *options: str) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    command = ["pdftotext", *options, str(root / "reports" / "_book" / "report.pdf"), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_book_has_quartos_file_names(root: Path):
    made = {path.relative_to(root / "reports" / "_book").as_posix() for path in (root / "reports/_book").rglob("*")}
    assert {f"{name}.html" for name in PAGES} <= made
    assert {"report.pdf", "report.docx", "results/perceptions/figures/fig-rare.png"} <= made


def test_captions_are_numbered_as_in_a_book(root: Path):
    found = {(entry["kind"], entry["number"]): entry["id"] for entry in captions(root)}
    assert found["figure", "3.1"] == "fig-rare"
    assert found["table", "2.1"] == "tbl-wide"
    assert found["table", "3.2"] == "tbl-typed"
    assert found["table", "A.1"] == "tbl-items"
    assert found["section", "2.1.1"] == "sec-trimming"
    assert found["section", "A"] == "sec-questionnaire"
    assert not any(kind == "section" and name in ("sec-deeper", "sec-new") for (kind, _), name in found.items())


class Links(HTMLParser):
    """All ids, links and heading levels of a page, and its addresses of other files."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.files: list[str] = []
        self.levels: list[int] = []
        self.alts: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        elif values.get("src") or values.get("href"):
            self.files.append(values.get("src") or values["href"])
        if tag == "img":
            self.alts.append(values.get("alt"))
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))


def test_every_link_of_every_page_leads_somewhere(root: Path):
    book = root / "reports" / "_book"
    pages = {f"{name}.html": Links(page(root, name)) for name in PAGES}
    for name, found in pages.items():
        assert len(found.ids) == len(set(found.ids)), f"{name} has an id twice"
        for link in found.links:
            if link.startswith("https://example.org"):
                continue
            file, _, anchor = link.partition("#")
            assert (book / (file or name)).is_file(), f"{name}: {link}"
            assert not anchor or anchor in pages[file or name].ids, f"{name}: {link}"
        for file in found.files:
            assert (book / file).is_file(), f"{name} asks for {file}, which is not in the book"


def test_pages_are_accessible(root: Path):
    for name in PAGES:
        text, found = page(root, name), Links(page(root, name))
        assert '<html lang="en">' in text
        assert found.links[0] == "#content"
        assert 'id="content"' in text
        assert found.levels[0] == 1
        assert found.levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(found.levels, found.levels[1:], strict=False))
        assert all(found.alts)
        assert text.count('aria-current="page"') == 1


def test_tables_name_their_columns_and_rows(root: Path):
    text = "".join(page(root, name) for name in PAGES)
    heads = re.findall(r"<thead>.*?</thead>", text, flags=re.DOTALL)
    bodies = re.findall(r"<tbody>.*?</tbody>", text, flags=re.DOTALL)
    assert len(heads) == len(bodies) == 4
    assert all(head.count('<th scope="col"') == len(re.findall("<th[ >]", head)) > 1 for head in heads)
    assert all(body.count('<th scope="row"') == body.count("<tr") > 0 for body in bodies)


def test_pictures_lead_to_their_files(root: Path):
    found = re.findall(
        r'<figure[^>]*>\s*<a href="([^"]+)"\s+class="picture">\s*<img\s+src="([^"]+)"', page(root, "03-perceptions")
    )
    assert found
    assert all(link == source for link, source in found)


def test_numbers_citations_notes_and_formulas_are_in_the_page(root: Path):
    text = page(root, "index")
    number = re.search(r'<span class="num"[^>]*>43\.3%</span>', text)
    assert number
    assert 'data-id="perceptions.rare.all"' in number[0]
    assert 'data-rule="perceptions"' in number[0]
    assert "Share that sees trafficking as rare; all agencies; n = 2,075" in number[0]
    introduction = page(root, "01-introduction")
    assert '(<a href="references.html#ref-farrell2008"' in introduction
    assert "Farrell et al. 2008" in introduction
    assert 'id="fn1"' in introduction
    assert "<math" in introduction
    assert 'role="note"' in introduction
    assert "A titled note" in introduction
    assert "(2.1)" in re.sub(r"<[^>]+>", "", page(root, "02-methods"))
    assert "{{&lt; num id &gt;}}" in page(root, "colophon")
    assert "bundled engine (pandoc " in page(root, "colophon")
    assert "Every record behind this fixture is invented." in page(root, "03-perceptions")


def test_the_search_index_covers_every_section(root: Path):
    index = (root / "reports/_book/site/search-index.js").read_text(encoding="utf-8")
    assert index.startswith("window.bookSearch([")
    for address in ("03-perceptions.html#sec-size", "a-questionnaire.html#sec-part-one", "index.html"):
        assert f'"u":"{address}"' in index
    assert "Whiskers are 95 % intervals" in index


def test_the_pdf_has_title_contents_captions_and_appendix(root: Path):
    text = " ".join(pdf_text(root).split())
    for wanted in (
        "A Fixture Book For the tests of the render room The fixture project May 6, 2024",
        "Synthetic data. Every record behind this fixture is invented.",
        "Contents",
        "Figure 3.1: Agencies that see trafficking as rare, by size",
        "Table 2.1: A long and wide table that breaks over pages",
        "Table A.1: Items",
        "Appendix A Questionnaire",
        "(Farrell et al. 2008, 12; see also Kish 1965)",
    ):
        assert wanted in text
    assert text.index("Table 3.1: Perceived") < text.index("Rare or non-existent (%)")


def test_the_pdf_repeats_table_heads_and_numbers_pages(root: Path):
    pages = pdf_text(root, "-layout").split("\f")
    with_table = [text for text in pages if "Class " in text and "43.3" not in text]
    assert len(with_table) >= 2
    assert all("Agency" in text for text in with_table)
    assert pages[1].split()[-1] == "2"
    assert "Survey methods and a title" in pages[with_table and pages.index(with_table[1])]


def test_the_pdf_is_tagged_and_embeds_its_fonts(root: Path):
    if shutil.which("pdfinfo") is None or shutil.which("pdffonts") is None:
        pytest.skip("pdfinfo is not installed")
    file = str(root / "reports" / "_book" / "report.pdf")
    info = subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Title:\s+A Fixture Book", info)
    assert re.search(r"Author:\s+The fixture project", info)
    assert re.search(r"Tagged:\s+yes", info)
    fonts = subprocess.run(["pdffonts", file], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    families = {line.split()[0].split("+")[-1].split("-")[0] for line in fonts}
    assert families <= {"LibertinusSerif", "DejaVuSansMono", "NewCMMath", "NewCM10"}, families
    data = Path(file).read_bytes()
    assert b"/Lang" in data


def test_the_docx_has_real_styles_captions_and_headers(root: Path):
    body, styles = docx(root, "word/document.xml"), docx(root, "word/styles.xml")
    used = set(re.findall(r'<w:pStyle w:val="([^"]+)"', body))
    wanted = "Title Subtitle Author Date Notice TOCHeading TOC1 TOC2 Heading1 Heading2 Heading3"
    wanted += " TableCaption ImageCaption CaptionedFigure ExhibitNote Callout CalloutTitle Bibliography"
    assert set(wanted.split()) <= used
    defined = re.findall(r'w:styleId="([^"]+)"', styles)
    assert used <= set(defined)
    assert len(defined) == len(set(defined))
    assert body.count("<w:tblHeader") == body.count("<w:tbl>") == 4
    assert "w:headerReference" in body
    assert "A Fixture Book" in docx(root, "word/header1.xml")
    assert "PAGE" in docx(root, "word/footer1.xml")


def test_the_docx_links_and_pictures(root: Path):
    body = docx(root, "word/document.xml")
    anchors = set(re.findall(r'<w:hyperlink w:anchor="([^"]+)"', body))
    marks = re.findall(r'<w:bookmarkStart [^>]*w:name="([^"]+)"', body)
    assert anchors
    assert anchors <= set(marks)
    assert len(marks) == len(set(marks))
    assert re.search(r'<wp:docPr[^>]*descr="Bars that fall from 60 % in the smallest', body)
    assert "results/perceptions/figures" not in "".join(re.findall(r'descr="([^"]*)"', body))


def test_the_docx_counts_and_finds_pages_by_fields(root: Path):
    body = docx(root, "word/document.xml")
    for kind in ("begin", "separate", "end"):
        assert body.count(f'fldCharType="{kind}"') == body.count("<w:instrText")
    pages = re.findall(r"PAGEREF (\S+) ", body)
    entries = re.findall(r'<w:pStyle w:val="TOC[12]"', body)
    assert len(pages) == len(entries) > 5
    assert all(body.count(f'w:name="{name}"') == 1 for name in pages)
    numbers = re.findall(r'w:id="(\d+)"[^>]*w:name=|<w:bookmarkStart w:id="(\d+)"', body)
    assert len(numbers) == len(set(numbers))
    assert '<w:updateFields w:val="true"' in docx(root, "word/settings.xml")


def test_the_docx_captions_count_to_their_numbers(root: Path):
    """Word's count of each sequence, restarted where the field says so, gives the numbers that the captions show."""
    body = docx(root, "word/document.xml")
    field = r"SEQ (\w+) \\\* ARABIC( \\r 1)? </w:instrText>.*?<w:t>(\d+)</w:t>"
    counts: dict[str, int] = {}
    found = re.findall(field, body)
    shown = json.loads((root / "results/render/captions.json").read_text())
    assert len(found) == len([one for one in shown if one["kind"] in ("figure", "table")]) > 4
    for kind, restart, number in found:
        counts[kind] = 1 if restart else counts[kind] + 1
        assert counts[kind] == int(number)


def test_the_docx_keeps_short_tables_with_their_notes(root: Path):
    body = docx(root, "word/document.xml")
    for table in re.findall(r"<w:tbl>.*?</w:tbl>", body, flags=re.DOTALL):
        rows = re.findall(r"<w:tr>.*?</w:tr>", table, flags=re.DOTALL)
        kept = [row.count("<w:keepNext/>") == row.count("<w:pPr>") > 0 for row in rows]
        loose = [at for at, one in enumerate(kept) if not one]
        assert loose == ([] if len(rows) <= 14 else list(range(2, len(rows) - 2)))


def test_the_synthetic_notice_is_on_every_page(root: Path):
    notice = read_book(root / "reports").running_notice
    assert notice == "Every record behind this fixture is invented."
    assert notice in docx(root, "word/footer1.xml")
    for page in range(2, 6):
        command = [
            "pdftotext",
            "-f",
            str(page),
            "-l",
            str(page),
            "-layout",
            str(root / "reports/_book/report.pdf"),
            "-",
        ]
        assert notice in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_columns_share_the_width_by_content():
    def cell(text: str) -> list:
        return [["", [], []], {}, 1, 1, [{"t": "Plain", "c": [{"t": "Str", "c": text}]}]]

    head = [["", [], []], [[["", [], []], [cell("A"), cell("B")]]]]
    body = [["", [], []], 0, [], [[["", [], []], [cell("x" * 29), cell("y" * 9)]]]]
    assert column_widths([head, [body], [["", [], []], []]]) == [0.75, 0.25]


def test_the_docx_zip_is_in_order(root: Path):
    with zipfile.ZipFile(root / "reports" / "_book" / "report.docx") as archive:
        entries = archive.infolist()
    assert entries[0].filename == "[Content_Types].xml"
    assert {entry.date_time for entry in entries} == {(2024, 5, 6, 0, 0, 0)}


def test_the_same_bytes_anywhere(root: Path, tmp_path: Path):
    other = make_root(tmp_path / "another place" / "root")
    code = (
        "import sys; from pathlib import Path; from agency_survey.render import render; root = Path(sys.argv[1]); "
        "render(root, root / 'results', root / 'reports/_book', 'bundled', root / 'wörk')"
    )
    environment = {
        **{key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"},
        "PYTHONPATH": str(REPOSITORY / "workflow"),
        "PYTHONHASHSEED": "7",
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "LANG": "C",
    }
    subprocess.run([sys.executable, "-c", code, str(other)], env=environment, check=True)
    first = (root / "results/render/manifest.json").read_text()
    assert (other / "results/render/manifest.json").read_text() == first


def test_source_date_epoch_is_honoured(tmp_path: Path, monkeypatch):
    root = make_root(tmp_path / "root")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    render(root, root / "results", root / "reports" / "_book", "bundled")
    assert "2023-11-14T22:13:20Z" in docx(root, "docProps/core.xml")
    assert b"D:20231114" in (root / "reports/_book/report.pdf").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH is 'yesterday'"):
        render(root, root / "results", root / "reports" / "_book", "bundled")


def test_pandocs_warnings_are_errors(tmp_path: Path):
    root = make_root(tmp_path / "root")
    append(root, "01-introduction.qmd", "$\\notacommand{x}{$")
    with pytest.raises(InputError, match="Pandoc could not convert"):
        render(root, root / "results", root / "reports" / "_book", "bundled")


def test_citations_need_a_place_for_the_bibliography(tmp_path: Path):
    root = make_root(tmp_path / "root")
    replace(root, "reports/references.qmd", "::: {#refs}\n:::", "None.")
    with pytest.raises(InputError, match="bibliography has no place"):
        render(root, root / "results", root / "reports" / "_book", "bundled")
