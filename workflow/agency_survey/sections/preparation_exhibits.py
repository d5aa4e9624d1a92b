"""Chapter 4, preparation: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

import pandas as pd

from agency_survey import figures, ledger, marks, tables
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text, num, slug
from agency_survey.sections import builders, cases, survey
from agency_survey.sections import preparation as section
from agency_survey.sections.builders import ALPHA, SIZE, aside, cell, quoted, value_cell
from agency_survey.sections.case_tables import most_often
from agency_survey.sections.preparation import ASSIGNED, COUNTS, DENIES, KNOWS, MEAN, OFFICERS, QUARTILES, STEPS, UNSURE
from agency_survey.sections.survey import ALL, LOCAL, LOCAL_NOTE, caption, communities
from agency_survey.tables import DASH, Table
from agency_survey.wording import joined

RULE = PREFIX = "preparation"
KEYS = {"Training": "trained", "Protocol or policy": "protocol", "Unit or personnel": "personnel"}
STEP_KEYS = KEYS | {section.UNIT: "unit"}
COUNT_KEYS = dict(zip(COUNTS, ["none", "one", "two", "three"], strict=True))
QUARTILE_KEYS = dict(zip(QUARTILES, ["lower", "median", "upper"], strict=True))
ASSIGNED_KEYS = dict(
    zip(ASSIGNED, ["detectives", "vice", "patrol", "trafficking-unit", "referred", "other"], strict=True)
)
REFERRED = ASSIGNED[4]
LAW_KEYS = {KNOWS: "has", DENIES: "has-not", UNSURE: "unsure"}
WORDS = {
    "Training": "training",
    "Protocol or policy": "a protocol or policy",
    "Unit or personnel": "a unit or personnel",
}
GROUPS = [ALL, "Agency type", SIZE, "Region", "Task force"]


def chapter(rows: pd.DataFrame, design: SurveyDesign, book: Codebook, settings: dict) -> Exhibits:
    """Exhibits of the chapter.

    rows, design : respondents with their answers (``national_survey.respondents``); book : codebook of Part I;
    settings : confidence_level, reliability, population_classes.
    """
    level, limits, synthetic = settings["confidence_level"], settings["reliability"], book.synthetic
    section.check(rows)
    parts = [part for part in survey.domains(rows, settings["population_classes"]) if part[0] in GROUPS]
    labels = {name: book.variables[name].label for name in section.FORMS}
    steps, checks = section.steps(rows, design, parts, level)
    steps = tables.masked(steps, limits)
    forms = tables.masked(section.forms(rows, design, labels, parts, level), limits)
    hours, percent = (
        builders.masked_values(section.amounts(rows, design, name, parts, level), limits)
        for name in ("q7_training_hours", "q8_officers_trained")
    )
    officers = tables.masked(section.officers_trained(rows, design, parts, level), limits)
    index = section.index_by_domain(rows, design, parts, level)
    counts, means = tables.masked(index.shares, limits), builders.masked_values(index.means, limits)
    reliability = section.reliability(rows, design, level)
    goes = tables.masked(section.assigned(rows, design, parts, level), limits)
    law, law_checks = section.state_law(rows, design, parts, level)
    law = tables.masked(law, limits)
    unsure = tables.masked(section.without_answer(rows, design, level), limits)

    numbers = ledger.Numbers(RULE)
    builders.add_shares(numbers, PREFIX, steps, STEP_KEYS, level)
    builders.add_tests(numbers, PREFIX, checks, KEYS)
    form_keys = {label: name.split("_", 1)[1].replace("_", "-") for name, label in labels.items()}
    builders.add_shares(numbers, f"{PREFIX}.form", forms, form_keys, level)
    for key, found, unit in (("hours", hours, "hours"), ("reach", percent, "percent of officers")):
        builders.add_values(
            numbers, f"{PREFIX}.{key}", found, QUARTILE_KEYS, level,
            format="count", unit=unit, estimator="weighted quantile, Woodruff's interval",
        )  # fmt: skip
    builders.add_shares(numbers, PREFIX, officers, {OFFICERS: "officers"}, level)
    builders.add_shares(numbers, f"{PREFIX}.index", counts, COUNT_KEYS, level)
    _add_index(numbers, index, means, reliability, level)
    builders.add_shares(numbers, f"{PREFIX}.assigned", goes, ASSIGNED_KEYS, level)
    builders.add_shares(numbers, f"{PREFIX}.law", law, LAW_KEYS, level)
    builders.add_tests(numbers, f"{PREFIX}.law", law_checks, LAW_KEYS)
    for row in unsure.itertuples():
        label = f"{row.question}: don't know"
        survey.add_share(numbers, f"{PREFIX}.dont-know.{slug(row.question)}", row, label, level)

    states = dict(rows[["state", "region"]].dropna().astype(str).itertuples(index=False))
    return builders.exhibits(
        numbers,
        [
            steps_table(steps, checks, limits, level, synthetic),
            forms_table(forms, limits, level, synthetic),
            amounts_table(hours, percent, officers, limits, level, synthetic),
            index_table(counts, means, index.checks, limits, level, synthetic),
            reliability_table(steps, reliability, limits, level, synthetic),
            assigned_table(goes, limits, level, synthetic),
            law_table(law, law_checks, limits, level, synthetic),
            unsure_table(unsure, limits, level, synthetic),
        ],
        [
            size_figure(steps, limits, level, synthetic),
            region_figure(steps, states, level, synthetic),
            index_figure(counts, synthetic),
            assigned_figure(goes, synthetic),
            law_figure(law, synthetic),
        ],
        {
            "findings": findings(checks, index.partners),
            "steps": steps_paragraph(numbers, steps, checks),
            "training": training_paragraph(section.form_used_most(rows, design, labels, level), form_keys),
            "index": index_paragraph(index, reliability),
            "assigned": assigned_paragraph(section.assigned_most(rows, design, level)),
            "law": law_paragraph(law, law_checks),
            "without-answer": unsure_paragraph(section.unsure_most(rows, design, level)),
        },
    )


def _add_index(numbers: ledger.Numbers, index: section.Index, means, reliability: section.Reliability, level) -> None:
    how = {"format": "number2", "unit": "steps of three", "estimator": "weighted mean, linearized variance"}
    builders.add_values(numbers, f"{PREFIX}.index", means, {MEAN: "mean"}, level, **how)
    builders.add_values(numbers, f"{PREFIX}.index", index.unsure_as_no, {MEAN: "mean-unsure-as-no"}, level, **how)
    builders.add_tests(numbers, PREFIX, index.checks, {MEAN: "index"})
    builders.add_difference(
        numbers, f"{PREFIX}.slope", index.slope, "Index: slope per class of population", LOCAL, "number2", "steps"
    )
    builders.add_difference(
        numbers, f"{PREFIX}.partners", index.partners, "Index: task-force partners less others", ALL, "number2", "steps"
    )
    numbers.add(
        f"{PREFIX}.reliability",
        reliability.value,
        format="number2",
        label="Reliability of the preparation index",
        unit="coefficient",
        domain=ALL,
        estimator="Kuder-Richardson formula 20 under the weights, linearized variance",
        se=reliability.se,
        interval=(reliability.low, reliability.high),
        level=level,
        n=reliability.n,
    )


# -- tables ------------------------------------------------------------------------------------------------------------


def _notes(*parts: str) -> str:
    return " ".join(parts)


def steps_table(steps, checks, limits: dict, level: float, synthetic: bool) -> Table:
    """The three steps, and a unit of one's own, in every domain."""
    columns = {name: name for name in STEPS} | {section.UNIT: "of which: unit"}
    return builders.domains_table(
        "tbl-preparation-steps",
        caption(f"Agencies that have taken each step: percent, with {level_text(level)} interval", synthetic),
        steps,
        columns,
        survey.source(synthetic),
        _notes(
            "n: agencies that answered, unweighted, the smallest of the counts. Unit: the agency has a specialized unit; "
            "a share of all agencies, like the others.",
            LOCAL_NOTE,
            survey.ALIKE_NOTE,
            builders.checks_note(checks),
        ),
        (24, 8, 18, 18, 18, 18),
        lambda row: cell(row, limits),
        checks,
        explained=marks.explained(limits),
    )


