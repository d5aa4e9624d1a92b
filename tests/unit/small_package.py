"""A small package for tests: a bag of a few dozen files, and a made-up file of the layout that users' files have."""

from __future__ import annotations

import random
from pathlib import Path

from agency_survey.archive import bag, crate, descriptions, zipping

WORDS = ["table", "figure", "number", "text", "share", "county", "city", "chief", "agency", "report"]


def payload(folder: Path, files: int = 30) -> dict[str, str]:
    """Write a payload; returns what each file is."""
    chance = random.Random(7)
    kinds = {}
    for number in range(files):
        name = f"results/rule{number % 4}/tables/tbl-{number}.csv"
        rows = [f"{chance.choice(WORDS)},{chance.randint(1, 99)}" for _ in range(chance.randint(20, 300))]
        _write(folder / name, "what,count\n" + "\n".join(rows) + "\n")
        kinds[name] = "results"
    for name, text in {
        "Snakefile": "rule all:\n    input: []\n",
        "workflow/scripts/rule0.py": '"""Makes a table."""\n',
        "results/ledger/numbers.json": '{"numbers": {}}\n',
        "data/raw/part1.csv": "agency_id,answer\nAB12C9,1\n",
        "LICENSE": "All of this is made up.\n",
        "README.md": "# A small package\n",
    }.items():
        _write(folder / name, text)
        kinds[name] = "file"
    return kinds


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def about() -> dict:
    """What the crate says of the small package."""
    return {
        "title": "A small package",
        "description": "Made for tests",
        "version": "1.0",
        "date": "2026-01-31",
        "license": "MIT",
        "authors": ["The project"],
        "identifier": "small-1.0",
        "python": "3.11",
        "snakemake": "9.27.1",
        "external": {},
        "digests": {"Snakefile": "0" * 64},
    }


def jobs() -> list[dict]:
    """The stable record of one job."""
    return [
        {
            "name": "rule0",
            "rule": "rule0",
            "wildcards": [],
            "command": "python workflow/scripts/rule0.py",
            "settings": None,
            "inputs": {"data/raw/part1.csv": "0" * 64, "workflow/scripts/rule0.py": "0" * 64},
            "outputs": {"results/rule0/tables/tbl-0.csv": "0" * 64, "results/ledger/numbers.json": "0" * 64},
        }
    ]


def package(folder: Path, name: str = "small-1.0-public") -> Path:
    """Make a package; returns the zip file."""
    base = folder / name
    base.mkdir(parents=True)
    kinds = payload(base)
    metadata = crate.build(base, kinds, jobs(), about())
    (base / crate.METADATA).write_text(descriptions.as_json(metadata), encoding="utf-8")
    bag.make(base, {"Bagging-Date": "2026-01-31", "External-Identifier": name, "Bag-Software-Agent": "tests"})
    content = [(p.relative_to(base).as_posix(), p, p.suffix == ".py") for p in base.rglob("*") if p.is_file()]
    zipping.write(folder / f"{name}.zip", name, content)
    return folder / f"{name}.zip"


FILE = "lemas_2099.tsv"
IDENTIFIERS = {"identifiers": ["AGENCYID", "ORI9"], "names": "AGENCYNAME"}
TYPES = ("POLICE DEPARTMENT", "SHERIFF'S OFFICE", "STATE PATROL")
SYLLABLES = ("KA", "LO", "MI", "NU", "RE", "SA", "TO", "VE", "WI", "ZO")


def external(folder: Path, records: int = 300) -> tuple[Path, dict[str, dict]]:
    """A made-up file with the columns of the users' files, and its entry of the register (with another digest)."""
    chance = random.Random(11)
    header = ["AGENCYID", "AGENCYNAME", "ORI9", "ZIP", "POPSERVED", "OPBUDGET", "STRATA", "WEIGHT"]
    header += [f"ITEM{number}" for number in range(60)]
    rows = []
    for _ in range(records):
        place = "".join(chance.choices(SYLLABLES, k=3))
        row = [
            str(chance.randint(200_000, 799_999)),
            f"{place} {chance.choice(TYPES)}",
            f"{place[:2]}{chance.randint(0, 9_999_999):07d}",
            f"{chance.randint(501, 99_950):05d}",
            str(chance.randint(1_001, 899_999)),
            str(chance.randint(100_001, 99_999_999)),
            str(chance.randint(1, 15)),
            f"{chance.uniform(1, 9):.9f}",
        ]
        rows.append(row + [str(chance.choice([1, 2, 1, 2, 0, 3, 5, 8, 12, 17, -8, -9])) for _ in range(60)])
    path = folder / FILE
    path.write_text("\n".join("\t".join(row) for row in [header, *rows]) + "\n", encoding="ascii")
    return path, {"lemas_2099": {"file": FILE, "sha256": "f" * 64}}
