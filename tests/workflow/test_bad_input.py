"""What users see when something is wrong: one sentence, an exit code, and the last book left as it was."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.build


def refused(project, *parts: str, **kwargs) -> str:
    """Build, expect one ``error:`` sentence that holds the parts, no traceback, and an unchanged book."""
    book = {k: v for k, v in project.outputs().items() if k.startswith("reports/_book")}
    done = project.report(**kwargs)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    sentences = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1, said
    assert "Traceback" not in said
    told = said[said.index("error: ") :]
    for part in parts:
        assert part in told
    assert {k: v for k, v in project.outputs().items() if k.startswith("reports/_book")} == book
    assert not [path for path in project.folder.rglob(".*.part*") if ".snakemake" not in path.parts]
    return told


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (
            "confidence_level: 0.95",
            "confidence_levl: 0.95",
            ("config.yaml, line", "confidence_levl", "Did you mean 'confidence_level'"),
        ),
        ("confidence_level: 0.95", "confidence_level: high", ("confidence_level", "number")),
        ("hide_n: 10 ", "hide_n: 10\n  hide_n: 11 ", ("'hide_n' is given twice", "line")),
        ("from: 2500}", "from: 0}", ("population classes", "ascending")),
        ("engine: auto ", "engine: qarto ", ("engine", "Did you mean 'quarto'")),
    ],
)
def test_wrong_settings(project, old, new, parts):
    project.edit("config/config.yaml", old, new)
    refused(project, *parts)


def test_missing_column(project):
    project.edit("data/raw/part1.csv", ",q1_sex_residents,", ",q1_sex_resident,")
    refused(project, "q1_sex_residents", "data/raw/part1.csv")


def test_truncated_file(project):
    path = project.folder / "data/raw/part1.csv"
    text = path.read_bytes()
    path.write_bytes(text[: len(text) // 2 - 3])
    refused(project, "data/raw/part1.csv, row")


def test_empty_file(project):
    (project.folder / "data/frame/frame.csv").write_bytes(b"")
    refused(project, "The data file is empty", "data/frame/frame.csv")


def test_unknown_delimiter(project):
    path = project.folder / "data/raw/disposition.csv"
    path.write_text(path.read_text().replace(",", "!"))
    refused(project, "has one column only", "semicolon", "data/raw/disposition.csv")


def test_the_same_content_in_another_format_gives_the_same_book(project):
    """Dispositions with semicolons in UTF-16 and the frame as SPSS: the cleaned tables and the sections are as they were."""
    import pandas as pd
    import pyreadstat

    before = project.outputs()
    path = project.folder / "data/raw/disposition.csv"
    path.write_bytes(path.read_text().replace(",", ";").replace("\n", "\r\n").encode("utf-16"))
    path = project.folder / "data/frame/frame.csv"
    frame = pd.read_csv(path, dtype={"agency_id": str})
    pyreadstat.write_sav(frame, str(path.with_suffix(".sav")))
    path.unlink()
    done = project.report()
    assert done.returncode == 0, done.stderr
    assert {"ingest frame", "ingest disposition", "clean"} <= project.jobs()
    assert not project.jobs() & {"weight", "survey_methods", "perceptions"}
    changed = {name for name, digest in project.outputs().items() if before.get(name) != digest}
    assert {name for name in changed if name.startswith("results/clean/")} <= {"results/clean/counts.json"}


@pytest.mark.parametrize("name", ["part1", "part2", "part3", "disposition"])
def test_missing_file(project, name):
    (project.folder / f"data/raw/{name}.csv").unlink()
    refused(project, f"data/raw/{name}.csv", "not there")


def test_two_files_of_one_name(project):
    shutil.copyfile(project.folder / "data/raw/part2.csv", project.folder / "data/raw/part2.tsv")
    refused(project, "Both part2.csv and part2.tsv are there", "Keep one of the two")


def test_part_1_cut_at_the_end_of_a_line(project):
    path = project.folder / "data/raw/part1.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    refused(project, "have no return in Part I", "part1.csv", "cut short")


def test_unknown_code_is_reported_by_row_and_variable(project):
    row, record = project.answer("data/raw/part1.csv", "q1_sex_residents", "4", "66")
    done = project.report()
    assert done.returncode == 0, done.stderr
    misfits = (project.folder / "results/ingest/part1.misfits.csv").read_text().splitlines()
    found = [line.split(",")[1:6] for line in misfits]
    assert [row, record, "q1_sex_residents", "66", "unknown code"] in found
    queries = (project.folder / "results/clean/queries.csv").read_text().splitlines()
    assert ["part1.csv", row, record, "q1_sex_residents", "66"] in [line.split(",")[:5] for line in queries]
    assert "questions about the returns wait for an answer: results/clean/queries.csv" in done.stdout


def test_agency_that_is_not_in_the_frame(project):
    path = project.folder / "data/frame/frame.csv"
    sampled = (project.folder / "data/raw/disposition.csv").read_text().splitlines()[1].split(",")[0]
    kept = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith(sampled)]
    path.write_text("".join(kept))
    refused(project, sampled, "not in the frame")


def test_unknown_number_reference_and_citation_fail_with_file_and_line(project):
    path = project.folder / "reports/01-introduction.qmd"
    lines = path.read_text().splitlines()
    text = "See {{< num perceptions.no-such-number >}}, @tbl-nowhere and [@nobody1999]."
    path.write_text("\n".join([*lines, "", text, ""]))
    said = refused(project, f"01-introduction.qmd:{len(lines) + 2}")
    assert all(name in said for name in ("perceptions.no-such-number", "tbl-nowhere", "nobody1999"))


def test_quarto_asked_for_but_not_there(project):
    project.edit("config/config.yaml", "engine: auto ", "engine: quarto ")
    beside = Path(sys.executable).parent
    if shutil.which("quarto", path=os.pathsep.join([os.environ["PATH"], str(beside)])):
        pytest.skip("Quarto is installed here")
    refused(project, "Quarto was not found", "make quarto")


def test_output_folder_that_cannot_be_written(fresh):
    (fresh.folder / "results").write_text("a file in the way")
    done = fresh.report()
    assert done.returncode == 1
    assert "results" in done.stderr
    assert "Traceback" not in done.stderr


def mounts() -> bool:
    """Whether this machine lets tests mount file systems in a name space of their own."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