def forms_table(forms, limits: dict, level: float, synthetic: bool) -> Table:
    """Forms of training among agencies with training."""
    return builders.domains_table(
        "tbl-preparation-forms",
        caption(
            f"Forms of training in agencies that have trained officers: percent, with {level_text(level)} interval",
            synthetic,
        ),
        forms,
        {name: name for name in dict.fromkeys(forms["measure"])},
        survey.source(synthetic),
        _notes(
            "n: agencies with training that answered, unweighted, the smallest of the counts. Several forms could be named.",
            LOCAL_NOTE,
        ),
        (22, 7, 16, 16, 16, 16, 16),
        lambda row: cell(row, limits),
        explained=marks.explained(limits),
    )


def amounts_table(hours, percent, officers, limits: dict, level: float, synthetic: bool) -> Table:
    """Hours of training, percent of officers trained, and the share of all officers that this makes."""
    lines = []
    for domain in dict.fromkeys(hours["domain"]):
        here, there, share = (
            {row.measure: row for row in found[found["domain"] == domain].itertuples()}
            for found in (hours, percent, officers)
        )
        lines.append(
            {
                "Agencies": builders.domain_label(here["Median"]),
                "n": f"{min(here['Median'].n, there['Median'].n):,}",
                "Hours, median": value_cell(here["Median"], limits, 0),
                "Hours, quartiles": _quartiles(here, limits),
                "Officers trained, median percent": value_cell(there["Median"], limits, 0),
                "Quartiles of the percent": _quartiles(there, limits),
                "Percent of all officers": cell(share[OFFICERS], limits),
            }
        )
    data = pd.concat(
        [hours.assign(variable="hours"), percent.assign(variable="percent of officers"),
         officers.rename(columns={"share": "value"}).assign(variable="share of all officers")], ignore_index=True,
    )  # fmt: skip
    return builders.lines_table(
        "tbl-preparation-amounts",
        caption(f"Hours and reach of training, with {level_text(level)} interval", synthetic),
        lines,
        data,
        survey.source(synthetic),
        _notes(
            "Medians and quartiles over agencies with training, hours per trained officer, intervals of medians after "
            "Woodruff [-@woodruff1952]; n: those that answered, unweighted, the smaller of the two counts. Last column: "
            "trained officers over all sworn officers, agencies without training included; officers are those of the frame.",
            LOCAL_NOTE,
        ),
        (22, 7, 14, 14, 18, 14, 18),
        explained=marks.explained(limits),
    )


