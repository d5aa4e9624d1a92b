"""Making a package: every reason against it first, then the payload, the crate, the bag, and the zip file."""

from __future__ import annotations

import csv
import getpass
import hashlib
import io
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from agency_survey import __version__, codebook, files, provenance, register, schema, settings
from agency_survey.archive import (
    bag,
    codebooks,
    crate,
    descriptions,
    mapping,
    public_use,
    readme,
    records,
    runs,
    scan,
    selection,
    zipping,
)
from agency_survey.errors import InputError
from agency_survey.render.dates import build_epoch

PASSED = "results/disclosure_audit/passed.json"
MANIFEST = "results/render/manifest.json"
EFFECTS = (
    "id",
    "file",
    "record",
    "variable",
    "old_value",
    "new_value",
    "kind",
    "where",
    "what",
    "old",
    "new",
    "printed",
)
GENERATED = "generated description"
PUBLIC_USE = "public-use records"
STAND_IN = re.compile(r"stand-?in", re.IGNORECASE)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A finished package: the zip file, its SHA-256 digest, the file beside it, and counts."""

    path: Path
    digest: str
    run: Path
    files: int
    unpacked: int


def make(root: Path, flavour: str, out: Path, say: Say = print) -> Made:
    """Make ``out``/<name>-<version>-<flavour>.zip and the run's file beside it.

    Raises InputError with all reasons at once when the project is not fit to be archived; nothing is written then.
    """
    chosen = selection.load(root)
    commit = descriptions.commit(root)
    choice = selection.choose(root, chosen, flavour)
    free = selection.synthetic(root)
    look = _Scan(root, chosen, flavour, free)
    say(f"{len(choice.entries)} files chosen; scanning them for what no package may hold ...")
    against = [*refusals(root, choice), *(one.words() for one in look.sources(choice.entries))]
    if against:
        raise refused(against)
    name = f"{chosen['name']}-{__version__}-{flavour}"
    with tempfile.TemporaryDirectory(prefix="archive-") as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        kinds = {entry.target: entry.kind for entry in choice.entries}
        for entry in choice.entries:
            target = folder / entry.target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / entry.source, target)
        say("Describing them ...")
        jobs = runs.jobs(root)
        _generate(root, folder, kinds, flavour, name, chosen, commit, jobs, free)
        found = look.payload(folder, kinds) + findings(folder, kinds)
        if found:
            raise refused([one.words() for one in found])
        date = commit["date"]
        bag.make(folder, _info(root, name, date, commit, flavour))
        programs = {f"data/{chosen['renamed'].get(one, one)}" for one in descriptions.programs(root)}
        packed = sorted(path for path in folder.rglob("*") if path.is_file())
        path = out / f"{name}.zip"
        names = [path.relative_to(folder).as_posix() for path in packed]
        zipping.write(path, name, [(n, p, n in programs) for n, p in zip(names, packed, strict=True)])
        size = sum(one.stat().st_size for one in packed)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    beside = out / f"{name}-run.json"
    files.write_json(beside, crate.run_entries(runs.measured(root, jobs), path.name) | {"sha256": digest})
    return Made(path, digest, beside, len(packed), size)


def refused(reasons: list[str]) -> InputError:
    """One error with all reasons, each on its line."""
    count = f"{len(reasons)} reasons" if len(reasons) > 1 else "a reason"
    return InputError(
        f"No package is made, for {count}:\n  " + "\n  ".join(reasons) + "\nMend that, then run `make archive` again"
    )


def refusals(root: Path, choice: selection.Choice) -> list[str]:
    """What speaks against archiving the folder as it stands, before anything is made."""
    said = [f"{name} differs from the commit; commit or undo it." for name in descriptions.dirty(root)]
    said += [f"The build is not current: {one}" for one in provenance.status(root)]
    said += [
        f"{name} is declared by no rule of {selection.SETTINGS}; declare it or remove it." for name in choice.undeclared
    ]
    said += [f"No file fits {one}, which {selection.SETTINGS} requires." for one in choice.missing]
    said += [f"{one} would have one name in the package." for one in selection.shared_names(choice.entries)]
    said += _book(root) + _disclosure(root) + _prose(root)
    cited = str(descriptions.citation(root)["version"])
    if cited != __version__:
        said.append(f"CITATION.cff says version {cited} and the program {__version__}; make them agree.")
    return said


def _book(root: Path) -> list[str]:
    """Whether the book is the one that the last render left."""
    if not (root / MANIFEST).is_file():
        return ["There is no book; run `make report`."]
    listed, base = files.read_json(root / MANIFEST, "files")["files"], root / "reports/_book"
    said = []
    for name, known in listed.items():
        path = base / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != known["sha256"]:
            said.append(f"reports/_book/{name} is not what the book's manifest says; run `make report`.")
    there = (
        {path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()} if base.is_dir() else set()
    )
    return said + [
        f"reports/_book/{name} is in no manifest; run `make report`." for name in sorted(there - set(listed))
    ]


def _disclosure(root: Path) -> list[str]:
    """Whether the disclosure audit, where the workflow has one, was passed."""
    if not list((root / "workflow/rules").glob("*_disclosure_audit.smk")):
        return []
    if not (root / PASSED).is_file():
        return [
            f"The disclosure audit was not passed ({PASSED} is not there); run `make report`, and suppress what it names."
        ]
    leaks = files.read_json(root / PASSED, "leaks")["leaks"]
    return [f"The disclosure audit found {leaks} leaks; suppress what it names."] if leaks else []


def _prose(root: Path) -> list[str]:
    """Whether the hand-written statement on the data fits them: real records are no stand-in."""
    told = STAND_IN.search((root / readme.PROSE).read_text(encoding="utf-8"))
    if selection.synthetic(root) or not told:
        return []
    return [
        f"{readme.PROSE} speaks of a stand-in, but the codebooks say that the records are real; say where these are from."
    ]


class _Scan:
    """The scan of a package in the making: of the project's files first, then of what was generated to describe them."""

    def __init__(self, root: Path, chosen: dict, flavour: str, free: bool):
        self.root, self.chosen = root, chosen
        self.words = (
            secrets(root),
            external_variables(root),
            set() if free or flavour != "public" else own_identifiers(root),
        )
        self.known = fingerprints(root, chosen)
        self.read: set[str] = set()

    def sources(self, entries: list[selection.Entry]) -> list[scan.Finding]:
        """Findings over the project's files under their names in the package."""
        names = {entry.target: self.root / entry.source for entry in entries}
        found = scan.scan(names, self.chosen, self.known, *self.words)
        self.read = set(names)
        return [one for one in found if one.check != "missing"]

    def payload(self, folder: Path, kinds: dict[str, str]) -> list[scan.Finding]:
        """Findings over the whole payload; what was read before is not read again."""
        return scan.scan({name: folder / name for name in kinds}, self.chosen, self.known, *self.words, self.read)


