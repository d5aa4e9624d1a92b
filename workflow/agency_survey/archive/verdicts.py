"""What a verification found, as Markdown, JSON and JUnit XML, with a verdict for each exhibit in the data editors' words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agency_survey import files
from agency_survey.archive.mapping import Exhibit
from agency_survey.archive.rebuild import DIFFERENT, IDENTICAL, MINOR, NEEDS, TOLERANCE, Compared, Comparison

REPRODUCED, SMALL, FAILED = "reproduced", "minor differences", "not reproduced"
PASSED, REFUSED, LEFT = "passed", "failed", "not done"


@dataclass
class Check:
    """One check of a package: passed, failed with what is wrong, or not done with the reason."""

    name: str
    state: str
    said: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What became of one exhibit."""

    kind: str
    number: str
    id: str
    verdict: str
    why: str
    rule: str


@dataclass
class Report:
    """A whole verification. facts : archive, digest, machine, times; outputs : what is not identical."""

    facts: dict
    checks: list[Check]
    verdicts: list[Verdict] = field(default_factory=list)
    outputs: list[Compared] = field(default_factory=list)
    identical: int = 0

    @property
    def failed(self) -> list[Check]:
        """Checks that were not passed."""
        return [one for one in self.checks if one.state == REFUSED]

    @property
    def overall(self) -> str:
        """One verdict over all."""
        if self.failed or any(one.verdict == FAILED for one in self.verdicts):
            return FAILED if self.verdicts else "refused"
        if not self.verdicts:
            return "intact, not rebuilt"
        needed = sum(one.verdict.startswith("not rebuilt") for one in self.verdicts)
        small = any(one.verdict == SMALL for one in self.verdicts) or any(one.state == MINOR for one in self.outputs)
        words = SMALL if small else REPRODUCED
        return f"{words}, but for {needed} exhibits that need files to bring" if needed else words


def of_exhibits(found: list[Exhibit], compared: Comparison, outputs: list[Compared]) -> list[Verdict]:
    """A verdict for each figure, table and number of the map."""
    by_name = {one.name: one for one in outputs}
    verdicts = []
    for one in found:
        if one.kind == "number":
            parts = [compared.number(one.id)]
        else:
            parts = [
                by_name.get(name, Compared(name, DIFFERENT, "no job makes it")) for name in one.outputs.split("; ")
            ]
        verdict, why = _worst(parts)
        verdicts.append(Verdict(one.kind, one.number, one.id, verdict, why, one.rule))
    return verdicts


def _worst(parts: list[Compared]) -> tuple[str, str]:
    for state, word in ((DIFFERENT, FAILED), (NEEDS, "not rebuilt"), (MINOR, SMALL)):
        hit = [one for one in parts if one.state == state]
        if hit:
            if state == NEEDS:
                return f"not rebuilt: needs {hit[0].why}", ""
            return word, "; ".join(f"{one.name}: {one.why}" for one in hit)
    return REPRODUCED, ""


def counts(report: Report) -> dict[str, dict[str, int]]:
    """How many figures, tables and numbers have each verdict."""
    found: dict[str, dict[str, int]] = {}
    for one in report.verdicts:
        row = found.setdefault(one.kind, {})
        row[one.verdict] = row.get(one.verdict, 0) + 1
    return found


def write(report: Report, stem: Path) -> list[Path]:
    """Write <stem>.md, .json and .xml; returns the paths."""
    paths = [stem.with_name(stem.name + end) for end in (".md", ".json", ".xml")]
    files.write_text(paths[0], markdown(report))
    files.write_json(paths[1], as_dict(report))
    files.write_text(paths[2], junit(report))
    return paths


def as_dict(report: Report) -> dict:
    """For JSON."""
    return {
        "overall": report.overall,
        "facts": report.facts,
        "tolerance": TOLERANCE,
        "checks": [asdict(one) for one in report.checks],
        "counts": counts(report),
        "identical_outputs": report.identical,
        "other_outputs": [asdict(one) for one in report.outputs if one.state != IDENTICAL],
        "exhibits": [asdict(one) for one in report.verdicts],
    }


def markdown(report: Report) -> str:
    """For people."""
    lines = [f"# Verification of {report.facts['archive']}", "", f"Verdict: **{report.overall}**.", ""]
    lines += [f"- {key.replace('_', ' ')}: {value}" for key, value in report.facts.items() if key != "archive"]
    lines += ["", "## Checks", "", "| Check | Result | Seconds |", "|---|---|---|"]
    lines += [f"| {one.name} | {one.state} | {one.seconds:.1f} |" for one in report.checks]
    for one in report.checks:
        if one.said:
            lines += ["", f"### {one.name}: {one.state}", "", *(f"- {said}" for said in one.said)]
    if report.verdicts:
        lines += ["", "## Exhibits", ""]
        for kind, row in counts(report).items():
            lines.append(f"- {kind}s: " + ", ".join(f"{n} {word}" for word, n in sorted(row.items())))
        lines += ["", "| Exhibit | Id | Rule | Verdict | What differs |", "|---|---|---|---|---|"]
        lines += [
            f"| {one.kind} {one.number.replace('|', '/')} | {one.id} | {one.rule} | {one.verdict} | {one.why} |"
            for one in report.verdicts
        ]
        other = [one for one in report.outputs if one.state != IDENTICAL]
        lines += ["", "## Outputs", "", f"{report.identical} files came out the same to the byte."]
        if other:
            lines += ["", "| File | State | Why |", "|---|---|---|"]
            lines += [f"| {one.name} | {one.state} | {one.why} |" for one in other]
    return "\n".join(lines) + "\n"


def junit(report: Report) -> str:
    """For machines that run tests: one case a check and one an exhibit."""
    suites = ET.Element("testsuites", name=report.facts["archive"])
    checks = ET.SubElement(suites, "testsuite", name="checks", tests=str(len(report.checks)),
                           failures=str(len(report.failed)), skipped=str(sum(c.state == LEFT for c in report.checks)))  # fmt: skip
    for one in report.checks:
        case = ET.SubElement(checks, "testcase", classname="checks", name=one.name, time=f"{one.seconds:.3f}")
        if one.state == REFUSED:
            ET.SubElement(case, "failure", message=one.said[0] if one.said else "").text = "\n".join(one.said)
        elif one.state == LEFT:
            ET.SubElement(case, "skipped", message="; ".join(one.said))
    if report.verdicts:
        bad = sum(one.verdict == FAILED for one in report.verdicts)
        idle = sum(one.verdict.startswith("not rebuilt") for one in report.verdicts)
        suite = ET.SubElement(
            suites, "testsuite", name="exhibits", tests=str(len(report.verdicts)), failures=str(bad), skipped=str(idle)
        )
        for one in report.verdicts:
            case = ET.SubElement(suite, "testcase", classname=f"exhibits.{one.kind}", name=one.id)
            if one.verdict == FAILED:
                ET.SubElement(case, "failure", message=one.why)
            elif one.verdict.startswith("not rebuilt"):
                ET.SubElement(case, "skipped", message=one.verdict)
            elif one.verdict == SMALL:
                ET.SubElement(case, "system-out").text = one.why
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