def _quartiles(at: dict, limits: dict) -> str:
    low, high = at["Lower quartile"], at["Upper quartile"]
    hidden = [text for text in (value_cell(row, limits) for row in (low, high)) if text in marks.ABSENT]
    if hidden:
        return marks.D if marks.D in hidden else marks.DASH
    return f"{low.value:.0f}{DASH}{high.value:.0f}"


def index_table(counts, means, checks, limits: dict, level: float, synthetic: bool) -> Table:
    """The index: shares of its values and its mean, in every domain."""
    found = pd.concat([counts, means], ignore_index=True)
    order = list(dict.fromkeys(counts["domain"]))
    found = found.assign(at=found["domain"].map(order.index)).sort_values("at", kind="stable").drop(columns="at")
    cells = {name: lambda row: cell(row, limits) for name in COUNTS}
    return builders.domains_table(
        "tbl-preparation-index",
        caption(
            f"The preparation index: percent of agencies by number of steps taken, and mean, with {level_text(level)} "
            "interval",
            synthetic,
        ),
        found,
        {name: name for name in [*COUNTS, MEAN]},
        survey.source(synthetic),
        _notes(
            "n: agencies that answered on all three steps, unweighted.",
            LOCAL_NOTE,
            survey.ALIKE_NOTE,
            builders.checks_note(checks),
        ),
        (22, 8, 17, 17, 17, 17, 17),
        cells | {MEAN: lambda row: value_cell(row, limits, 2, floor=0.0)},
        checks,
        explained=marks.explained(limits),
    )


