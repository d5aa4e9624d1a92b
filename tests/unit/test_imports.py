"""Code as a declared input: which modules a script depends on, and the one-way order of the rooms."""

import ast
import sys
from pathlib import Path

import pytest

from agency_survey import imports

PROJECT = Path(__file__).parents[2]
PACKAGE = imports.PACKAGE
SCRIPTS = sorted((PROJECT / "workflow/scripts").glob("*.py"))
ENGINE = [
    "distributions",
    "columns",
    "solvers",
    "design",
    "weights",
    "calibration",
    "estimate",
    "hypotheses",
    "models",
    "replicates",
    "imputation",
    "disclosure",
]


def names(script: Path) -> set[str]:
    return {path.relative_to(PACKAGE).as_posix() for path in imports.modules(script)}


def sources(room: str) -> list[Path]:
    """Files of a room: a module or a package."""
    module = PACKAGE / f"{room}.py"
    return [module] if module.is_file() else sorted((PACKAGE / room).rglob("*.py"))


def rooms(path: Path) -> set[str]:
    """Rooms that a file depends on, its own included."""
    return {name.split("/")[0].removesuffix(".py") for name in names(path)} - {"__init__"}


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "script.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_direct_and_indirect_imports(tmp_path):
    assert names(script(tmp_path, "from agency_survey.estimate import mean\n")) == {
        "__init__.py",
        "errors.py",
        "columns.py",
        "design.py",
        "distributions.py",
        "estimate.py",
    }


@pytest.mark.parametrize(
    "text",
    [
        "import agency_survey.errors\n",
        "from agency_survey import errors\n",
        "from agency_survey.errors import InputError as E\n",
        "def f():\n    from agency_survey import errors\n",
        "if True:\n    import agency_survey.errors as e\n",
    ],
)
def test_every_way_of_importing(tmp_path, text):
    assert names(script(tmp_path, text)) == {"__init__.py", "errors.py"}


def test_other_packages_do_not_count(tmp_path):
    assert names(script(tmp_path, "import numpy\nimport agency_surveys.errors\nfrom os import path\n")) == set()


def test_the_packages_on_the_way_count(tmp_path):
    found = names(script(tmp_path, "from agency_survey.sections.after_the_report import answers\n"))
    assert {"__init__.py", "sections/__init__.py", "sections/after_the_report.py", "models/fit.py", "lemas.py"} <= found


def test_relative_imports():
    module = PACKAGE / "sections" / "after_the_report.py"
    assert imports._parent(module, 0) == ""
    assert imports._parent(module, 1) == "agency_survey.sections"
    assert imports._parent(module, 2) == "agency_survey"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_is_declared_is_what_is_loaded(path, tmp_path):
    """Import the script in a fresh interpreter: every module of the package that is loaded was declared."""
    import subprocess

    code = (
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(PROJECT / 'workflow')!r})\n"
        f"runpy.run_path({str(path)!r}, run_name='not main')\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'agency_survey'), sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in done.stdout.split("\n") if line}
    assert loaded
    assert loaded <= set(imports.modules(path))


@pytest.mark.parametrize("name", ENGINE)
def test_statistics_never_touch_files(name):
    """No reading or writing in the rooms of statistics, and no import of a room that does (``marks`` is words alone)."""
    touch = {"open", "Path", "read_csv", "read_parquet", "to_csv", "to_parquet", "read_text", "write_text"}
    assert sources(name)
    for path in sources(name):
        text = path.read_text(encoding="utf-8")
        used = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
        used |= {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert not used & touch
        assert rooms(path) <= {"errors", "marks", *ENGINE}
