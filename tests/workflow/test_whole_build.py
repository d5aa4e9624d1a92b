"""The main job from end to end, and what reruns after a change."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agency_survey import imports
from agency_survey.build import HELD, one_build

pytestmark = pytest.mark.build


def test_full_build_leaves_the_book_and_its_record(built):
    for name in ("index.html", "10-after-the-report.html", "report.pdf", "report.docx"):
        assert (built.folder / "reports/_book" / name).stat().st_size > 1000
        assert name == "10-after-the-report.html" or f"reports/_book/{name}" in built.first.stdout
    record = json.loads((built.folder / "results/build.json").read_text())
    assert f"{len(record['jobs'])} jobs ran" in built.first.stdout
    rules = set(built.run("snakemake", "--list-rules").stdout.split()) - {"all"}
    assert {"external_data", "ingest", "clean", "weight", "perceptions", "questionnaire", "ledger", "render"} < rules
    assert {job["rule"] for job in record["jobs"]} == rules
    assert all(job["seconds"] >= 0 and job["reason"] for job in record["jobs"])
    kept = {path.stem for path in (built.folder / "results/provenance").glob("[!_]*.json")}
    assert kept == {".".join([job["rule"], *job["wildcards"]]) for job in record["jobs"]}


def test_second_build_runs_no_job(project):
    done = project.report()
    assert done.returncode == 0, done.stderr
    assert "no job ran" in done.stdout
    assert project.jobs() == set()


def test_touch_and_move_run_no_job(project, tmp_path):
    for path in project.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)
    moved = type(project)(tmp_path / "elsewhere", project.lemas)
    shutil.move(project.folder, moved.folder)
    done = moved.report()
    assert done.returncode == 0, done.stderr
    assert moved.jobs() == set()


def test_plain_snakemake_gives_the_same_bytes(fresh, built):
    done = fresh.run("snakemake", "--cores", "2", "--quiet", "all")
    assert done.returncode == 0, done.stderr
    assert fresh.outputs() == built.outputs()


def test_other_folder_cores_time_zone_and_locale_give_the_same_bytes(fresh, built):
    done = fresh.report("--cores", "1", TZ="Asia/Tokyo", LC_ALL="de_DE.UTF-8", PYTHONHASHSEED="77")
    assert done.returncode == 0, done.stderr
    assert fresh.outputs() == built.outputs()


def test_comment_in_a_script_runs_that_job_and_stops(project):
    path = project.folder / "workflow/scripts/weight.py"
    path.write_text(path.read_text() + "# a remark\n")
    before = project.outputs()
    assert project.report().returncode == 0
    assert project.jobs() == {"weight"}
    assert project.outputs() == before


def test_edit_in_a_module_runs_the_rules_that_import_it(project):
    path = project.folder / "workflow/agency_survey/models/fit.py"
    path.write_text(path.read_text() + "# a remark\n")
    assert project.report().returncode == 0
    users = {
        script.stem
        for script in (project.folder / "workflow/scripts").glob("*.py")
        if imports.PACKAGE / "models/fit.py" in imports.modules(script)
    }
    assert "after_the_report" in users
    assert not users & {"ingest", "perceptions", "ledger"}
    assert project.jobs() == users


def test_one_answer_runs_its_chain_only(project):
    project.answer("data/raw/part1.csv", "q1_sex_residents", "4", "1")
    done = project.report()
    assert done.returncode == 0, done.stderr
    ran = project.jobs()
    assert {"ingest part1", "clean", "perceptions", "ledger", "render"} <= ran
    assert not ran & {"ingest frame", "ingest disposition", "weight", "after_the_report", "weight_lemas 2020"}


def test_an_answer_in_another_block_stops_before_the_sections_that_do_not_read_it(project):
    project.answer("data/raw/part2.csv", "q4a_indicators", "1", "2")
    before = project.outputs()
    done = project.report()
    assert done.returncode == 0, done.stderr
    assert {"ingest part2", "clean"} <= project.jobs()
    assert not project.jobs() & {"ingest part1", "weight", "survey_methods", "perceptions"}
    changed = {name for name, digest in project.outputs().items() if before[name] != digest}
    assert {name for name in changed if name.startswith("results/clean/")} == {
        "results/clean/part2.investigation.parquet"
    }


def test_one_setting_runs_its_users_only(project):
    project.edit("config/config.yaml", "smallest_class: 10", "smallest_class: 12")
    assert project.report().returncode == 0
    ran = project.jobs()
    assert "weight" in ran
    assert not ran & {"after_the_report", "ingest frame", "ingest_lemas 2020"}


def test_prose_runs_the_render_only(project):
    path = project.folder / "reports/10-after-the-report.qmd"
    path.write_text(path.read_text() + "\nA closing remark.\n")
    assert project.report().returncode == 0
    assert project.jobs() == {"render"}
    assert "A closing remark." in (project.folder / "reports/_book/10-after-the-report.html").read_text()


def test_deleted_output_is_made_again(project):
    before = project.outputs()
    (project.folder / "reports/_book/report.pdf").unlink()
    assert project.report().returncode == 0
    assert project.jobs() == {"render"}
    assert project.outputs() == before


def test_results_without_a_record_of_their_making_are_built_again(project):
    before = project.outputs()
    everything = project.jobs()
    shutil.rmtree(project.folder / "results/provenance")
    (project.folder / "results/ingest/part1.parquet").write_bytes(b"of some other data")
    done = project.report()
    assert done.returncode == 0, done.stderr
    assert "is not recorded, so everything is built again" in done.stderr
    assert project.jobs() == everything
    assert project.outputs() == before
    assert project.report().returncode == 0
    assert project.jobs() == set()


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


def test_killed_build_goes_on_and_ends_the_same(fresh, built):
    for pause in (2.5, 4.0):
        process = subprocess.Popen(
            [sys.executable, "-m", "agency_survey.cli", "report", "--cores", "2"],
            cwd=fresh.folder,
            env=fresh.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(pause)
        assert process.poll() is None, "the build ended before it was killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = fresh.report("--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    left = [name for name in fresh.outputs() if ".part" in Path(name).name]
    assert fresh.outputs() == built.outputs(), left


def test_second_build_in_the_same_folder_is_refused(project):
    path = project.folder / "workflow/scripts/ingest_lemas.py"
    path.write_text(path.read_text() + "# a remark\n")
    with one_build(project.folder):
        second = project.report()
        os.environ.pop(HELD)
        plain = project.run("snakemake", "--cores", "1")
        os.environ[HELD] = "1"
    assert second.returncode == 1
    assert second.stderr.startswith("error: Another build is running in this folder")
    assert plain.returncode == 1
    assert "Another build is running in this folder" in plain.stderr
    assert project.report().returncode == 0


def test_damaged_book_is_rendered_again(project):
    before = project.outputs()
    book = project.folder / "reports/_book"
    (book / "report.pdf").write_bytes(b"cut short")
    shutil.rmtree(book / "site")
    done = project.report()
    assert done.returncode == 0, done.stderr
    assert "reports/_book/report.pdf is not what its rule left; render makes it again." in done.stderr
    assert project.jobs() == {"render"}
    assert project.outputs() == before


def test_plain_snakemake_makes_deleted_results_again(project):
    before = project.outputs()
    shutil.rmtree(project.folder / "results")
    done = project.run("snakemake", "--cores", "2", "--quiet", "all")
    assert done.returncode == 0, done.stderr
    assert project.outputs() == before