def reliability_table(steps, found: section.Reliability, limits: dict, level: float, synthetic: bool) -> Table:
    """Items of the index, their correlations and the coefficient of reliability."""
    at = steps[steps["domain"] == ALL].set_index("measure")
    lines = []
    for name in STEPS:
        row = next(steps[(steps["domain"] == ALL) & (steps["measure"] == name)].itertuples())
        line = {"Item": name, "n": f"{row.n:,}", "Percent in place": cell(row, limits)}
        for other in STEPS:
            line[f"with {WORDS[other].removeprefix('a ')}"] = _phi(found.phi, name, other)
        lines.append(line)
    value = f"{found.value:.2f} ({found.low:.2f}{DASH}{found.high:.2f})"
    blank = dict.fromkeys(list(lines[0])[3:], "")
    lines.append({"Item": "**Reliability (KR-20)**", "n": f"{found.n:,}", "Percent in place": value} | blank)
    data = pd.DataFrame(
        [{"item": a, "with": b, "phi": r} for (a, b), r in found.phi.items()]
        + [{"item": name, "share": at.loc[name, "share"], "n": at.loc[name, "n"]} for name in STEPS]
        + [{"item": "KR-20", "value": found.value, "se": found.se, "low": found.low, "high": found.high, "n": found.n}]
    )
    return builders.lines_table(
        "tbl-preparation-reliability",
        caption("Items of the preparation index: shares, correlations and reliability", synthetic),
        lines,
        data,
        survey.source(synthetic),
        f"Correlations: phi, of agencies that answered on all three. KR-20: Kuder and Richardson's "
        f"[-@kuder1937] formula, which is Cronbach's [-@cronbach1951] alpha of yes-no items, with its {level_text(level)} interval "
        "from the linearized variance; all moments under the weights.",
        (24, 8, 22, 16, 16, 16),
        explained=marks.explained(limits),
    )


def _phi(phi: dict, name: str, other: str) -> str:
    return "" if name == other else f"{phi.get((name, other), phi.get((other, name))):.2f}"


def assigned_table(goes, limits: dict, level: float, synthetic: bool) -> Table:
    """Whom a case would go to, in every domain."""
    return builders.domains_table(
        "tbl-preparation-assigned",
        caption(f"To whom a case would be assigned: percent of agencies, with {level_text(level)} interval", synthetic),
        goes,
        {
            ASSIGNED[0]: "Detectives",
            ASSIGNED[1]: "Vice or organized crime",
            ASSIGNED[2]: "Patrol",
            ASSIGNED[3]: "Trafficking unit",
            ASSIGNED[4]: "Other agency",
            ASSIGNED[5]: "Other",
        },
        survey.source(synthetic),
        _notes(
            "n: agencies that answered, unweighted. Detectives: or investigations; trafficking unit: or officer; other "
            "agency: the case is referred. The last two lines split agencies by their answer on specialized personnel.",
            LOCAL_NOTE,
            survey.ALIKE_NOTE,
        ),
        (22, 7, 15, 15, 15, 15, 15, 13),
        lambda row: cell(row, limits),
        explained=marks.explained(limits),
    )


def law_table(law, checks, limits: dict, level: float, synthetic: bool) -> Table:
    """What agencies hold their state's law to be, in every domain."""
    return builders.domains_table(
        "tbl-preparation-law",
        caption(
            f"Whether the state has a law against trafficking, as agencies see it: percent, with {level_text(level)} "
            "interval",
            synthetic,
        ),
        law,
        {name: name for name in LAW_KEYS},
        survey.source(synthetic),
        _notes(
            "n: agencies that answered or said don't know, unweighted. The answers are what respondents hold to be so, right "
            "or wrong. The last two lines split agencies by whether they trained any officers.",
            LOCAL_NOTE,
            builders.checks_note(checks),
        ),
        (24, 8, 22, 22, 22),
        lambda row: cell(row, limits),
        checks,
        explained=marks.explained(limits),
    )


