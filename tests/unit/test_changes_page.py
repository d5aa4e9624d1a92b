"""The comparison for people: the page, the terminal, the JSON, and the base that it is made with."""

from __future__ import annotations

import base64
import json
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from itertools import pairwise

import jsonschema
import pytest
import small_results as small

from agency_survey import changes, provenance
from agency_survey.changes import command, state
from agency_survey.errors import InputError


@pytest.fixture
def root(tmp_path):
    return small.project(tmp_path / "project")


@pytest.fixture
def accepted(root, monkeypatch):
    monkeypatch.setattr(provenance, "status", lambda root: [])
    changes.accept(root)
    return root


def move(root):
    """A correction that moves numbers, a table, a figure and a sentence, and crosses both lines."""
    with open(root / "data/corrections.csv", "a", encoding="utf-8") as stream:
        stream.write("C0002,part1,A1,q1,4,1\n")
    small.edit_number(root, "alpha.rare", value=0.44, text={"value": "44.0%"})
    small.edit_number(root, "alpha.gap.p", value=0.06, text={"value": "0.060"})
    small.edit_number(root, "alpha.hidden", value=0.3, text={"value": "30.0%"})
    small.edit(root, "results/alpha/numbers.json", "0.4331", "0.44")
    small.edit(root, "results/alpha/tables/tbl-a.csv", "0.5,0.05", "0.51,0.05")
    small.edit(root, "results/alpha/tables/tbl-a.md", "50.0\\*", "51.0\\*")
    small.edit(root, "results/alpha/figures/fig-a.csv", "0.4", "0.41")
    small.write(root / "results/alpha/figures/fig-a.png", small.png(20))
    small.write(root / "results/clean/part1.csv", "a\n2\n")
    small.record(root)


def page(root):
    """The page as a tree: it is written as XML, so that a tag left open fails here."""
    text = (root / command.FOLDER / "index.html").read_text(encoding="utf-8")
    return text, ET.fromstring(text.removeprefix("<!DOCTYPE html>"))


def test_what_moved_is_said_with_the_lines_first(accepted):
    move(accepted)
    said = command.show(accepted)
    assert re.search(r"entry C0002 entered \(part1 A1 q1, 4 -> 1\)\s+moved all of it", said)
    assert said.index("Significance crossed: 1") < said.index("Shown, marked or hidden otherwise: 1")
    assert said.index("Headline numbers (first page): 1") > said.index("Shown, marked")
    assert "Rare (all) [alpha.rare]\n      43.3% -> 44.0%  (+0.69 points, +0.69 se)" in said
    assert re.search(r"^3 Alpha things +3 +1 +1 +2 +1 +1$", said, flags=re.M)


def test_the_json_is_as_its_schema_says(accepted):
    move(accepted)
    command.show(accepted)
    found = json.loads((accepted / command.FOLDER / "changes.json").read_text())
    path = state.Path(changes.__file__).parents[2] / "schemas/changes.schema.json"
    jsonschema.validate(found, json.loads(path.read_text()))
    assert {item["kind"] for item in found["moved"]} == {"number", "printed", "cell", "figure", "picture", "text"}
    assert [cause["kind"] for cause in found["causes"]] == ["correction"]
    assert all(item["causes"] == [0] for item in found["moved"])


