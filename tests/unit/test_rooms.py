"""The package's rooms import one way, statistics never touch files, and names follow the law."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "workflow" / "agency_survey"
ORDER = [
    "errors",
    "environment",
    "marks",
    "imports",
    "schema",
    "settings",
    "files",
    "scripting",
    "expressions",
    "codebook",
    "logic",
    "wording",
    "identifiers",
    "formats",
    "ingest",
    "cleaning",
    "corrections",
    "columns",
    "solvers",
    "disclosure",
    "distributions",
    "design",
    "weights",
    "calibration",
    "estimate",
    "hypotheses",
    "models",
    "replicates",
    "imputation",
    "lemas",
    "reproduction",
    "national_survey",
    "standin",
    "ddi",
    "ledger",
    "tables",
    "figures",
    "exhibits",
    "audits",
    "sections",
    "render",
    "failures",
    "progress",
    "jobs",
    "provenance",
    "kept",
    "changes",
    "explain",
    "register",
    "build",
    "archive",
    "cli",
]
STATISTICS = (
    "columns",
    "solvers",
    "disclosure",
    "distributions",
    "design",
    "weights",
    "calibration",
    "estimate",
    "hypotheses",
    "models",
    "replicates",
    "imputation",
    "lemas",
    "national_survey",
)


def room(path: Path) -> str:
    """First name below the package: 'sections' for sections/perceptions.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms of the package that a file imports by absolute name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            parts = node.module.split(".")
            if parts[0] == PACKAGE.name:
                found |= {parts[1]} if parts[1:] else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {parts[1] for parts in names if parts[0] == PACKAGE.name and parts[1:]}
    return found - {"__version__"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path):
    if path == PACKAGE / "__init__.py":
        return
    here = ORDER.index(room(path))
    above = {name for name in imported_rooms(path) if ORDER.index(name) > here}
    assert not above


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_read_and_write_no_file(name):
    paths = [PACKAGE / f"{name}.py"] if (PACKAGE / f"{name}.py").is_file() else sorted((PACKAGE / name).glob("*.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    assert not re.search(r"\bopen\(|read_csv|read_parquet|to_csv|to_parquet|pathlib|write_text|read_text", text)


def test_each_rule_has_its_script_log_benchmark_and_contract():
    rules = sorted((ROOT / "workflow/rules").glob("[0-9][0-9]_*.smk"))
    assert rules
    for path in rules:
        name, text = path.stem[3:], path.read_text(encoding="utf-8")
        assert text.startswith("# REQUIRED INPUTS"), path.name
        assert "# OUTPUTS" in text, path.name
        assert re.findall(r"^rule (\w+):", text, flags=re.M) == [name]
        assert f'**code("{name}")' in text
        assert f'"logs/{name}.' in text
        assert f'"benchmarks/{name}.' in text
        assert (ROOT / f"workflow/scripts/{name}.py").is_file()
    assert {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")} == {path.stem[3:] for path in rules}


def test_snakefile_and_scripts_are_short_and_do_not_read_the_config():
    files = [ROOT / "Snakefile", *(ROOT / "workflow/scripts").glob("*.py")]
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 60 for path in files)
    assert not [path.name for path in files[1:] if "config[" in path.read_text(encoding="utf-8")]


def test_every_setting_is_documented():
    import yaml

    documented = (ROOT / "config/README.md").read_text(encoding="utf-8")
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    keys = [
        f"{k}.{inner}" if isinstance(v, dict) else k
        for k, v in config.items()
        for inner in (v if isinstance(v, dict) else [k])
    ]
    assert not [key for key in keys if f"`{key}`" not in documented]
    names = {path.name for path in (ROOT / "config").glob("*.yaml")}
    assert not [name for name in names if name not in documented]


def test_every_schema_refuses_unknown_keys():
    import json

    def objects(node):
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            for value in node.values():
                yield from objects(value)
        elif isinstance(node, list):
            for value in node:
                yield from objects(value)

    for path in (ROOT / "workflow/schemas").glob("*.schema.json"):
        found = list(objects(json.loads(path.read_text(encoding="utf-8"))))
        assert all(node.get("additionalProperties") is False for node in found), path.name
