"""Descriptions for catalogues, generated from CITATION.cff: codemeta.json, .zenodo.json; and what the git commit says."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agency_survey import schema
from agency_survey.errors import InputError

SPDX = "https://spdx.org/licenses/"
CODEMETA = "https://w3id.org/codemeta/3.0"
LICENCES = {  # of LICENSE: what it covers
    "MIT": "code and settings",
    "CC-BY-4.0": "text and figures",
    "CC0-1.0": "synthetic data",
}


RESTRICTED = (
    "This package holds what disclosure control leaves out of the public one, and must not be published: only holders of"
    " the survey's records may have it."
)


def citation(root: Path) -> dict[str, Any]:
    """Content of CITATION.cff."""
    found = schema.read_yaml(root / "CITATION.cff")
    lost = [key for key in ("title", "version", "date-released", "license", "authors") if not found.get(key)]
    if lost:
        raise InputError(f"The citation lacks {', '.join(lost)}", "CITATION.cff", "Add it")
    return found


def _name(author: dict) -> str:
    return author.get("name") or " ".join(filter(None, (author.get("given-names"), author.get("family-names"))))


def authors(cff: dict) -> list[str]:
    """Names of the authors."""
    return [_name(one) for one in cff["authors"]]


def _schema_author(author: dict) -> dict:
    if "name" in author:
        return {"type": "Organization", "name": author["name"]}
    return {"type": "Person", "givenName": author.get("given-names", ""), "familyName": author.get("family-names", "")}


def codemeta(cff: dict, description: str, python: str, packages: list[str]) -> dict:
    """codemeta.json, CodeMeta 3.0."""
    return {
        "@context": CODEMETA,
        "type": "SoftwareSourceCode",
        "name": cff["title"],
        "description": description,
        "version": cff["version"],
        "dateModified": str(cff["date-released"]),
        "license": SPDX + cff["license"],
        "author": [_schema_author(one) for one in cff["authors"]],
        "programmingLanguage": ["Python", "Snakemake"],
        "runtimePlatform": f"Python {python}",
        "softwareRequirements": packages,
        "referencePublication": _reference(cff),
    }


def _reference(cff: dict) -> dict:
    first = (cff.get("references") or [{}])[0]
    return {
        "type": "Report",
        "name": first.get("title", ""),
        "author": [_schema_author(one) for one in first.get("authors", [])],
        "datePublished": str(first.get("year", "")),
    }


def zenodo(cff: dict, description: str, keywords: list[str], restricted: bool = False, synthetic: bool = True) -> dict:
    """.zenodo.json, the deposit's metadata. restricted : only holders of the survey's records may have it."""
    licences = {name: what for name, what in LICENCES.items() if synthetic or what != "synthetic data"}
    access = {"access_right": "restricted", "access_conditions": RESTRICTED} if restricted else {"access_right": "open"}
    return access | {
        "title": cff["title"],
        "description": description,
        "version": str(cff["version"]),
        "publication_date": str(cff["date-released"]),
        "upload_type": "software",
        "license": cff["license"],
        "creators": [{"name": one} for one in authors(cff)],
        "keywords": keywords,
        "notes": "; ".join(f"{name}: {what}" for name, what in licences.items()),
    }


def as_json(data: Any) -> str:
    """JSON with sorted keys, the same for the same data."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    if done.returncode:
        raise InputError("git does not answer here", str(root), "Archive from a clone of the repository")
    return done.stdout


def commit(root: Path) -> dict[str, str]:
    """Identifier and day (UTC) of the commit that is checked out; the project must be the top of a clone."""
    top = _git(root, "rev-parse", "--show-toplevel").strip()
    if Path(top).resolve() != root.resolve():
        raise InputError("The project is not a git clone of its own", str(root), "Archive from a clone")
    ident, seconds = _git(root, "log", "-1", "--format=%H %ct").split()
    return {"id": ident, "date": datetime.fromtimestamp(int(seconds), UTC).date().isoformat()}


def dirty(root: Path) -> list[str]:
    """Files that differ from the commit: changed, added or removed."""
    lines = _git(root, "status", "--porcelain=v1", "--untracked-files=all", "-z").split("\0")
    return sorted(line[3:] for line in lines if len(line) > 3)


def programs(root: Path) -> set[str]:
    """Files that the commit marks as executable."""
    lines = _git(root, "ls-files", "--stage", "-z").split("\0")
    return {line.partition("\t")[2] for line in lines if line.startswith("100755")}


def people(root: Path) -> list[str]:
    """Names and addresses in git's settings and history here, which no package may show."""
    words = _git(root, "log", "--format=%an%n%ae%n%cn%n%ce").splitlines()
    done = subprocess.run(
        ["git", "-C", str(root), "config", "--get-regexp", r"^user\.(name|email)$"], capture_output=True, text=True
    )
    words += [line.partition(" ")[2] for line in done.stdout.splitlines()]
    return sorted({word for word in words if "@" in word or len(word.split()) > 1})