needs_mounts = pytest.mark.skipif(not mounts(), reason="mounting in a name space needs root and unshare")


@needs_mounts
def test_read_only_folder(project):
    mount = f"mount --bind {project.folder} {project.folder} && mount -o remount,ro,bind {project.folder}"
    done = project.report(wrap=("unshare", "-m", "sh", "-c", f'{mount} && cd {project.folder} && exec "$@"', "sh"))
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert said.startswith("error: ")
    assert "cannot be written" in said
    assert "Traceback" not in said


@needs_mounts
def test_full_disk_then_space_again(fresh, built):
    """Full among the first jobs, then, with more room, among later ones; in the end the book is the same."""
    (fresh.folder / "results").mkdir()
    for space in ("300k", "1500k"):
        mount = f'mount -t tmpfs -o size={space} tmpfs {fresh.folder}/results && exec "$@"'
        done = fresh.report("--cores", "2", wrap=("unshare", "-m", "sh", "-c", mount, "sh"))
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert len([line for line in said.splitlines() if line.startswith("error: ")]) == 1, said
        assert "No space left on the disk" in said
        assert "Traceback" not in said
    again = fresh.report("--cores", "2")
    assert again.returncode == 0, again.stderr
    assert fresh.outputs() == built.outputs()


# -- setting up --------------------------------------------------------------------------------------------------------


def test_python_too_old(capsys, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "runtime"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "workflow/bootstrap.py"), run_name="__main__")
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: Python 3.11 or newer is needed, this one is 3.9")
    assert "PYTHON=python3.12" in said


def test_no_network_at_set_up(fresh):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_DEFAULT_TIMEOUT": "2",
        "PIP_NO_CACHE_DIR": "1",
    }
    done = subprocess.run(
        ["make", "report", f"PYTHON={sys.executable}"],
        cwd=fresh.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    sentences = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1, done.stderr
    assert "network" in sentences[0]
    assert "make wheels" in sentences[0]
    assert not list((fresh.folder / ".venv").glob(".ready-*"))


def test_environment_yml_is_in_step_with_the_pins():
    import re

    import yaml
    from packaging.markers import Marker

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = dict(item.split("=") for item in environment["dependencies"] if isinstance(item, str) and "=" in item)
    listed = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    machine = {
        "python_version": conda["python"],
        "python_full_version": f"{conda['python']}.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    text = (ROOT / "requirements/runtime.txt").read_text().replace("\\\n", " ")
    found = re.findall(r"^([a-z0-9.-]+==[^ ;]+)(?: ; (.*?))?\s+--hash", text, flags=re.M)
    assert len(found) == len(re.findall(r"^[a-z]", text, flags=re.M))
    assert listed == [pin for pin, marker in found if not marker or Marker(marker.strip()).evaluate(machine)]
    assert f"quarto-cli=={conda['quarto']} " in (ROOT / "requirements/quarto.txt").read_text()
    bootstrap = runpy.run_path(str(ROOT / "workflow/bootstrap.py"), run_name="bootstrap")
    assert conda["quarto"] == bootstrap["QUARTO"]
    assert tuple(map(int, conda["python"].split("."))) >= bootstrap["NEEDED"]


def test_pins_have_hashes_and_no_addresses():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        entries = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
        assert entries
        assert all("==" in line and "--hash=sha256:" in line for line in entries), path
