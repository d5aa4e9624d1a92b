"""One sentence for a build that failed: that of the first failed job's log, else what Snakemake said."""

from __future__ import annotations

import traceback
from pathlib import Path

from agency_survey.errors import InputError, explain_os_error


def explained(root: Path, failure: Exception | None, failed: list[dict], messages: list[str]) -> InputError:
    """``sentence``, with the traceback of the failure in logs/build.log."""
    log = root / "logs" / "build.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("".join(traceback.format_exception(failure)), encoding="utf-8")
    return sentence(failure, failed, messages)


def sentence(failure: Exception | None, failed: list[dict], messages: list[str]) -> InputError:
    """The error to raise. failed : rule and log files of the jobs that failed; messages : Snakemake's errors."""
    for job in failed:
        for log in job["log"]:
            text = Path(log).read_text(encoding="utf-8", errors="replace") if Path(log).is_file() else ""
            _, found, said = ("\n" + text).rpartition("\nerror: ")
            if found:
                return InputError(f"{said.strip().rstrip('.')}\n[rule {job['rule']}, log {log}]")
            if text.strip():
                return InputError(
                    f"The rule {job['rule']} failed: {text.strip().splitlines()[-1]}",
                    log,
                    "The log has the details",
                )
        return InputError(f"The rule {job['rule']} failed and left no log", fix="Run `make report VERBOSE=1`")
    cause = failure
    while cause is not None:
        if isinstance(cause, InputError):
            return cause
        if isinstance(cause, OSError):
            return explain_os_error(cause)
        cause = cause.__cause__ or cause.__context__
    text = next((m for m in [*messages, str(failure)] if m and m != "None"), "it gave no reason")
    text = " ".join(text.split())
    if "Missing input files for rule" in text and "affected files:" in text:
        rule = text.split("Missing input files for rule ", 1)[1].split(":", 1)[0]
        lost = text.split("affected files: ", 1)[1].replace(" ", ", ")
        return InputError(f"The rule {rule} needs files that are not there: {lost}", fix="Restore them")
    return InputError(f"Snakemake stopped: {text}")
