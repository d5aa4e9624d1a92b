"""`make archive`, `make verify` and `make compare`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from agency_survey.archive import verdicts
from agency_survey.errors import InputError

DIST = "dist"


def archive(root: Path, flavour: str) -> None:
    """Make the package and say what it is."""
    from agency_survey.archive import descriptions, pack

    started = time.monotonic()
    made = pack.make(root, flavour, root / DIST)
    print(f"\nThe package is made: {time.monotonic() - started:.0f} s, {made.files:,} files.")
    print(
        f"  archive  {made.path.relative_to(root)}  ({made.path.stat().st_size / 1e6:.1f} MB, {made.unpacked / 1e6:.1f} MB unpacked)"
    )
    print(f"  SHA-256  {made.digest}")
    if flavour == "restricted":
        print(f"  access   {descriptions.RESTRICTED}")
    print(f"  the run  {made.run.relative_to(root)}  (times, memory and machine of the packaged build)")
    print(f"`make verify ARCHIVE={made.path.relative_to(root)}` proves it.")


def verify(root: Path, given: str, cores: int, quick: bool, out: str | None) -> None:
    """Verify a package, write the report beside it (or into ``out``), and fail when it does not hold."""
    from agency_survey.archive import verify as prove

    path = Path(given)
    report = prove.verify(path, cores, prove.folder_of_lemas(os.environ.get("LEMAS_DIR")), quick)
    stem = (Path(out) if out else path.parent) / f"{path.name.removesuffix('.zip')}-verification"
    written = verdicts.write(report, stem)
    for one in report.checks:
        print(f"  {one.state:<8}  {one.name}")
    for kind, row in verdicts.counts(report).items():
        print(f"  {kind + 's':<8}  " + ", ".join(f"{count} {word}" for word, count in sorted(row.items())))
    if report.verdicts:
        print(f"  outputs   {report.identical:,} of {len(report.outputs):,} came out the same to the byte")
    print(f"  report    {', '.join(str(one) for one in written)}")
    if report.failed:
        said = [said for one in report.failed for said in one.said]
        raise InputError(
            f"The archive is refused ({path.name}):\n  " + "\n  ".join(said[:50]) + f"\nVerdict: {report.overall}"
        )
    print(f"Verdict: {report.overall}.")


def compare(first: str, second: str) -> None:
    """Say what moved in the report between two packages, as `make changes` does, and which other files differ."""
    from agency_survey.archive import compare as between

    print(between.text(Path(first), Path(second)))
