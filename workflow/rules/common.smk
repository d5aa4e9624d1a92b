# Helpers of all rules files. Paths are relative to the project folder.
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from agency_survey import build, environment, formats, imports, schema, settings
from agency_survey.codebook import SURVEY
from agency_survey.errors import InputError

environment.prepare(workflow.basedir, settings.report_date())

REGISTER = list(schema.load("config/external.yaml", "external").values())
REGISTER = [entry for entry in REGISTER if entry["wave"] in config["lemas"]["waves"]]
WAVES = [entry["wave"] for entry in REGISTER]
LEMAS_DIR = settings.lemas_folder(config)
SECTIONS = build.sections(Path(workflow.basedir))


def code(rule_name):
    """A rule's script, the package's modules that it imports, and the pinned versions of the packages that it runs with, as
    named inputs `script`, `lib` and `pins`."""
    script = f"workflow/scripts/{rule_name}.py"
    root = Path(workflow.basedir)
    lib = [os.path.relpath(path, root) for path in imports.modules(root / script)]
    return {"script": script, "lib": lib, "pins": "requirements/runtime.txt"}


def existing(path):
    """The path of a file that is no output. Snakemake would not miss it where wildcards are used, while the
    outputs made from it are there."""
    if not os.path.exists(path):
        raise InputError("A file of the project is not there", path, "Restore it")
    return path


def raw_file(stem):
    """The one raw file of this name, whatever its format."""
    return str(formats.find(stem))


def schemas(*names):
    """JSON Schemas that a script checks its settings against."""
    return [existing(f"workflow/schemas/{name}.schema.json") for name in names]


def exhibits(rule_name, tables=(), figures=(), texts=()):
    """Files that a section's script leaves, as named outputs."""
    base = f"results/{rule_name}"
    return {
        "numbers": f"{base}/numbers.json",
        "tables": [f"{base}/tables/{name}.{end}" for name in tables for end in ("csv", "md")],
        "figures": [
            f"{base}/figures/{name}.{end}" for name in figures for end in ("png", "csv", "md")
        ],
        "texts": [f"{base}/text/{name}.md" for name in texts],
    }


def lemas_file(wildcards):
    """The file of a wave where it is there and can be read; nothing otherwise."""
    entry = next(e for e in REGISTER if str(e["wave"]) == wildcards.wave)
    path = os.path.join(LEMAS_DIR, entry["file"])
    return [path] if os.path.isfile(path) and os.access(path, os.R_OK) else []


def lemas_entry(wildcards):
    """The register's entry of a wave, as a plain dict."""
    return dict(next(e for e in REGISTER if str(e["wave"]) == wildcards.wave))
