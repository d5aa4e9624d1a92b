"""The three formats of the real book as other programs read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile

import pytest

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