def own_identifiers(root: Path) -> set[str]:
    """Identifiers of the survey's own records that have a letter; numbers alone could be any."""
    found: set[str] = set()
    for book in codebook.load_survey(root / register.CODEBOOKS).values():
        path, names = root / f"results/ingest/{book.name}.parquet", [n for n in book.key if n in book.variables]
        if not path.is_file():
            continue
        table = files.read_parquet(path)
        for name in names:
            if book.variables[name].disclosure == "direct_identifier":
                found |= {str(value) for value in table[name].dropna().unique()}
    return {one for one in found if len(one) > 4 and re.search(r"[A-Za-z]", one) and re.search(r"\d", one)}


def findings(folder: Path, kinds: dict[str, str]) -> list[scan.Finding]:
    """What the crate or the exhibit map lacks."""
    names = {name: folder / name for name in kinds}
    text = (folder / crate.METADATA).read_text(encoding="utf-8")
    found = [scan.Finding("crate", crate.METADATA, one.rstrip(".")) for one in crate.problems(text, set(kinds))]
    exhibits = mapping.parse((folder / "exhibits.csv").read_text(encoding="utf-8"))
    return found + [
        scan.Finding("exhibit map", "exhibits.csv", one.rstrip(".")) for one in mapping.problems(exhibits, names)
    ]


def fingerprints(root: Path, chosen: dict, folder: Path | None = None) -> records.Fingerprints:
    """Fingerprints of the external files that are at hand: in ``folder``, else where the settings say."""
    given = folder or root / settings.lemas_folder(settings.load(root / "config/config.yaml"))
    return records.read(given, schema.load(root / "config/external.yaml", "external"), chosen["external"])