def unsure_table(unsure, limits: dict, level: float, synthetic: bool) -> Table:
    """Don't know, refused and left out, by question."""
    lines = [
        {
            "Question": row.question,
            "Answered": f"{row.n:,}",
            f"Don't know, percent ({level_text(level)} interval)": cell(row, limits),
            "Refused": f"{row.refused:,}",
            "Left out": f"{row.left_out:,}",
            **({"Not valid": f"{row.invalid:,}"} if unsure["invalid"].any() else {}),
        }
        for row in unsure.itertuples()
    ]
    return builders.lines_table(
        "tbl-preparation-without-answer",
        caption("Questions on preparation without an answer", synthetic),
        lines,
        unsure,
        survey.source(synthetic),
        _notes(
            "Answered: agencies that answered or said don't know; hours and percent were asked of agencies with training. "
            "Counts are unweighted.",
        ),
        (30, 12, 30, 10, 10, 10)[: len(lines[0])],
        explained=marks.explained(limits),
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def _by_size(found: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    data = found[found["breakdown"] == SIZE].reset_index(drop=True)
    return data, list(dict.fromkeys(data["domain"]))


def _counts(data: pd.DataFrame) -> str:
    return f"n = {data['n'].min():,} to {data['n'].max():,} local agencies by class."


def size_figure(steps, limits: dict, level: float, synthetic: bool) -> figures.Figure:
    """The three steps by population class, a panel each."""
    data, classes = _by_size(steps[steps["measure"].isin(list(STEPS))])
    data = data.dropna(subset="share").reset_index(drop=True)
    return builders.dots_figure(
        "fig-preparation-size",
        caption("Agencies with training, a protocol and specialized personnel, by population served", synthetic),
        data,
        {name: {"": name} for name in STEPS},
        survey.source(synthetic),
        f"{_counts(data)} Bars: {level_text(level)} logit intervals. Estimates that @tbl-preparation-steps does not "
        "show are not drawn.",
        column="measure",
        order=classes,
        xlabel="Percent of agencies",
        ylabel="Population served",
        opening="Three panels of points with intervals over classes of population served, in percent of agencies.",
        limit=None,
    )


def region_figure(steps, states: dict[str, str], level: float, synthetic: bool) -> figures.Figure:
    """Training by region on a tile map."""
    data = steps[(steps["breakdown"] == "Region") & (steps["measure"] == section.TRAINING)].reset_index(drop=True)
    return builders.region_map(
        "fig-preparation-region",
        caption("Agencies with any training on trafficking, by census region", synthetic),
        data,
        states,
        survey.source(synthetic),
        f"n = {data['n'].min():,} to {data['n'].max():,} agencies by region. All states of a region have its shade. Bars: "
        f"{level_text(level)} logit intervals.",
        label="Percent of agencies with training",
    )


def index_figure(counts, synthetic: bool) -> figures.Figure:
    """The index by population class."""
    data, classes = _by_size(counts)
    return builders.parts_figure(
        "fig-preparation-index",
        caption("Number of the three steps taken, by population served", synthetic),
        data,
        survey.source(synthetic),
        f"{_counts(data)} Lines: the intervals of @tbl-preparation-index.",
        bar="domain",
        bars=classes,
        parts=COUNTS[::-1],
        xlabel="Percent of agencies",
        ylabel="Population served",
        height=3.0,
    )


def assigned_figure(goes, synthetic: bool) -> figures.Figure:
    """Whom a case would go to, by population class."""
    data, classes = _by_size(goes)
    return builders.parts_figure(
        "fig-preparation-assigned",
        caption("To whom a case would be assigned, by population served", synthetic),
        data,
        survey.source(synthetic),
        f"{_counts(data)} Lines: the intervals of @tbl-preparation-assigned.",
        bar="domain",
        bars=classes,
        parts=ASSIGNED,
        xlabel="Percent of agencies",
        ylabel="Population served",
        height=5.0,
    )


def law_figure(law, synthetic: bool) -> figures.Figure:
    """What agencies hold their state's law to be, by population class."""
    data, classes = _by_size(law)
    return builders.parts_figure(
        "fig-preparation-law",
        caption("Whether the state has a law against trafficking, as agencies see it, by population served", synthetic),
        data,
        survey.source(synthetic),
        f"{_counts(data)} Lines: the intervals of @tbl-preparation-law.",
        bar="domain",
        bars=classes,
        parts=list(LAW_KEYS),
        xlabel="Percent of agencies",
        ylabel="Population served",
        height=3.0,
    )


# -- wording -----------------------------------------------------------------------------------------------------------


def _id(key: str, domain: str = ALL) -> str:
    return f"{PREFIX}.{key}.{slug(domain)}"


def _size_sentence(checks: pd.DataFrame) -> str:
    growing = [WORDS[name] for name in STEPS if builders.rising(checks, name)]
    if len(growing) == len(STEPS):
        return "All three are more common in larger communities"
    if not growing:
        return "None of the three is shown to be more common in larger communities"
    verb = "is" if len(growing) == 1 else "are"
    return f"Of the three, only {joined(growing)} {verb} shown to be more common in larger communities"


def findings(checks: pd.DataFrame, partners) -> str:
    """The chapter's opening findings."""
    better = partners.test.p < ALPHA and partners.value > 0
    ident = f"{PREFIX}.partners"
    last = (
        f"Partners of a federally funded task force have on average {quoted(ident)} more of the three in place than other "
        "agencies."
        if better
        else "Partners of a federally funded task force are not shown to be better prepared than other agencies."
    )
    return (
        f"Of municipal and county agencies, {quoted(_id('trained', LOCAL))} have given officers any training on human "
        f"trafficking, {quoted(_id('protocol', LOCAL))} have a protocol or policy, and "
        f"{quoted(_id('personnel', LOCAL))} a specialized unit or designated personnel (@tbl-preparation-steps). "
        f"{_size_sentence(checks)}; of all agencies, {quoted(_id('index.none'))} have taken none of the three steps and "
        f"{quoted(_id('index.three'))} all of them. {last}\n"
    )


def steps_paragraph(numbers: ledger.Numbers, steps: pd.DataFrame, checks: pd.DataFrame) -> str:
    """Smallest and largest communities, and the regions."""
    classes = _by_size(steps)[1]
    first, last = classes[0], classes[-1]
    keys = {
        name: key
        for name, key in KEYS.items()
        if all(builders.printable(numbers, _id(key, size)) for size in (first, last))
    }
    text = "@fig-preparation-size shows each step by population served. "
    if keys:
        small, large = (
            joined([f"{num(_id(key, size))} have {WORDS[name]}" for name, key in keys.items()])
            for size in (first, last)
        )
        text += f"Of the agencies in {communities(first)}, {small}; of those in {communities(last)}, {large}. "
    regions = [WORDS[name] for name in STEPS if builders.differs(checks, name, "Region")]
    same = [WORDS[name] for name in STEPS if not builders.differs(checks, name, "Region")]
    text += f"Regions are shown to differ in {joined(regions)}" if regions else "Regions are not shown to differ"
    text += f", not in {joined(same, 'or')}" if regions and same else ""
    return text + " (@fig-preparation-region maps training).\n"


def training_paragraph(most: cases.Leader, keys: dict[str, str]) -> str:
    """The form used most, hours and reach; keys : form -> key of its numbers."""
    return (
        f"Among the forms of training, {most_often(most)} ({aside(_id(f'form.{keys[most.name]}'))} of the agencies with "
        f"training; @tbl-preparation-forms). In the median agency with training a trained officer had "
        f"{num(_id('hours.median'))} hours of it; in the middle half of these agencies it was {num(_id('hours.lower'))} to "
        f"{num(_id('hours.upper'))} hours. The training reached {num(_id('reach.median'))} percent of the sworn officers of "
        f"the median agency with training, and {quoted(_id('officers'))} of all sworn officers in the country "
        "(@tbl-preparation-amounts).\n"
    )


def index_paragraph(index: section.Index, found: section.Reliability) -> str:
    """Mean and growth of the index, and what its reliability means."""
    growing = builders.rising(index.checks, MEAN)
    size = (
        f"It grows by {quoted(f'{PREFIX}.slope')} from one class of population to the next"
        if growing
        else "It is not shown to grow with population"
    )
    if found.high < 0.7:
        verdict = "below"
    elif found.low > 0.7:
        verdict = "above"
    else:
        verdict = "not shown to differ from"
    advice = (
        "so it sorts groups of agencies, not single ones, and the three steps are also shown apart"
        if verdict == "below"
        else "so the three steps can be read as one scale, though they are also shown apart"
    )
    return (
        f"On average agencies have {quoted(_id('index.mean'))} of the three steps in place "
        f"(@tbl-preparation-index, @fig-preparation-index). {size}. Agencies that answered don't know on a step are left out "
        f"here; were each don't know a no, the mean would be {num(_id('index.mean-unsure-as-no'))}. The coefficient of "
        f"reliability is {quoted(f'{PREFIX}.reliability')} (@tbl-preparation-reliability), {verdict} the seven tenths that "
        f"are often asked of a scale [@nunnally1978], {advice}.\n"
    )


def assigned_paragraph(most: cases.Leader) -> str:
    """To whom a case would most often go, and referral to others."""
    text = (
        f"Among those to whom a case would go, {most_often(most)} ({aside(_id(f'assigned.{ASSIGNED_KEYS[most.name]}'))} of "
        "agencies; @tbl-preparation-assigned, @fig-preparation-assigned). "
    )
    if most.name != REFERRED:
        text += f"{quoted(_id('assigned.referred'))} would refer it to another agency. "
    own = _id("assigned.trafficking-unit", "Unit or designated personnel")
    return text + (
        f"Of the agencies that have a unit or designated personnel, {quoted(own)} would give it to a trafficking unit or "
        "officer.\n"
    )


def law_paragraph(law: pd.DataFrame, checks: pd.DataFrame) -> str:
    """Knowledge of the law, and whether training goes with it."""
    trained, others = (_id("law.unsure", name) for name in ("Training", "No training"))
    text = (
        f"{quoted(_id('law.has'))} of agencies hold that their state has a law against trafficking, "
        f"{quoted(_id('law.has-not'))} that it has none, and {quoted(_id('law.unsure'))} don't know (@tbl-preparation-law, "
        "@fig-preparation-law). "
    )
    at = law[law["measure"] == UNSURE].set_index("domain")["share"]
    if builders.differs(checks, UNSURE, section.TRAINING):
        text += (
            f"Agencies that have trained officers don't know {'less' if at['Training'] < at['No training'] else 'more'} "
            f"often than those that have not: {num(trained)} against {num(others)}. "
        )
    else:
        text += "Agencies that have trained officers are not shown to know more often than others. "
    trend = builders.check_of(checks, UNSURE, SIZE, trend=True)
    if trend["p_adjusted"] < ALPHA:
        return (
            text
            + f"The share that does not know grows {'larger' if trend['slope'] > 0 else 'smaller'} with population.\n"
        )
    return text + "The share that does not know is not shown to change with population.\n"


def unsure_paragraph(most: cases.Leader) -> str:
    """The question that most often meets don't know."""
    return (
        "Don't know is an answer of its own, shown in @tbl-preparation-without-answer and left out of the shares, except "
        f"for the state's law, where it is shown as knowledge. Among the questions, {most_often(most, ' of it')} "
        f"({num(f'{PREFIX}.dont-know.' + slug(most.name))}).\n"
    )
