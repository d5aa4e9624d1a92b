"""The three formats of the real book as other programs read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

pytestmark = pytest.mark.build
needs_poppler = pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext (poppler-utils) is not installed")
needs_office = pytest.mark.skipif(not shutil.which("soffice"), reason="soffice (LibreOffice) is not installed")


def captions(built) -> list[str]:
    """'Table 10.3', 'Figure 3.1', ... of the book."""
    found = json.loads((built.folder / "results/render/captions.json").read_text())
    words = {"figure": "Figure", "table": "Table"}
    return [f"{words[entry['kind']]} {entry['number']}" for entry in found if entry["kind"] in words]


def text_of(pdf) -> str:
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True)
    return re.sub(r"\s+", " ", done.stdout)


@needs_poppler
def test_pdf_holds_every_numbered_exhibit_and_no_unresolved_mark(built):
    text = text_of(built.folder / "reports/_book/report.pdf")
    assert not [caption for caption in captions(built) if f"{caption}:" not in text]
    assert "{{<" not in text
    assert "??" not in text


@needs_poppler
def test_no_word_of_the_pdf_stands_outside_the_margins(built):
    """So no table is wider than its page; the margins are 1.1 inches of a page of 8.5, and punctuation hangs into them."""
    command = ["pdftotext", "-bbox", str(built.folder / "reports/_book/report.pdf"), "-"]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</word>', page)
    assert len(words) > 10_000
    assert not [word for left, right, word in words if float(left) < 76 or float(right) > 612 - 76]


@needs_poppler
def test_the_synthetic_notice_is_on_every_page_of_the_pdf(built):
    config = yaml.safe_load((built.folder / "reports/_quarto.yml").read_text())
    opening = config["synthetic-notice"].split(":")[0]
    done = subprocess.run(
        ["pdftotext", str(built.folder / "reports/_book/report.pdf"), "-"], capture_output=True, text=True, check=True
    )
    pages = [" ".join(page.split()) for page in done.stdout.split("\f")[:-1]]
    assert len(pages) > 50
    assert not [number for number, page in enumerate(pages, 1) if opening not in page]


def printed(value: float) -> set[str]:
    """A number of a figure's data as its alternative text may print it."""
    return {f"{abs(scale * value):,.{places}f}" for scale in (1, 100) for places in range(4)}


def test_alternative_texts_give_numbers_of_the_figures_data(built):
    """Three numbers of the data at least in each text; zero and one could be anything."""
    figures = sorted((built.folder / "results").glob("*/figures/*.md"))
    assert len(figures) > 30
    for path in figures:
        alt = re.search(r'fig-alt="([^"]*)"', path.read_text(encoding="utf-8"))[1]
        data = pd.read_csv(path.with_suffix(".csv")).select_dtypes("number").to_numpy(float).ravel()
        if alt.startswith("No picture:") or not data.size:  # a picture of names alone: the build's rules
            continue
        wanted = set().union(*map(printed, data[np.isfinite(data)])) - {"0", "1"}
        said = set(re.findall(r"\d[\d,]*(?:\.\d+)?", alt))
        assert len({one.rstrip(",") for one in said} & wanted) >= 3, path.name


@needs_office
@needs_poppler
def test_word_file_opens_elsewhere_with_its_exhibits(built, tmp_path):
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(tmp_path),
            str(built.folder / "reports/_book/report.docx"),
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )
    text = text_of(tmp_path / "report.pdf")
    assert not [caption for caption in captions(built) if f"{caption}:" not in text]


def test_word_file_has_heading_caption_and_table_styles(built):
    with zipfile.ZipFile(built.folder / "reports/_book/report.docx") as archive:
        body = archive.read("word/document.xml").decode()
    for style in ("Title", "Heading1", "Heading2", "TableCaption", "ImageCaption"):
        assert f'w:val="{style}"' in body, style
    pictures = re.findall(r"<wp:docPr[^>]*>", body)
    assert pictures
    assert all(re.search(r'descr="[^"]{20,}', picture) for picture in pictures)
    assert body.count("<w:tblHeader") >= len([caption for caption in captions(built) if caption.startswith("Table")])


def test_every_exhibit_of_the_book_has_caption_source_and_alternative_text(built):
    pages = "".join(p.read_text(encoding="utf-8") for p in (built.folder / "reports/_book").glob("*.html"))
    assert len(re.findall(r"<img [^>]*alt=\"[^\"]{20,}\"", pages)) == pages.count("<img ")
    notes = re.findall(r'<div class="(?:table|figure)-note">(.*?)</div>', pages, flags=re.S)
    assert len(notes) == len(captions(built))
    assert all("Source:" in note for note in notes)