def external_variables(root: Path) -> set[str]:
    """Names of the variables of external files that the survey's own files do not have."""
    books = root / "config/codebooks"
    own = {name.lower() for book in codebook.load_survey(books).values() for name in book.variables}
    found: set[str] = set()
    for path in sorted(books.glob("lemas_*.yaml")):
        found |= set(codebook.load(path).variables)
    return {name for name in found if name.lower() not in own}


def secrets(root: Path) -> list[str]:
    """Words of this machine and its people that no package may show."""
    public = (root / "CITATION.cff").read_text(encoding="utf-8")
    words = [str(root), str(root.resolve()), os.environ.get("LEMAS_DIR", "")]
    words += [one for one in descriptions.people(root) if one not in public]
    home, host = str(Path.home()), platform.node()
    words += [home] if home.count("/") > 1 else []
    words += [host] if len(host) > 5 and re.search(r"\d", host) else []
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    words += [f"/{user}/"] if len(user) > 3 else []
    return [word for word in words if word and word not in ("/", ".")]


def _info(root: Path, name: str, date: str, commit: dict[str, str], flavour: str) -> dict[str, str]:
    """bag-info.txt. The day of bagging is that of the commit: from then on the content was fixed."""
    cff = descriptions.citation(root)
    access = {"Access": descriptions.RESTRICTED} if flavour == "restricted" else {}
    return access | {
        "Source-Organization": ", ".join(descriptions.authors(cff)),
        "External-Description": cff["title"],
        "External-Identifier": name,
        "Source-Commit": commit["id"],
        "Bagging-Date": date,
        "Bag-Software-Agent": f"agency-survey {__version__}, bagit {version('bagit')}",
    }


def _generate(
    root: Path,
    folder: Path,
    kinds: dict[str, str],
    flavour: str,
    name: str,
    chosen: dict,
    commit: dict,
    jobs: list[dict],
    free: bool,
) -> None:
    """Write what describes the payload into it; ``kinds`` gets the new files. free : all survey records are synthetic."""

    def add(target: str, content: str | bytes, kind: str = GENERATED) -> None:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        kinds[target] = kind

    cff = descriptions.citation(root)
    study = schema.load(root / "config/study.yaml", "study")
    external = list(schema.load(root / "config/external.yaml", "external").values())
    exhibits = mapping.exhibits(root)
    record = files.read_json(root / provenance.BUILD)
    description = f"{cff['title']}. {study['synthetic']}" if free else cff["title"]
    public = flavour == "public"
    installed = runs.packages(root)
    add("exhibits.csv", mapping.as_csv(exhibits))
    variables = codebooks.read(root / "results/questionnaire/ddi.xml")
    add("codebook/codebook.csv", codebooks.as_csv(variables))
    add("codebook/codebook.html", codebooks.as_html(variables, f"Codebook: {study['title']}"))
    if free or not public:  # of real data, an entry tells a record's answer
        add("corrections/effects.csv", _effects(root))
    else:
        for target, content in public_use.make(root).items():
            add(target, content, PUBLIC_USE)
    add("provenance/jobs.json", descriptions.as_json(runs.stable(jobs)))
    stable = {key: record[key] for key in ("version", "python", "engine", "state", "inputs", "config") if key in record}
    add(
        "provenance/build.json",
        descriptions.as_json(
            stable | {"commit": commit, "packages": installed, "book": files.read_json(root / MANIFEST)}
        ),
    )
    pins = [f"{one}=={installed[one]}" for one in sorted(installed)]
    add("codemeta.json", descriptions.as_json(descriptions.codemeta(cff, description, record["python"], pins)))
    add(
        ".zenodo.json", descriptions.as_json(descriptions.zenodo(cff, description, study["keywords"], not public, free))
    )
    facts = _facts(root, folder, kinds, flavour, name, chosen, commit, jobs, exhibits, external, installed, free)
    text = readme.markdown(facts, (root / readme.PROSE).read_text(encoding="utf-8"))
    add("README.md", text)
    add(
        "README.pdf",
        readme.pdf(text, f"README: {cff['title']}", build_epoch(settings.report_date(root / "reports/_quarto.yml"))),
    )
    add("inventory.csv", _inventory(folder, kinds))
    about = {
        "title": cff["title"],
        "description": description,
        "version": __version__,
        "date": str(cff["date-released"]),
        "license": cff["license"],
        "authors": descriptions.authors(cff),
        "identifier": name,
        "snakemake": version("snakemake"),
        "python": record["python"],
        "external": {f"{runs.EXTERNAL}{one['file']}": one for one in external},
        "digests": {crate.WORKFLOW: hashlib.sha256((folder / crate.WORKFLOW).read_bytes()).hexdigest()},
    }
    add(crate.METADATA, "{}")
    described = {target: kind for target, kind in kinds.items() if target != crate.METADATA}
    add(
        crate.METADATA,
        descriptions.as_json(crate.build(folder, described, _renamed(runs.stable(jobs), chosen["renamed"]), about)),
    )


