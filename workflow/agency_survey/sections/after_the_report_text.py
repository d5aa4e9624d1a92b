"""Chapter 10, after the report: the sentences whose wording follows the results.

Sentences name numbers by id, so that the book prints and links them; a wave that is not there is said to be missing.
"""

from __future__ import annotations

import pandas as pd

from agency_survey import ledger, lemas
from agency_survey.sections import after_the_report as section

ALPHA = 0.05


def _num(ident: str, field: str = "") -> str:
    return ledger.num(f"after-the-report.{ident}", field)


def missing(register: dict[int, dict], status: dict[int, dict], folder: str) -> str:
    """Which waves are missing or altered and how to get them; with all there, one sentence that says so."""
    absent = [wave for wave in register if status[wave]["state"] != "verified"]
    if not absent:
        return "All waves that the settings ask for are in this build, each verified by its SHA-256 digest.\n"
    lines = ["::: {.callout-warning}", "## Data that this build lacks", ""]
    for wave in absent:
        entry, state = register[wave], status[wave]
        what = (
            f"the file `{entry['file']}` is not in the folder for external data"
            if state["state"] == "missing"
            else f"the file `{entry['file']}` is not the one that the register expects (its SHA-256 digest begins with "
            f"`{state['sha256'][:12]}`, expected is `{entry['sha256'][:12]}`)"
        )
        lines += [
            f"- **{entry['title']}** ({entry['study']}, {entry['version']}): {what}. {entry['obtain'].strip()} "
            f"Expected name: `{entry['file']}`; folder: `{folder}`, or the one that `LEMAS_DIR` names. "
            f"Terms: {entry['terms']}"
        ]
    return "\n".join([*lines, "", "What rests on them is left out below and says so.", ":::", ""])


def _direction(value: float, p: float) -> str:
    if not p < ALPHA:
        return "did not change by more than sampling error explains"
    return "rose" if value > 0 else "fell"


UNCERTAIN = ledger.UNCERTAIN


def _printable(sentences: list[str], shown: set[str] | None) -> list[str]:
    """Sentences whose every number may be shown (all, where ``shown`` is None)."""
    return [s for s in sentences if shown is None or ledger.names(s) <= shown]


def findings(change: section.Change | None, has: set[int], shown: set[str] | None = None) -> str:
    """The chapter's opening findings; shown : ids of the numbers that may be shown."""
    parts = []
    if 2020 in has:
        parts.append(
            f"In 2020, {_num('2020.none.all-agencies')} of the nation's local police departments, sheriffs' offices and "
            f"state agencies ({_num('2020.none.all-agencies', 'ci')}) said that their jurisdiction does not have the "
            f"problem of human trafficking, and {_num('2020.prepared.all-agencies')} "
            f"({_num('2020.prepared.all-agencies', 'ci')}) had a full-time unit or designated personnel for it: from "
            f"{_num('2020.prepared.lowest-class')} of those serving the smallest communities to "
            f"{_num('2020.prepared.highest-class')} of those serving the largest."
        )
    if change is not None:
        rows = change.table[change.table["domain"] == "All agencies"].set_index("answer")
        none, ready = rows.loc[lemas.ANSWERS[4]], rows.loc[section.UNIT_OR_PERSONNEL]
        parts.append(
            f"From 2016 to 2020 the share that sees no such problem {_direction(none['change'], none['p'])} (change: "
            f"{_num('change.none')}, {_num('change.none', 'ci')}), and the share with a unit or designated personnel "
            f"{_direction(ready['change'], ready['p'])} ({_num('change.prepared')}, {_num('change.prepared', 'ci')})."
        )
    if 2007 in has:
        parts.append(
            f"In 2007, the year of the national survey, {_num('2007.task-force.all-agencies')} of agencies "
            f"({_num('2007.task-force.all-agencies', 'ci')}) had an officer on a human trafficking task force."
        )
    if not parts:
        return "No LEMAS wave is available to this build, so this chapter has no findings; see the notice below.\n"
    parts = _printable(parts, shown)
    return " ".join(parts) + "\n" if parts else UNCERTAIN


def change_paragraph(change: section.Change | None) -> str:
    """What the test of the whole distribution says."""
    if change is None:
        return "The change from 2016 to 2020 needs both waves; this build lacks at least one of them.\n"
    differ = change.overall.p < ALPHA
    verdict = "differ" if differ else "do not differ by more than sampling error explains"
    reading = (
        "Such a change within so few years may also reflect how the questionnaires led to the question; LEMAS asked it among a "
        "list of issues in both years. It should be read as a change in answers, not as a change in trafficking."
        if differ
        else "That answers are not shown to have changed does not mean that trafficking has not."
    )
    return (
        f"The distributions of the five answers in 2016 and 2020 {verdict} (Wald test, p "
        f"{_num('change.overall.p')}). The 2016 answers are taken to be coded as in 2020: the question is the same, but "
        f"the codebook of 2016 was not at hand. {reading}\n"
    )


