"""What goes into a package, what the scan finds, what descriptions say, and how a rebuild is judged."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import small_package

from agency_survey import files
from agency_survey.archive import (
    codebooks,
    compare,
    crate,
    descriptions,
    mapping,
    pack,
    readme,
    rebuild,
    records,
    runs,
    scan,
    selection,
    verdicts,
)
from agency_survey.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
NONE = records.Fingerprints()


@pytest.fixture(scope="module")
def settings() -> dict:
    return selection.load(ROOT)


@pytest.mark.parametrize(
    ("text", "fitting", "other"),
    [
        ("results/*/numbers.json", "results/a/numbers.json", "results/a/b/numbers.json"),
        ("workflow/**", "workflow/a/b.py", "workflows/a"),
        ("**/__pycache__", "a/b/__pycache__", "a/b/__pycache__x"),
        ("results/*/{tables/*.csv,text/*.md}", "results/a/tables/x.csv", "results/a/text/x.csv"),
        ("*.egg-info", "a.egg-info", "a/b.egg-info"),
    ],
)
def test_patterns(text, fitting, other):
    assert selection.pattern(text).match(fitting)
    assert not selection.pattern(text).match(other)


def project(folder: Path, synthetic: bool = True) -> Path:
    """A folder with the files that choosing looks at: the real codebooks, and one file of each kind."""
    for path in (ROOT / "config/codebooks").glob("*.yaml"):
        target = folder / "config/codebooks" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        target.write_text(text if synthetic else text.replace("synthetic: true", "synthetic: false"), encoding="utf-8")
    for name in (
        "Snakefile", "LICENSE", "CITATION.cff", "README.md", "data/raw/part1.csv", "results/ingest/part1.parquet",
        "results/ingest_lemas/2020.parquet", "data/external/lemas/lemas_2020.tsv", "results/build.json", ".git/config",
        ".venv/lib/x.py", "results/perceptions/numbers.json", "results/disclosure/cells.json", "reports/index.qmd",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x\n", encoding="utf-8")
    return folder


def test_public_packages_hold_synthetic_records_and_nothing_that_users_brought(tmp_path, settings):
    choice = selection.choose(project(tmp_path), settings, "public")
    names = {entry.source for entry in choice.entries}
    assert {"Snakefile", "data/raw/part1.csv", "results/ingest/part1.parquet"} <= names
    assert not names & {"results/ingest_lemas/2020.parquet", "data/external/lemas/lemas_2020.tsv", "results/build.json"}
    assert "results/disclosure/cells.json" not in names
    assert choice.undeclared == []
    assert not [name for name in [*names, *choice.left_out] if name.startswith((".git/", ".venv/"))]
    assert {entry.target for entry in choice.entries if entry.source == "README.md"} == {"README-workflow.md"}


def test_public_packages_hold_no_real_record_and_restricted_ones_do(tmp_path, settings):
    folder = project(tmp_path, synthetic=False)
    public = {entry.source for entry in selection.choose(folder, settings, "public").entries}
    restricted = {entry.source for entry in selection.choose(folder, settings, "restricted").entries}
    assert not public & {"data/raw/part1.csv", "results/ingest/part1.parquet"}
    assert {"data/raw/part1.csv", "results/ingest/part1.parquet", "results/disclosure/cells.json"} <= restricted
    assert "results/ingest_lemas/2020.parquet" not in restricted


def test_an_undeclared_file_and_a_missing_one_are_named(tmp_path, settings):
    folder = project(tmp_path)
    (folder / "notes.txt").write_text("x\n")
    (folder / "results/perceptions/extra.csv").write_text("x\n")
    (folder / "LICENSE").unlink()
    choice = selection.choose(folder, settings, "public")
    assert choice.undeclared == ["notes.txt", "results/perceptions/extra.csv"]
    assert "LICENSE" in choice.missing


def test_an_unknown_flavour_is_refused(tmp_path, settings):
    with pytest.raises(InputError, match="no flavour 'private'"):
        selection.choose(tmp_path, settings, "private")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this copy of the project is no git clone")
def test_every_tracked_file_of_the_project_is_declared(settings):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    patterns = [one for rule in settings["files"] for one in rule["patterns"]]
    assert [name for name in listed.split("\0") if name and not selection.fits(name, patterns)] == []


FINDINGS = {  # file name, content, check
    "unsafe name": ("data/a b.csv", b"x\n", "names"),
    "git": (".git/config", b"x\n", "rubbish"),
    "mac": ("__MACOSX/._a.csv", b"x\n", "rubbish"),
    "empty": ("data/empty.csv", b"", "empty file"),
    "zip": ("data/a.bin", b"PK\x03\x04rest", "nested archive"),
    "gzip": ("data/a.bin", b"\x1f\x8b\x08rest", "nested archive"),
    "home": ("notes.md", b"see " + b"/ho" + b"me/someone/data\n", "machine path"),
    "windows": ("notes.md", bytes([92]).join([b"see C:", b"Users", b"someone"]), "machine path"),
    "e-mail": ("notes.md", b"write to someone@" + b"university.edu\n", "e-mail"),
    "telephone": ("notes.md", b"call (617) " + b"373-4567\n", "telephone"),
    "social security": ("data/a.csv", b"id,n\n1,123-45-" + b"6789\n", "social security"),
    "column": ("data/a.csv", b"id,last_name,n\n1,x,2\n", "identifying column"),
    "person": ("notes.md", b"made by Robin Example\n", "person"),
    "package": ("workflow/a.py", b"import notapackage\n", "undeclared package"),
    "layout": ("data/a.csv", b"ONE,TWO,THREE,FOUR,FIVE,SIX\n1,2,3,4,5,6\n", "external layout"),
}


def scanned(folder: Path, content: dict[str, bytes], settings: dict) -> list[scan.Finding]:
    names = {}
    for number, (name, data) in enumerate(content.items()):
        path = folder / str(number)
        path.write_bytes(data)
        names[name] = path
    variables = {"ONE", "TWO", "THREE", "FOUR", "FIVE"}
    return scan.scan(names, settings, NONE, ["Robin Example"], variables)


WHOLE = {
    "README.md": b"# Read me\n",
    "LICENSE": b"Free.\n",
    "codebook/codebook.csv": b"file,variable\na,b\n",
    "requirements/runtime.txt": b"numpy==2.4.6 \\\n    --hash=sha256:0\n",
    "workflow/b.py": b"import json\n\nimport numpy\n",
}


@pytest.mark.parametrize("name", FINDINGS)
def test_the_scan_finds(tmp_path, settings, name):
    file, data, check = FINDINGS[name]
    found = scanned(tmp_path, {**WHOLE, file: data}, settings)
    assert (check, file) in {(one.check, one.file) for one in found}


def test_the_scan_finds_nothing_in_what_is_clean(tmp_path, settings):
    text = b"Write to someone@example.org, see https://example.org/home/page, NCJ 222752, 2000-2006, 617-1234.\n"
    assert scanned(tmp_path, {**WHOLE, "notes.md": text}, settings) == []


def test_packed_bytes_are_no_address_and_addresses_in_documents_are(tmp_path, settings):
    noise = b"%PDF-1.7 \n\x00\xff h AT 3.WhF \x01 q AT Zz.ab \x00".replace(b" AT ", b"@")  # no address stands here
    assert scanned(tmp_path, {**WHOLE, "reports/a.pdf": noise}, settings) == []
    found = scanned(tmp_path, {**WHOLE, "reports/a.pdf": noise + b"\n(robin.person" + b"@" + b"agency.us)\n"}, settings)
    assert [(one.check, one.file) for one in found] == [("e-mail", "reports/a.pdf")]


def test_duplicates_and_missing_parts_are_found(tmp_path, settings):
    found = scanned(tmp_path, {"data/a.csv": b"x\n", "data/b.csv": b"x\n"}, settings)
    said = {(one.check, one.file) for one in found}
    assert said == {
        ("duplicate", "data/b.csv"),
        *(("missing", n) for n in ("README.md", "LICENSE", "codebook/codebook.csv")),
    }


def test_the_crate_meets_the_profiles_and_each_breach_is_said(tmp_path):
    kinds = small_package.payload(tmp_path)
    metadata = crate.build(tmp_path, kinds, small_package.jobs(), small_package.about())
    assert crate.problems(json.dumps(metadata), set(kinds)) == []
    assert "startTime" not in json.dumps(metadata)

    def without(change) -> str:
        copy = json.loads(json.dumps(metadata))
        change({one["@id"]: one for one in copy["@graph"]}, copy)
        return "\n".join(crate.problems(json.dumps(copy), set(kinds)))

    assert "no mainEntity" in without(lambda by, _: by["./"].pop("mainEntity")).replace(
        "mainEntity is no workflow file", "no mainEntity"
    )
    assert "root has no license" in without(lambda by, _: by["./"].pop("license"))
    assert "does not conform to Provenance Run Crate" in without(lambda by, _: by["./"].pop("conformsTo"))
    assert "has no instrument" in without(lambda by, _: by["#job-rule0"].pop("instrument"))
    assert "refers to #step-rule0" in without(lambda by, copy: copy["@graph"].remove(by["#step-rule0"]))
    assert "LICENSE is not described" in without(lambda by, copy: copy["@graph"].remove(by["LICENSE"]))
    assert crate.problems("[]", set())
    assert crate.problems("no JSON", set())


def test_the_crate_has_what_the_run_profiles_recommend(tmp_path):
    """As rocrate-validator 0.13 asks it: it finds nothing required missing with these, and did without each of them."""
    kinds = small_package.payload(tmp_path)
    graph = crate.build(tmp_path, kinds, small_package.jobs(), small_package.about())["@graph"]
    by_id = {one["@id"]: one for one in graph}
    head = {one["@id"] for one in by_id[crate.METADATA]["conformsTo"]}
    assert {"https://w3id.org/ro/crate/1.2", "https://w3id.org/ro/crate/1.1"} <= head
    actions = {one["@id"] for one in graph if one["@type"] in ("CreateAction", "OrganizeAction")}
    assert actions == {one["@id"] for one in by_id["./"]["mentions"]}
    assert {by_id[by_id[i]["agent"]["@id"]]["@type"] for i in actions} == {"Organization"}
    languages = [one for one in graph if one["@type"] == "ComputerLanguage"]
    assert len(languages) == 2
    assert all(one.get("url") for one in languages)
    assert not [key for one in graph for key, value in one.items() if isinstance(value, list) and len(value) == 1]


def test_tables_of_the_readme_are_as_wide_in_the_pdf_as_their_dashes_say():
    text = (
        readme._table(("Short", "Long"), [("x", "y" * 200)])
        + "\n\n"
        + readme._table(("A", "B", "C", "D"), [("z" * 99,) * 4])
    )
    assert readme._widths(text) == ["", "columns: (40fr, 40fr, 40fr, 40fr),"]
    digest = "0123456789abcdef" * 4
    broken = readme._breakable(digest)
    assert broken.replace("\u200b", "") == digest
    assert max(map(len, broken.split("\u200b"))) == 16


def test_the_same_payload_gives_the_same_crate(tmp_path):
    made = []
    for name in ("one", "two"):
        kinds = small_package.payload(tmp_path / name)
        made.append(
            descriptions.as_json(crate.build(tmp_path / name, kinds, small_package.jobs(), small_package.about()))
        )
    assert made[0] == made[1]


def test_descriptions_come_from_the_citation():
    cff = descriptions.citation(ROOT)
    meta = descriptions.codemeta(cff, "words", "3.11", ["numpy==2.4.6"])
    assert (meta["name"], meta["version"], meta["license"]) == (
        cff["title"],
        cff["version"],
        "https://spdx.org/licenses/MIT",
    )
    deposit = descriptions.zenodo(cff, "words", ["one"])
    assert [one["name"] for one in deposit["creators"]] == descriptions.authors(cff)


def test_git_tells_the_commit_and_what_differs_from_it(tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=A B", "-c", "user.email=a@example.org", *words], check=True, capture_output=True)  # fmt: skip

    git("init", "-q")
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    git("add", ".")
    git("commit", "-q", "-m", "first", "--date", "2026-01-31T12:00:00Z")
    assert len(descriptions.commit(tmp_path)["id"]) == 40
    assert descriptions.dirty(tmp_path) == []
    assert descriptions.programs(tmp_path) == {"run"}
    (tmp_path / "a.txt").write_text("two\n")
    (tmp_path / "new.txt").write_text("new\n")
    assert descriptions.dirty(tmp_path) == ["a.txt", "new.txt"]
    assert {"A B", "a@example.org"} <= set(descriptions.people(tmp_path))
    (tmp_path / "below").mkdir()
    with pytest.raises(InputError, match=r"not a git clone"):
        descriptions.commit(tmp_path / "below")


def test_all_reasons_are_said_at_once():
    error = pack.refused(["One thing.", "Another thing."])
    assert "for 2 reasons:\n  One thing.\n  Another thing." in str(error)


def test_what_needs_external_files_is_known_through_other_jobs():
    jobs = [
        {"name": "read", "inputs": {"LEMAS_DIR/a.tsv": "1"}, "outputs": {"r/a": "1"}},
        {"name": "use", "inputs": {"r/a": "1"}, "outputs": {"r/b": "1"}},
        {"name": "other", "inputs": {"data/x": "1"}, "outputs": {"r/c": "1"}},
    ]
    assert runs.needs(jobs) == {"read": {"LEMAS_DIR/a.tsv"}, "use": {"LEMAS_DIR/a.tsv"}, "other": set()}


def test_classes_of_time_memory_and_storage():
    jobs = [{"seconds": 300.0, "peak_mb": 900.0}, {"seconds": 4000.0, "peak_mb": 2500.0}]
    assert runs.costs(jobs, 38_000_000) == {
        "run_time": "1 to 8 hours",
        "memory": "2 to 8 GB",
        "storage": "25 MB to 250 MB",
    }
    assert runs.costs([{"seconds": None, "peak_mb": None}], 1)["run_time"] == "less than 1 hour"


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        ("a,1.0\n", "a,1.00000000001\n", rebuild.MINOR),
        ("a,1.0\n", "a,1.001\n", rebuild.DIFFERENT),
        ("a,1.0\n", "b,1.0\n", rebuild.DIFFERENT),
        ("a,1.0\n", "a,1.0\nb,2\n", rebuild.DIFFERENT),
        ("a,-1.0\n", "a,1.0\n", rebuild.DIFFERENT),
        ("a,1e-15\n", "a,2e-15\n", rebuild.MINOR),
    ],
)
def test_files_whose_bytes_differ_are_compared_number_by_number(tmp_path, old, new, state):
    (tmp_path / "old.csv").write_text(old)
    (tmp_path / "new.csv").write_text(new)
    assert rebuild._compared("x.csv", tmp_path / "old.csv", tmp_path / "new.csv").state == state


def report() -> verdicts.Report:
    made = verdicts.Report(
        {"archive": "a.zip"}, [verdicts.Check("one", "passed"), verdicts.Check("two", "not done", ["no"])]
    )
    made.verdicts = [
        verdicts.Verdict("figure", "1.1", "fig-a", verdicts.REPRODUCED, "", "r"),
        verdicts.Verdict("table", "1.1", "tbl-a", "not rebuilt: needs lemas_2007.tsv", "", "r"),
    ]
    return made


def test_the_report_says_the_verdict_in_three_formats(tmp_path):
    made = report()
    assert made.overall == "reproduced, but for 1 exhibits that need files to bring"
    paths = verdicts.write(made, tmp_path / "v")
    assert "needs lemas_2007.tsv" in paths[0].read_text()
    assert files.read_json(paths[1])["counts"]["table"] == {"not rebuilt: needs lemas_2007.tsv": 1}
    suites = ET.parse(paths[2]).getroot()
    assert [suite.get("skipped") for suite in suites] == ["1", "1"]
    made.verdicts.append(verdicts.Verdict("number", "5", "a.b", verdicts.FAILED, "5 in the package, 6 rebuilt", "r"))
    assert made.overall == verdicts.FAILED
    assert ET.fromstring(verdicts.junit(made)).findall(".//failure")[0].get("message") == "5 in the package, 6 rebuilt"


def test_the_codebook_has_every_value_of_every_variable(tmp_path):
    text = """<codeBook xmlns="ddi:codebook:2_5"><fileDscr ID="f1"><fileTxt><fileName>part1.csv</fileName></fileTxt></fileDscr>
    <dataDscr><var ID="v" name="q1" files="f1"><labl>Asked &lt;here&gt;</labl><qstn><qstnLit>How many?</qstnLit></qstn>
    <catgry missing="N"><catValu>1</catValu><labl>Yes</labl><catStat type="freq">12</catStat></catgry>
    <catgry missing="Y" missType="refused"><catValu>7</catValu><labl>Refused</labl></catgry></var></dataDscr></codeBook>"""
    (tmp_path / "ddi.xml").write_text(text)
    found = codebooks.read(tmp_path / "ddi.xml")
    lines = codebooks.as_csv(found).splitlines()
    assert lines[1:] == [
        "part1.csv,q1,Asked <here>,How many?,,,,1,Yes,,12",
        "part1.csv,q1,Asked <here>,How many?,,,,7,Refused,refused,",
    ]
    assert "Asked &lt;here&gt;" in codebooks.as_html(found, "Codebook")


def test_exhibits_are_found_where_the_code_names_them():
    code, line = mapping.located(ROOT, "perceptions", "tbl-perceptions-ratings")
    assert "tbl-perceptions-ratings" in (ROOT / code).read_text(encoding="utf-8").splitlines()[line - 1]
    code, line = mapping.located(ROOT, "survey_methods", "survey-methods.sample.random")
    assert "sample." in (ROOT / code).read_text(encoding="utf-8").splitlines()[line - 1]


def test_the_map_and_its_file_agree_and_what_it_lacks_is_said(tmp_path):
    one = mapping.Exhibit(
        "table", "1", "tbl-a", "A, b", "p.html", "r", "s.py", 1, "c.py", 2, "results/r/tables/tbl-a.csv", ""
    )
    assert mapping.parse(mapping.as_csv([one])) == [one]
    for name, text in {"s.py": "a\n", "c.py": "a\nb\n", "t.csv": "x\n", "captions.json": "[]"}.items():
        (tmp_path / name).write_text(text)
    names = {"s.py": tmp_path / "s.py", "c.py": tmp_path / "c.py", "results/r/tables/tbl-a.csv": tmp_path / "t.csv",
             "results/render/captions.json": tmp_path / "captions.json"}  # fmt: skip
    assert mapping.problems([one], names) == []
    (tmp_path / "captions.json").write_text('[{"kind": "table", "id": "tbl-b"}]')
    (tmp_path / "c.py").write_text("a\n")
    said = "\n".join(mapping.problems([one], {k: v for k, v in names.items() if k != "s.py"}))
    assert "line 2 of c.py, which has 1" in said
    assert "s.py, which is not in the package" in said
    assert "table tbl-b of the book is in no line" in said


def test_packages_are_compared_file_by_file(tmp_path):
    first = small_package.package(tmp_path / "a")
    assert compare.differing(compare.intact(first), compare.intact(first)) == compare.Files([], [], [])
    digests = compare.intact(first)
    other = {**digests, "data/LICENSE": "0" * 64, "data/new.csv": "1" * 64}
    other.pop("data/README.md")
    found = compare.differing(digests, other)
    assert found == compare.Files(["data/LICENSE"], ["data/README.md"], ["data/new.csv"])
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(first.read_bytes()[:-200])
    with pytest.raises(InputError, match="The archive is refused"):
        compare.intact(damaged)