def test_the_page_is_whole_and_needs_nothing_else(accepted):
    move(accepted)
    command.show(accepted)
    text, tree = page(accepted)
    assert not re.search(r"(?:https?:)?//[a-z]|url\(|@import|<link|src=\"(?!data:)", text)
    pictures = [node.get("src") for node in tree.iter("img")]
    assert [base64.b64decode(one.split(",", 1)[1]) for one in pictures] == [small.png(10), small.png(20)]
    assert [node.get("alt") for node in tree.iter("img")] == ["Before. Two bars <of> sizes", "Now. Two bars <of> sizes"]
    assert "All synthetic." in text
    assert tree.get("lang") == "en"
    levels = [int(node.tag[1]) for node in tree.iter() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    idents = [node.get("id") for node in tree.iter() if node.get("id")]
    assert len(idents) == len(set(idents))
    links = [node.get("href")[1:] for node in tree.iter("a")]
    assert set(links) <= set(idents)
    for table in tree.iter("table"):
        heads = table.findall("./thead/tr/th")
        assert all(len(list(row)) == len(heads) for row in table.findall("./tbody/tr"))


def test_the_page_marks_what_crosses_and_what_went(accepted):
    move(accepted)
    command.show(accepted)
    _, tree = page(accepted)
    crossing = [row for row in tree.iter("tr") if "significance" in (row.get("data-crosses") or "").split()]
    assert any("alpha.gap.p" in "".join(row.itertext()) for row in crossing)
    went = ["".join(node.itertext()) for node in tree.iter("del")]
    came = ["".join(node.itertext()) for node in tree.iter("ins")]
    assert "50.0* (40.0\N{EN DASH}60.0)" in went
    assert "51.0* (40.0\N{EN DASH}60.0)" in came
    assert "43.3%." in went


def test_text_of_the_results_is_escaped(accepted):
    small.edit(accepted, "results/alpha/tables/tbl-a.md", "Small | 30", "<script>alert(1)</script> | 30")
    small.edit(accepted, "reports/index.qmd", "The share", "The <img src=x> & share")
    command.show(accepted)
    text, tree = page(accepted)
    assert "<script>alert" not in text
    assert not list(tree.iter("img"))


def test_nothing_moved_is_said_so(accepted):
    assert "Nothing of the report moved." in command.show(accepted)
    _, tree = page(accepted)
    assert tree.find(".//h1").text == "Nothing of the report moved"
    assert changes.brief(accepted) is None


def test_results_of_other_files_are_said_to_be_so(accepted, monkeypatch):
    monkeypatch.setattr(provenance, "status", lambda root: ["data/corrections.csv changed (clean).", "more"])
    said = command.show(accepted)
    assert "The results here are not of the files as they are now: data/corrections.csv changed (clean)." in said
    assert "more" not in said


def test_the_line_below_a_build(accepted):
    small.edit(accepted, "results/alpha/tables/tbl-a.md", "by size", "by their size")
    assert changes.brief(accepted) == (
        "No number of the report moved since the accepted build, but 1 table, figure or text did: make changes"
    )
    small.edit_number(accepted, "alpha.rare", value=0.44, text={"value": "44.0%"})
    assert changes.brief(accepted) == "1 number of the report moved since the accepted build: make changes"
    small.edit_number(accepted, "alpha.odds", value=1.6, text={"value": "1.60"})
    assert changes.brief(accepted).startswith("2 numbers of the report moved")


def test_the_first_build_becomes_the_base_and_later_ones_do_not(root, monkeypatch):
    monkeypatch.setattr(provenance, "status", lambda root: [])
    assert "kept as the base" in changes.after_build(root)
    small.edit_number(root, "alpha.rare", value=0.44, text={"value": "44.0%"})
    assert changes.after_build(root).startswith("1 number")
    assert "Rare (all)" in command.show(root)


def test_accepting_keeps_no_record_and_replaces_the_whole_folder(accepted):
    names = {path.relative_to(accepted / "accepted").as_posix() for path in (accepted / "accepted").rglob("*.*")}
    assert {"accepted.json", "results/build.json", "results/alpha/figures/fig-a.png", "data/corrections.csv"} <= names
    assert not [name for name in names if name.startswith(("data/raw", "data/frame", "results/clean"))]
    small.write(accepted / "accepted/results/alpha/tables/tbl-old.md", small.PRINTED)
    small.edit_number(accepted, "alpha.rare", value=0.44, text={"value": "44.0%"})
    changes.accept(accepted)
    assert not (accepted / "accepted/results/alpha/tables/tbl-old.md").exists()
    assert "Nothing of the report moved." in command.show(accepted)
    assert sorted(path.name for path in accepted.glob(".accepted*")) == []


def test_a_build_that_is_not_current_is_not_accepted(accepted, monkeypatch):
    before = (accepted / "accepted/accepted.json").read_bytes()
    monkeypatch.setattr(provenance, "status", lambda root: ["No build has finished here."])
    with pytest.raises(InputError, match=r"cannot be accepted: No build has finished here.*Run `make report` first"):
        changes.accept(accepted)
    assert (accepted / "accepted/accepted.json").read_bytes() == before


def test_a_base_that_was_being_replaced_still_counts(accepted):
    (accepted / "accepted").rename(accepted / ".accepted.old")
    assert "Nothing of the report moved." in command.show(accepted)


@pytest.mark.parametrize("shape", ["project", "results", "accepted", "unpacked", "zip"])
def test_any_build_may_be_the_base(accepted, tmp_path, shape):
    other = small.copy(accepted, "other")
    move(accepted)
    named = {"project": other, "results": other / "results", "accepted": other / "accepted"}.get(shape)
    if named is None:
        packed = tmp_path / "package"
        shutil.copytree(other, packed / "top/data")
        named = packed / "top"
        if shape == "zip":
            named = tmp_path / "package.zip"
            with zipfile.ZipFile(named, "w") as package:
                for path in packed.rglob("*.*"):
                    if path.is_file():
                        package.write(path, path.relative_to(packed))
                package.writestr("top/data/config/../../../../escaped.yaml", "x: 1")
    said = command.show(accepted, str(named))
    assert "entry C0002 entered" in said
    assert str(named) in said
    assert not list(tmp_path.parent.rglob("escaped.yaml"))


def test_a_package_keeps_its_records_in_one_file(accepted, tmp_path):
    packed = small.copy(accepted, "packed")
    paths = sorted((packed / "results/provenance").glob("*.json"))
    records = [{"name": path.stem, **json.loads(path.read_text())} for path in paths]
    small.write(packed / "provenance/jobs.json", json.dumps(records))
    shutil.rmtree(packed / "results/provenance")
    (packed / "results/build.json").unlink()
    move(accepted)
    for shape in (packed, tmp_path / "package.zip"):
        if shape.suffix:
            shutil.make_archive(str(shape.with_suffix("")), "zip", packed)
        assert "entry C0002 entered" in command.show(accepted, str(shape))


def test_results_alone_may_be_the_base(accepted, tmp_path):
    bare = tmp_path / "elsewhere"
    shutil.copytree(accepted / "results", bare)
    shutil.rmtree(bare / "provenance")
    assert "Nothing of the report moved." in command.show(accepted, str(bare))
    move(accepted)
    said = command.show(accepted, str(bare))
    assert "What moved it is not known" in said
    found = json.loads((accepted / command.FOLDER / "changes.json").read_text())
    assert [item["chapter"] for item in found["moved"] if item["kind"] == "text"] == ["03-alpha.qmd"]


def test_a_base_without_results_is_refused_with_one_sentence(accepted, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as package:
        package.writestr("a.txt", "x")
    for given, sentence in {
        "nowhere": "BASE is not there",
        str(empty): "BASE holds no results",
        str(tmp_path / "text.zip"): "neither a folder nor a zip file",
        str(tmp_path / "other.zip"): "a package without results",
    }.items():
        with pytest.raises(InputError, match=sentence) as caught:
            command.show(accepted, given)
        assert given in str(caught.value)


def test_without_a_base_or_results_one_sentence_says_what_to_do(root, tmp_path):
    with pytest.raises(InputError, match=r"no accepted build to compare with.*make accept"):
        command.show(root)
    with pytest.raises(InputError, match=r"no results yet.*make report"):
        command.show(tmp_path)