def task_force_paragraph(has: set[int], same: bool = False) -> str:
    """2007: the two counts that could be missing codes; same : both readings print the same share."""
    if 2007 not in has:
        return "The share of agencies on a task force in 2007 needs that wave, which this build lacks.\n"
    outcome = (
        f"leaves the share at {_num('2007.task-force.without-doubtful')}"
        if same
        else f"gives {_num('2007.task-force.without-doubtful')} instead of {_num('2007.task-force.all-agencies')}"
    )
    return (
        "@fig-lemas-taskforce and @tbl-lemas-taskforce give the share of agencies with an officer assigned, full or part "
        "time, to a human trafficking task force. The counts of officers hold the values eight and nine, which are "
        "missing codes in one-digit items of the same file, for "
        f"{_num('2007.task-force.doubtful')} agencies; they are read as counts here. Reading them as missing "
        f"{outcome}.\n"
    )


def model_paragraph(fit, has: set[int]) -> str:
    """What the logit says, with verbs that follow the tests."""
    if 2020 not in has:
        return "The regression needs the wave of 2020, which this build lacks.\n"
    row = fit.table().set_index("term")
    size, type_ = row.loc["log2_population"], row.loc["sheriff"]
    first = (
        f"Each doubling of the population served multiplies the odds of having a unit or designated personnel by "
        f"{_num('logit.population')} ({_num('logit.population', 'ci')})"
        if size["p"] < ALPHA
        else "The odds of having a unit or designated personnel are not shown to depend on the population served "
        f"(odds ratio per doubling {_num('logit.population')}, {_num('logit.population', 'ci')})"
    )
    second = (
        f"at the same population, the odds of sheriffs' offices are {'higher' if type_['coefficient'] > 0 else 'lower'} "
        f"than those of local police departments (odds ratio {_num('logit.sheriff')}, {_num('logit.sheriff', 'ci')})"
        if type_["p"] < ALPHA
        else "at the same population, sheriffs' offices and local police departments are not shown to differ (odds ratio "
        f"{_num('logit.sheriff')}, {_num('logit.sheriff', 'ci')})"
    )
    return f"{first}; {second}. @tbl-lemas-logit gives the model and @fig-lemas-logit what it predicts.\n"


def weights_paragraph(has: set[int]) -> str:
    """How the weights came about, wave by wave."""
    parts = []
    if 2020 in has:
        parts.append(
            "For 2020 the file holds the whole sample, so the non-response adjustment is recomputed from base weight, "
            f"disposition and stratum; it equals the distributed factor to {_num('weights.largest-difference')} "
            "(@tbl-lemas-weights)."
        )
    if has & {2007, 2016}:
        years = " and ".join(str(wave) for wave in sorted(has & {2007, 2016}))
        parts.append(f"For {years} the file holds respondents only, and the distributed weights are used as they are.")
    return (" ".join(parts) or "No LEMAS wave is available to this build.") + "\n"


def reproduction_paragraph(compared: pd.DataFrame | None) -> str:
    """How many published figures agree to the printed digits; compared : table of ``reproduction.compare``."""
    if compared is None:
        return "No published figure can be rebuilt without the LEMAS files.\n"
    first = (
        f"Of {_num('reproduction.figures')} published estimates, counts, weights and standard errors, "
        f"{_num('reproduction.agree')} agree with the rebuilt value to the printed digits; among these the largest "
        f"difference is {_num('reproduction.worst')} of the printed unit, and one half would still agree."
    )
    odd = compared[~compared["agrees"]]
    if odd.empty:
        return first + "\n"
    second = f" The remaining figures, {_num('reproduction.disagree')} in all, do not"
    explained = (odd["why"] != "").all()
    return (
        first + second + (", for the reason that the notes of @tbl-lemas-reproduction give.\n" if explained else ".\n")
    )


def headline(has: set[int], shown: set[str] | None = None) -> str:
    """The sentence of the book's first page."""
    if 2020 not in has:
        return "The real LEMAS data of 2020 are not available to this build, so it has no headline from them.\n"
    sentence = (
        f"In 2020, {_num('2020.none.all-agencies')} of general-purpose agencies ({_num('2020.none.all-agencies', 'ci')}) "
        f"said that their jurisdiction does not have the problem of human trafficking; "
        f"{_num('2020.prepared.all-agencies')} ({_num('2020.prepared.all-agencies', 'ci')}) had a unit or designated "
        "personnel (@sec-after-the-report).\n"
    )
    return sentence if _printable([sentence], shown) else UNCERTAIN
