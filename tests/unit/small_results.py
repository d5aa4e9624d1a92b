"""A small project with results of two builds: numbers, a table, a figure, texts, a chapter, records of jobs."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import zlib
from pathlib import Path

from agency_survey.ledger import Numbers

TABLE = (
    "breakdown,domain,measure,share,se,low,high,n,p\n"
    "Size,Small,Yes,0.4,0.02,0.36,0.44,30,0.04\n"
    "Size,Large,Yes,0.5,0.05,0.4,0.6,12,0.2\n"
)
PRINTED = (
    "| Agencies | n | Yes |\n|:---|---:|---:|\n| Small | 30 | 40.0 (36.0\N{EN DASH}44.0) |\n"
    "| **Large** | 12 | 50.0\\* (40.0\N{EN DASH}60.0) |\n\n: Agencies, by size (synthetic stand-in) {#tbl-a}\n\n"
    "::: {.table-note}\nn: answers. Source: synthetic stand-in.\n:::\n"
)
FIGURE = (
    '![A picture (synthetic stand-in)](results/alpha/figures/fig-a.png){#fig-a fig-alt="Two bars <of> sizes"}\n\n'
    "::: {.figure-note}\nSource: synthetic stand-in.\n:::\n"
)


def png(shade: int) -> bytes:
    """A picture of one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes([0, shade])))
        + chunk(b"IEND", b"")
    )


def numbers() -> dict:
    """Published numbers of the rule 'alpha', by id."""
    found = Numbers("alpha")
    common = {"domain": "all", "estimator": "mean", "n": 40, "level": 0.95}
    found.add(
        "alpha.rare", 0.4331, format="percent1", unit="share", label="Rare", se=0.01, interval=(0.41, 0.45), **common
    )
    found.add("alpha.gap.p", 0.04, format="p", unit="p-value", label="Gap", **common)
    found.add(
        "alpha.gap",
        0.1,
        format="points1",
        unit="difference of shares",
        label="Gap",
        se=0.04,
        interval=(0.02, 0.18),
        **common,
    )
    found.add("alpha.odds", 1.5, format="number2", unit="odds ratio", label="Odds", interval=(1.05, 2.1), **common)
    found.add("alpha.hidden", None, format="percent1", unit="share", label="Hidden", **common)
    return {ident: {"rule": "alpha", **entry} for ident, entry in found.numbers.items()}


def write(path: Path, data: str | bytes) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def project(root: Path) -> Path:
    """A project folder with a finished build and its records; returns it."""
    book = 'book:\n  title: T\n  author: A\n  date: "2026-01-31"\n  chapters: [index.qmd, 03-alpha.qmd]\n'
    write(root / "reports/_quarto.yml", f'synthetic-notice: "All synthetic."\n{book}')
    write(root / "reports/index.qmd", "# About\n\nThe share is {{< num alpha.rare >}}.\n")
    chapter = (
        "# Alpha things {#sec-a}\n\nIt *is* known. The gap is\n{{< num alpha.gap >}} (p {{< num alpha.gap.p >}}).\n"
    )
    write(
        root / "reports/03-alpha.qmd",
        f"{chapter}\n{{{{< include results/alpha/text/size.md >}}}}\n\n{{{{< include results/alpha/tables/tbl-a.md >}}}}\n",
    )
    write(root / "data/corrections.csv", "id,file,record,variable,old_value,new_value\n")
    write(root / "config/config.yaml", "limits: {hide: 10}\n")
    write(root / "workflow/agency_survey/alpha.py", "def rate(x):\n    return x\n")
    results = root / "results"
    for name, data in {
        "tables/tbl-a.csv": TABLE,
        "tables/tbl-a.md": PRINTED,
        "figures/fig-a.csv": "size,share\nSmall,0.4\n",
        "figures/fig-a.md": FIGURE,
        "figures/fig-a.png": png(10),
        "text/size.md": "Small ones say {{< num alpha.rare >}}.\n",
    }.items():
        write(results / "alpha" / name, data)
    write(results / "ledger/numbers.json", json.dumps({"numbers": numbers()}))
    write(results / "alpha/numbers.json", json.dumps({"rule": "alpha", "numbers": numbers()}))
    write(results / "clean/part1.csv", "a\n1\n")
    record(root)
    return root


def record(root: Path, settings: dict | None = None, python: str = "3.11") -> None:
    """Write the records of the jobs clean and alpha, and build.json, of the files as they are."""
    settings = settings or {"limits": {"hide": 10}}
    jobs = {
        "clean": (["data/corrections.csv", "data/raw/part1.csv"], ["results/clean/part1.csv"], None),
        "alpha": (
            ["results/clean/part1.csv", "workflow/agency_survey/alpha.py", "requirements/runtime.txt"],
            [
                f"results/{path.relative_to(root / 'results').as_posix()}"
                for path in (root / "results/alpha").rglob("*.*")
            ],
            settings,
        ),
    }
    for name, (inputs, outputs, own) in jobs.items():
        entry = {
            "rule": name,
            "wildcards": [],
            "command": f"python workflow/scripts/{name}.py" + (f" --settings {json.dumps(own)}" if own else ""),
            "settings": own,
            "inputs": {path: digest(root / path) for path in inputs if (root / path).is_file()},
            "outputs": {path: digest(root / path) for path in sorted(outputs)},
            "reason": "",
            "seconds": 1.0,
            "peak_mb": None,
        }
        write(root / f"results/provenance/{name}.json", json.dumps(entry))
    sources = ["data/corrections.csv", "workflow/agency_survey/alpha.py"]
    build = {
        "version": "1",
        "python": python,
        "state": "s",
        "config": settings,
        "inputs": {path: digest(root / path) for path in sources},
    }
    write(root / "results/build.json", json.dumps(build))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(root: Path, name: str = "after") -> Path:
    """A copy of the project beside it."""
    target = root.with_name(name)
    shutil.copytree(root, target)
    return target


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replace a text that must be in a file."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def edit_number(root: Path, ident: str, **values) -> None:
    """Change fields of a published number; ``text`` is merged."""
    path = root / "results/ledger/numbers.json"
    data = json.loads(path.read_text())
    entry = data["numbers"][ident]
    entry["text"] |= values.pop("text", {})
    entry |= values
    path.write_text(json.dumps(data))
