"""The main job from end to end; what reruns after a change is in test_rebuild_matrix.py."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from agency_survey.build import HELD, one_build

pytestmark = pytest.mark.build


def test_full_build_leaves_the_book_and_its_record(built):
    for name in ("index.html", "10-after-the-report.html", "report.pdf", "report.docx"):
        assert (built.folder / "reports/_book" / name).stat().st_size > 1000
        assert name == "10-after-the-report.html" or f"reports/_book/{name}" in built.first.stdout
    record = json.loads((built.folder / "results/build.json").read_text())
    assert f"{len(record['jobs'])} jobs ran" in built.first.stdout
    assert "not recorded" not in built.first.stderr
    rules = set(built.run("snakemake", "--list-rules").stdout.split()) - {"all"}
    assert {"external_data", "ingest", "clean", "weight", "perceptions", "questionnaire", "ledger", "render"} < rules
    assert {job["rule"] for job in record["jobs"]} == rules
    assert all(job["seconds"] >= 0 and job["reason"] for job in record["jobs"])
    kept = {path.stem for path in (built.folder / "results/provenance").glob("[!_]*.json")}
    assert kept == {".".join([job["rule"], *job["wildcards"]]) for job in record["jobs"]}


def test_plain_snakemake_gives_the_same_bytes(fresh, built):
    done = fresh.run("snakemake", "--cores", "2", "--quiet", "all")
    assert done.returncode == 0, done.stderr
    assert fresh.outputs() == built.outputs()


def test_missing_wave_is_named_and_the_build_goes_on(project, lemas, tmp_path):
    if lemas is None:
        pytest.skip("the LEMAS files are not at hand")
    folder = tmp_path / "some"
    folder.mkdir()
    shutil.copyfile(lemas / "lemas_2007.tsv", folder / "lemas_2007.tsv")
    text = (lemas / "lemas_2016.tsv").read_bytes()
    (folder / "lemas_2016.tsv").write_bytes(text.replace(b"\t1\t", b"\t2\t", 1))
    done = project.report(LEMAS_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    assert "Without LEMAS 2016: lemas_2016.tsv is not the file that the register expects" in done.stdout
    assert "Without LEMAS 2020: lemas_2020.tsv is missing" in done.stdout
    page = (project.folder / "reports/_book/10-after-the-report.html").read_text()
    assert "Data that this build lacks" in page
    assert "ICPSR 38651" in page
    numbers = json.loads((project.folder / "results/ledger/numbers.json").read_text())["numbers"]
    assert not [ident for ident in numbers if ident.startswith(("after-the-report.2020", "after-the-report.2016"))]
    assert [ident for ident in numbers if ident.startswith("after-the-report.2007")]


def test_without_any_lemas_file_the_book_still_builds(fresh):
    fresh.lemas = None
    done = fresh.report("--cores", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Without LEMAS") == 3
    assert (fresh.folder / "reports/_book/report.pdf").is_file()


def test_no_lemas_record_reaches_the_book(built, lemas):
    if lemas is None:
        pytest.skip("the LEMAS files are not at hand")
    import csv

    with open(lemas / "lemas_2020.tsv", encoding="latin-1", newline="") as stream:
        records = list(csv.DictReader(stream, delimiter="\t"))
    texts = [
        path.read_text(encoding="utf-8", errors="ignore")
        for base in ("reports/_book", "results/after_the_report", "results/ledger")
        for path in (built.folder / base).rglob("*")
        if path.suffix in (".html", ".js", ".csv", ".md", ".json")
    ]
    text = "\n".join(texts)
    named = [r for r in records if len(r["AGENCYNAME"].split()) > 2][:400]
    assert named
    assert not [r["AGENCYNAME"] for r in named if r["AGENCYNAME"].lower() in text.lower()]
    assert not [r["ORI9"] for r in records if len(r["ORI9"]) == 9 and r["ORI9"] in text]


def test_plain_snakemake_is_refused_while_a_build_is_running(project):
    path = project.folder / "workflow/scripts/ingest_lemas.py"
    path.write_text(path.read_text() + "# a remark\n")
    with one_build(project.folder):
        os.environ.pop(HELD)
        plain = project.run("snakemake", "--cores", "1")
        os.environ[HELD] = "1"
    assert plain.returncode == 1
    assert "Another build is running in this folder" in plain.stderr


def test_plain_snakemake_makes_deleted_results_again(project):
    before = project.outputs()
    shutil.rmtree(project.folder / "results")
    done = project.run("snakemake", "--cores", "2", "--quiet", "all")
    assert done.returncode == 0, done.stderr
    assert project.outputs() == before
