"""A package of a built project: made from two clones the same, refused when it should be, verified with a rebuild."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

NAME = "agency-survey-0.1.0-public"
ZIP = f"dist/{NAME}.zip"


def git(folder: Path, *words: str) -> None:
    name = (
        "some",
        "body",
    )  # put together here: a package may hold neither the name nor the address, and it holds this file
    settings = ("-c", f"user.name={' '.join(name).title()}", "-c", f"user.email={'.'.join(name)}@example.org")
    subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def committed(built, tmp_path_factory):
    """The built project as a clone with everything committed."""
    project = built.copy(tmp_path_factory.mktemp("committed") / "project")
    git(project.folder, "init", "-q")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-q", "-m", "as tested", "--date", "2026-01-31T12:00:00Z")
    return project


def archive(project, *arguments: str):
    return project.run("agency_survey.cli", "archive", *arguments)


@pytest.fixture(scope="module")
def package(committed) -> Path:
    """The public package of the built project."""
    done = archive(committed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The package is made" in done.stdout
    return committed.folder / ZIP


def test_all_reasons_against_a_package_are_said_at_once(committed, lemas, tmp_path):
    """Also records of a user's file, in the flavour that would hold the most."""
    project = committed.copy(tmp_path / "project")
    (project.folder / "notes.txt").write_text("not declared\n")
    (project.folder / "LICENSE").write_text("changed\n")
    (project.folder / "results/perceptions/extra.csv").write_text("a\n1\n")
    (project.folder / "reports/_book/report.pdf").write_bytes(b"cut short")
    (project.folder / "results/disclosure_audit/passed.json").write_text('{"leaks": 2}\n')
    planted = project.folder / "CONTRIBUTING.md"
    if lemas:
        lines = (lemas / "lemas_2020.tsv").read_text(encoding="latin-1").splitlines()
        rows = ["| " + " | ".join(line.split("\t")) + " |" for line in lines[1:4]]
        planted.write_text(planted.read_text() + "\n" + "\n".join(rows) + "\n")
    done = archive(project, "--flavour", "restricted")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not lemas or "CONTRIBUTING.md: external record" in done.stderr
    for said in (
        "The disclosure audit found 2 leaks",
        "LICENSE differs from the commit",
        "notes.txt differs from the commit",
        "notes.txt is declared by no rule",
        "results/perceptions/extra.csv is declared by no rule",
        "The build is not current",
        "reports/_book/report.pdf is not what the book's manifest says",
    ):
        assert said in done.stderr, said
    assert not (project.folder / "dist").exists()


def test_another_clone_gives_the_same_bytes(committed, package, tmp_path):
    """The clone takes over the results, which are compared with a rebuild elsewhere; everything else is made anew."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(committed.folder), str(folder)], check=True, capture_output=True)
    for name in ("results", "reports/_book"):
        shutil.copytree(committed.folder / name, folder / name)
    other = type(committed)(folder, committed.lemas)
    done = archive(other)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (package, folder / ZIP))
    assert first == second
    said = other.run("agency_survey.cli", "compare", "--first", str(package), "--second", str(folder / ZIP))
    assert said.returncode == 0, said.stderr
    assert "All files of the two packages are the same" in said.stdout


def test_the_package_holds_what_it_should(package):
    with zipfile.ZipFile(package) as archive:
        names = {name.removeprefix(f"{NAME}/") for name in archive.namelist()}
        exhibits = archive.read(f"{NAME}/data/exhibits.csv").decode().splitlines()
        readme = archive.read(f"{NAME}/data/README.md").decode()
    assert {
        "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "data/ro-crate-metadata.json",
        "data/README.md", "data/README.pdf", "data/exhibits.csv", "data/inventory.csv", "data/codebook/codebook.html",
        "data/codebook/codebook.csv", "data/results/questionnaire/ddi.xml", "data/corrections/effects.csv", "data/LICENSE",
        "data/data/corrections.csv", "data/results/clean/edit_log.csv", "data/results/ledger/numbers.json", "data/CHANGELOG.md",
        "data/reports/_book/index.html", "data/reports/_book/report.pdf", "data/reports/_book/report.docx", "data/Snakefile",
        "data/results/render/manifest.json", "data/CITATION.cff", "data/codemeta.json", "data/.zenodo.json",
        "data/requirements/runtime.txt", "data/provenance/jobs.json", "data/provenance/build.json",
    } <= names  # fmt: skip
    assert not [name for name in names if "ingest_lemas" in name and name.startswith("data/results/")]
    assert not [name for name in names if name.endswith(".tsv") and "external" in name]
    assert len(exhibits) > 400
    for heading in (
        "Overview", "Data availability and provenance statements", "Dataset list", "Computational requirements",
        "Description of programs", "Instructions to replicators", "List of exhibits and programs", "References",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in readme


def test_the_package_proves_itself(committed, package, tmp_path):
    """Verified with a rebuild, which is the slow part: everything is built once more, without the users' files."""
    done = committed.run(
        "agency_survey.cli", "verify", "--archive", str(package), "--out", str(tmp_path), "--cores", "2", LEMAS_DIR=""
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / f"{NAME}-verification.json").read_text())
    assert {check["state"] for check in report["checks"]} <= {"passed", "not done"}
    verdicts = {one["verdict"] for one in report["exhibits"]}
    assert {one for one in verdicts if not one.startswith("not rebuilt: needs lemas_")} == {"reproduced"}
    needing = {one["rule"] for one in report["exhibits"] if one["verdict"] != "reproduced"}
    assert "perceptions" not in needing
    assert ET.parse(tmp_path / f"{NAME}-verification.xml").getroot().findall(".//failure") == []


def test_a_tampered_package_is_refused_with_the_file(committed, package, tmp_path):
    path = tmp_path / package.name
    data = bytearray(package.read_bytes())
    with zipfile.ZipFile(package) as archive:
        entry = archive.getinfo(f"{NAME}/data/results/ledger/numbers.json")
    data[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 4
    path.write_bytes(bytes(data))
    done = committed.run("agency_survey.cli", "verify", "--archive", str(path), "--quick")
    assert done.returncode == 1
    assert "data/results/ledger/numbers.json" in done.stderr
    assert "Traceback" not in done.stderr
