"""Proving a package from its zip file alone: intact, whole, safe, mapped; then rebuilt and compared."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from agency_survey import files
from agency_survey.archive import bag, crate, mapping, pack, rebuild, scan, selection, verdicts, zipping
from agency_survey.archive.verdicts import LEFT, PASSED, REFUSED, Check, Report
from agency_survey.errors import InputError

METADATA = f"data/{crate.METADATA}"
Say = Callable[[str], None]


def verify(path: Path, cores: int, lemas: Path | None, quick: bool, say: Say = print) -> Report:
    """Run all checks; the later ones only where the package is intact, the rebuild only where nothing was found wrong."""
    report = Report(_facts(path), [])
    contents = _intact(path, report)
    if quick or report.failed:
        return report
    with tempfile.TemporaryDirectory(prefix="verify-") as temporary:
        folder = zipping.unpack(path, Path(temporary), contents)
        payload = folder / "data"
        names = {one.relative_to(payload).as_posix(): one for one in sorted(payload.rglob("*")) if one.is_file()}
        _contents(folder, payload, names, lemas, report, say)
        if report.failed:
            report.checks.append(Check("rebuild", LEFT, ["the checks before it were not passed"]))
            return report
        if withheld := rebuild.withheld(payload):
            said = f"needs the survey's own records, which only the restricted package has: {', '.join(withheld)}"
            report.checks.append(Check("the package rebuilds in an empty folder", LEFT, [said]))
            return report
        _rebuild(payload, Path(temporary), names, cores, lemas, report, say)
    return report


def _facts(path: Path) -> dict:
    if path.is_dir():
        raise InputError("The archive is a folder", str(path), "Name the zip file: make verify ARCHIVE=dist/<name>.zip")
    if not path.is_file():
        raise InputError(
            "There is no such archive", str(path), "Name the zip file: make verify ARCHIVE=dist/<name>.zip"
        )
    return {
        "archive": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }


def _check(report: Report, name: str, run: Callable[[], list[str]]) -> bool:
    """Run one check and keep what it says; whether it was passed."""
    started = time.monotonic()
    try:
        said = run()
    except InputError as error:
        said = [str(error)]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        said = [f"The archive is damaged: {error}."]
    report.checks.append(Check(name, REFUSED if said else PASSED, said, time.monotonic() - started))
    return not said


def _intact(path: Path, report: Report) -> zipping.Contents | None:
    """Checks of the zip file without unpacking it: its structure, the bag's manifests, the crate's description."""
    found: list[zipping.Contents] = []

    def container() -> list[str]:
        contents, problems = zipping.check(path)
        if contents is not None:
            found.append(contents)
        return problems

    def manifests() -> list[str]:
        texts = _read(path, found[0], (bag.TAGS[2], bag.TAG_MANIFEST))
        lost = [f"{name} is lacking." for name in (bag.TAGS[2], bag.TAG_MANIFEST) if name not in texts]
        parsed = [bag.parse(texts.get(name, ""), name) for name in (bag.TAGS[2], bag.TAG_MANIFEST)]
        return lost or bag.compare(found[0].digests, *parsed)

    def described() -> list[str]:
        text = _read(path, found[0], (METADATA,)).get(METADATA)
        if text is None:
            return [f"{METADATA} is lacking."]
        payload = {name.removeprefix("data/") for name in found[0].digests if name.startswith("data/")}
        return crate.problems(text, payload)

    _check(report, "the zip file is intact and harmless", container)
    beside = path.with_name(f"{path.name.removesuffix('.zip')}-run.json")
    if beside.is_file():
        _check(report, "the zip file is the one that the run's file beside it names", lambda: _named(beside, report))
    if found:
        _check(report, "every file is the one of the bag's manifest", manifests)
    if found and not report.failed:
        _check(report, "the crate describes every file and the run", described)
    return found[0] if found else None


def _named(beside: Path, report: Report) -> list[str]:
    """Whether the archive has the digest that was noted when it was made."""
    known = files.read_json(beside).get("sha256")
    same = known == report.facts["sha256"]
    return [] if same else [f"Its SHA-256 digest is not the one in {beside.name}; one of the two was changed."]


def _read(path: Path, contents: zipping.Contents, names: tuple[str, ...]) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {
            name: archive.read(f"{contents.top}/{name}").decode("utf-8", "replace")
            for name in names
            if name in contents.digests
        }


def _contents(
    folder: Path, payload: Path, names: dict[str, Path], lemas: Path | None, report: Report, say: Say
) -> None:
    """Checks of the unpacked package."""
    say("Checking the bag, the crate and the exhibit map ...")
    _check(report, "the library bagit finds the bag valid", lambda: bag.valid(folder))
    _check(report, "the library rocrate reads the crate", lambda: _loads(payload))
    _check(report, "every figure, table and number is mapped to rule, script, line and output", lambda: _mapped(names))
    say("Scanning for what no package may hold ...")
    settings = selection.load(payload)
    known = pack.fingerprints(payload, settings, lemas or folder)
    variables = pack.external_variables(payload)
    found: list[scan.Finding] = []
    started = time.monotonic()
    try:
        found = scan.scan(names, settings, known, (), variables)
    except (InputError, OSError) as error:
        found = [scan.Finding("scan", "the payload", str(error).rstrip("."))]
    report.checks.append(Check(f"scan of {len(names):,} files", PASSED, [], time.monotonic() - started))
    for check, what in scan.CHECKS.items():
        said = [one.words() for one in found if one.check == check]
        state = REFUSED if said else PASSED
        if check == "external record" and not known.files and not said:
            state, said = LEFT, ["needs the LEMAS files: name their folder in LEMAS_DIR"]
        if check == "person":
            state, said = LEFT, ["only the machine that makes a package knows its own names"]
        if check == "survey record" and not said:
            state, said = LEFT, ["only the makers of a package know the survey's identifiers"]
        report.checks.append(Check(f"scan: {what}", state, said))
    other = [one.words() for one in found if one.check not in scan.CHECKS]
    if other:
        report.checks.append(Check("scan", REFUSED, other))


def _loads(payload: Path) -> list[str]:
    from rocrate.rocrate import ROCrate

    try:
        read = ROCrate(str(payload))
    except (ValueError, KeyError, TypeError) as error:
        return [f"The library rocrate cannot read the crate: {error}."]
    return [] if read.mainEntity is not None else ["The library rocrate finds no main entity."]


def _mapped(names: dict[str, Path]) -> list[str]:
    if "exhibits.csv" not in names:
        return ["exhibits.csv is lacking."]
    return mapping.problems(mapping.parse(names["exhibits.csv"].read_text(encoding="utf-8")), names)


def _rebuild(
    payload: Path, temporary: Path, names: dict[str, Path], cores: int, lemas: Path | None, report: Report, say: Say
) -> None:
    """Unpack a second copy without anything built, build it twice, and compare."""
    project = temporary / "rebuilt"
    _copy(payload, project)
    alone, lacking = rebuild.isolation(), rebuild.lacking(payload, lemas)
    report.facts |= {
        "network": "none: the rebuild ran in a network namespace without interfaces" if alone else
        "not cut off: this machine has no network namespaces for it",
        "external_files_lacking": ", ".join(sorted(lacking)) or "none",
        "packages": _packages(payload),
    }  # fmt: skip
    say(f"Rebuilding everything in an empty folder{', without network' if alone else ''} ...")
    first = rebuild.build(project, cores, lemas, temporary / "home", alone)
    report.facts["rebuild_seconds"] = round(first.seconds, 1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    report.facts["rebuild_memory_mb_of_the_largest_process"] = round(peak)
    size = sum(path.stat().st_size for path in project.rglob("*") if path.is_file() and not path.is_symlink())
    report.facts["rebuilt_folder_mb"] = round(size / 1e6, 1)
    report.checks.append(
        Check(
            "the package rebuilds in an empty folder",
            PASSED if first.done else REFUSED,
            [] if first.done else [first.said[-2000:]],
            first.seconds,
        )
    )
    if not first.done:
        return
    say("Comparing every output ...")
    compared = rebuild.Comparison(payload, project, lacking)
    outputs = compared.outputs()
    report.identical = sum(one.state == rebuild.IDENTICAL for one in outputs)
    report.outputs = outputs
    exhibits = mapping.parse(names["exhibits.csv"].read_text(encoding="utf-8"))
    report.verdicts = verdicts.of_exhibits(exhibits, compared, outputs)
    wrong = [f"{one.name}: {one.why}." for one in outputs if one.state == rebuild.DIFFERENT]
    wrong += [] if lacking else [f"{name}: the packaged build has no such output." for name in compared.extra()]
    report.checks.append(Check("every output compares equal", REFUSED if wrong else PASSED, wrong))
    say("Building once more ...")
    second = rebuild.build(project, cores, lemas, temporary / "home", alone)
    said = (
        [] if second.done and not second.jobs else [second.said[-500:], *(f"{job} ran again." for job in second.jobs)]
    )
    report.checks.append(Check("the second build runs nothing", REFUSED if said else PASSED, said, second.seconds))


def _copy(payload: Path, project: Path) -> None:
    shutil.copytree(payload, project)
    rebuild.bare(project)


def _packages(payload: Path) -> str:
    """Whether the installed packages are those of the packaged build."""
    known = json.loads((payload / "provenance/build.json").read_text(encoding="utf-8"))["packages"]
    other = []
    for name, wanted in known.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "not installed"
        if found != wanted:
            other.append(f"{name} {found} (packaged build: {wanted})")
    return "the versions of the packaged build" if not other else "other versions: " + ", ".join(other)


def folder_of_lemas(given: str | None) -> Path | None:
    """Folder of the LEMAS files that a user names."""
    if not given:
        return None
    path = Path(given).resolve()
    if not path.is_dir():
        raise InputError("LEMAS_DIR is a folder that is not there", given, "Name the folder that holds the files")
    return path