def _renamed(jobs: list[dict], names: dict[str, str]) -> list[dict]:
    """Jobs with the payload's paths."""
    return [
        {**job, **{key: {names.get(n, n): d for n, d in job[key].items()} for key in ("inputs", "outputs")}}
        for job in jobs
    ]


def _facts(
    root: Path, folder: Path, kinds: dict, flavour: str, name: str, chosen: dict, commit: dict, jobs: list[dict],
    exhibits: list[mapping.Exhibit], external: list[dict], installed: dict[str, str], free: bool,
) -> readme.Facts:  # fmt: skip
    cff = descriptions.citation(root)
    record = files.read_json(root / provenance.BUILD)
    manifest = files.read_json(root / MANIFEST, "versions")
    size = sum((folder / one).stat().st_size for one in kinds)
    return readme.Facts(
        title=cff["title"],
        version=__version__,
        flavour=flavour,
        package=name,
        commit=commit,
        authors=descriptions.authors(cff),
        python=record["python"],
        packages=installed,
        direct=runs.direct(root),
        synthetic=free,
        engine={"engine": manifest["engine"], "versions": manifest["versions"]},
        platform=f"{platform.system()} ({platform.machine()})",
        costs=runs.costs(jobs, size),
        files=dict(kinds),
        records={one: _rows(folder / one) for one in kinds if one.endswith((".csv", ".parquet"))},
        external=external,
        exhibits=exhibits,
        seeds=readme.seeds(root),
        needs_external={
            job: sorted(n.removeprefix(runs.EXTERNAL) for n in found) for job, found in runs.needs(jobs).items()
        },
        references=list(cited(root).values()),
        citations=cited(root),
        duplicates=chosen["duplicates"],
        left_out=selection.reasons(chosen, flavour, free),
    )


def _rows(path: Path) -> int:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_metadata(path).num_rows
    text = path.read_bytes().decode("latin-1")
    return max(0, sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row) - 1)


def cited(root: Path) -> dict[str, str]:
    """The book's references by key, as its page prints them."""
    from html import unescape

    page = (root / "reports/_book/references.html").read_text(encoding="utf-8")
    found = re.findall(r'<div id="ref-([^"]*)"[^>]*>(.*?)</div>', page, flags=re.DOTALL)
    return {key: " ".join(unescape(re.sub(r"<[^>]+>", "", one)).split()) for key, one in found}


def _inventory(folder: Path, kinds: dict[str, str]) -> str:
    """Every file with what it is, its size and digest."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("file", "what", "bytes", "sha256"))
    for name in sorted(kinds):
        data = (folder / name).read_bytes()
        table.writerow((name, kinds[name], len(data), hashlib.sha256(data).hexdigest()))
    return out.getvalue()


def _effects(root: Path) -> str:
    """What each correction moved in the report; the numbers are built once more without each entry."""
    entries = register.entries(root, codebook.load_survey(root / register.CODEBOOKS))
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(EFFECTS)
    for entry, moved in register.moved_by(root, entries) if entries else ():
        common = (entry.id, entry.file, entry.record, entry.variable, entry.old_value, entry.new_value)
        table.writerows((*common, one.kind, one.where, one.what, one.old, one.new, one.printed) for one in moved)
        if not moved:
            table.writerow((*common, "nothing", "", "", "", "", ""))
    return out.getvalue()
