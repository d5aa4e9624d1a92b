"""Staging, the atomic swap, the manifest, and failures that leave the old book whole."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import pytest
from render_book import append, make_root

from agency_survey.errors import InputError
from agency_survey.render import publish, render
from agency_survey.render.dates import build_epoch, long_date


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project root with an old book of one page."""
    folder = make_root(tmp_path / "root")
    book = folder / "reports" / "_book"
    book.mkdir()
    (book / "index.html").write_text("the old book")
    return folder


def run(root: Path, **options) -> dict:
    return render(root, root / "results", root / "reports" / "_book", **{"engine": "bundled", **options})


def assert_old_book(root: Path) -> None:
    assert (root / "reports/_book/index.html").read_text() == "the old book"
    assert sorted(path.name for path in (root / "reports").glob("_book*")) == ["_book"]


def test_the_manifest_describes_every_file(root: Path):
    made = run(root)
    book = root / "reports" / "_book"
    assert json.loads((root / "results/render/manifest.json").read_text()) == made
    assert made["engine"] == "bundled"
    assert set(made["versions"]) == {"pandoc", "typst"}
    assert list(made["files"]) == sorted(made["files"])
    assert set(made["files"]) == {p.relative_to(book).as_posix() for p in book.rglob("*") if p.is_file()}
    for name, entry in made["files"].items():
        data = (book / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert "the old book" not in (book / "index.html").read_text()
    assert sorted(path.name for path in (root / "reports").glob("_book*")) == ["_book"]


def test_a_problem_in_the_sources_leaves_the_old_book(root: Path):
    append(root, "index.qmd", "{{< num none >}}")
    with pytest.raises(InputError, match="unknown number none"):
        run(root)
    assert_old_book(root)
    assert not (root / "results" / "render").exists()


def test_a_failing_engine_leaves_the_old_book(root: Path):
    (root / "reports/_extensions/book/book.typ").write_text("#let book = 1\n")
    with pytest.raises(InputError, match="Typst could not set the PDF"):
        run(root)
    assert_old_book(root)


def test_a_full_disk_leaves_the_old_book(root: Path, monkeypatch):
    real = publish.shutil.copytree

    def full(source, target, *arguments, **options):
        if str(target).endswith("_book.new"):
            Path(target).mkdir()
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return real(source, target, *arguments, **options)

    monkeypatch.setattr(publish.shutil, "copytree", full)
    with pytest.raises(InputError, match="No space left"):
        run(root)
    assert_old_book(root)


def test_a_swap_that_cannot_finish_puts_the_old_book_back(root: Path, monkeypatch):
    real = publish.os.replace

    def refuse(source, target):
        if str(source).endswith("_book.new"):
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
        return real(source, target)

    monkeypatch.setattr(publish.os, "replace", refuse)
    with pytest.raises(InputError, match="cannot be written"):
        run(root)
    assert_old_book(root)


def test_a_swap_that_was_killed_between_its_renames_is_mended(root: Path, monkeypatch):
    (root / "reports/_book").rename(root / "reports/_book.old")
    monkeypatch.setattr(publish.shutil, "copytree", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EIO, "bad")))
    with pytest.raises(OSError, match="bad"):
        publish.swap(root, root / "reports" / "_book")
    assert_old_book(root)


def test_an_out_folder_that_cannot_be_made_is_one_sentence(root: Path, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError) as caught:
        render(root, root / "results", tmp_path / "file" / "_book", engine="bundled")
    assert "\n" not in str(caught.value)


def test_the_work_folder_is_a_complete_book_and_is_made_anew(root: Path, tmp_path: Path):
    work = tmp_path / "work"
    run(root, work=work)
    for name in (
        "_quarto.yml",
        "_engine.md",
        "03-perceptions.qmd",
        "references.bib",
        "_extensions/num/num.lua",
        "results/ledger/printed.json",
        "results/perceptions/figures/fig-rare.md",
        "results/perceptions/figures/fig-rare.png",
        "results/perceptions/tables/tbl-shares.md",
    ):
        assert (work / name).is_file(), name
    assert (work / "_engine.md").read_text().startswith("This book was rendered by the bundled engine (pandoc ")
    (work / "stale.qmd").write_text("# Stale")
    run(root, work=work)
    assert not (work / "stale.qmd").exists()


def test_a_work_folder_with_other_files_is_left_alone(root: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="holds other files"):
        run(root, work=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_an_unknown_engine_is_refused(root: Path):
    with pytest.raises(InputError, match="Engine 'latex' is not known"):
        run(root, engine="latex")


def test_dates_come_from_the_configuration():
    assert long_date("2024-05-06") == "May 6, 2024"
    assert long_date("Spring 2024") == "Spring 2024"


def test_the_epoch_is_the_books_date(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert build_epoch("1980-01-01") == 315532800
    assert build_epoch("2024-05-06") == 1714953600
    with pytest.raises(InputError, match="not of the form"):
        build_epoch("Spring 2024")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert build_epoch("2024-05-06") == 315532800, "a zip cannot hold a time before 1980"
