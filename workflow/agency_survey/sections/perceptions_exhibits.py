"""Chapter 3, perceptions: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks, tables, wording
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text, num, slug
from agency_survey.sections import builders, cases, survey
from agency_survey.sections import perceptions as section
from agency_survey.sections.builders import aside, cell
from agency_survey.sections.case_tables import how_many, most_often
from agency_survey.sections.perceptions import EVERY, FORMS, LITTLE, PREVALENT, RATINGS
from agency_survey.sections.survey import LOCAL_NOTE, add_share, caption, communities
from agency_survey.tables import Table

RULE = PREFIX = "perceptions"
KEYS = {
    "q1_sex_residents": "sex-residents",
    "q2_sex_foreign_nationals": "sex-foreign",
    "q3_labour_residents": "labour-residents",
    "q4_labour_foreign_nationals": "labour-foreign",
    "sex_over_labour": "sex-over-labour",
}
MEASURES = dict(zip(RATINGS, ["widespread", "occasional", "rare", "non-existent"], strict=True)) | {
    PREVALENT: "prevalent",
    LITTLE: "rare-or-none",
}
ALPHA = 0.05
MAPPED = FORMS["q1_sex_residents"]  # the form that is mapped
UNSURE = " of leaders who answer that they don't know"


def chapter(rows: pd.DataFrame, design: SurveyDesign, book: Codebook, settings: dict) -> Exhibits:
    """Exhibits of the chapter.

    rows, design : respondents with their answers (``national_survey.respondents``); book : codebook of Part I;
    settings : confidence_level, reliability, population_classes.
    """
    level, limits, synthetic = settings["confidence_level"], settings["reliability"], book.synthetic
    parts = survey.domains(rows, settings["population_classes"])
    labels = {name: book.variables[name].label for name in section.SOURCES}
    found = section.by_form(rows, design, parts, level)
    every = section.every_form(rows, design, parts, level)
    unsure = section.without_rating(rows, design, level)
    named = section.sources(rows, design, labels, parts, level)
    differences = section.size_differences(rows, design, parts, level)
    checks = section.group_tests(rows, design, parts)
    states = dict(rows[["state", "region"]].dropna().astype(str).itertuples(index=False))
    opening = findings(every, differences, limits)
    found, every, unsure, named = (tables.masked(part, limits) for part in (found, every, unsure, named))
    numbers = _numbers(found, every, unsure, named, differences, level)
    builders.add_tests(numbers, PREFIX, checks, {form: KEYS[name] for name, form in FORMS.items()})
    texts = {
        "findings": opening,
        "size": size_paragraph(differences, checks),
        "region": region_paragraph(checks),
        "without-rating": unsure_paragraph(section.unsure_most(rows, design, level)),
        "sources": sources_paragraph(named, section.source_named_most(rows, design, labels, level)),
    }
    return builders.exhibits(
        numbers,
        [
            ratings_table(found, limits, level, synthetic),
            groups_table(found, checks, limits, level, synthetic),
            every_table(every, limits, level, synthetic),
            unsure_table(unsure, limits, level, synthetic),
            sources_table(named, limits, level, synthetic),
        ],
        [
            ratings_figure(found, synthetic),
            size_figure(found, limits, level, synthetic),
            region_figure(found, states, limits, level, synthetic),
            sources_figure(named, level, synthetic),
        ],
        texts,
    )


def _numbers(found, every, unsure, named, differences, level) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    for row in found.itertuples():
        ident = f"{PREFIX}.{KEYS[row.variable]}.{MEASURES[row.measure]}.{slug(row.domain)}"
        add_share(numbers, ident, row, f"{row.form}: {row.measure.lower()}", level)
    of_every = {label: MEASURES[measure] for measure, label in EVERY.items()}
    for row in every.itertuples():
        add_share(
            numbers,
            f"{PREFIX}.every-form.{of_every[row.measure]}.{slug(row.domain)}",
            row,
            row.measure,
            level,
        )
    for row in unsure.itertuples():
        add_share(numbers, f"{PREFIX}.{KEYS[row.variable]}.dont-know", row, f"{row.form}: don't know", level)
    for row in named.itertuples():
        key = row.variable.split("_", 1)[1].replace("_", "-")
        add_share(
            numbers,
            f"{PREFIX}.source.{key}.{slug(row.domain)}",
            row,
            f"Source of the picture: {row.measure}",
            level,
        )
    for entry in differences:
        form = FORMS.get(entry.name, "Sex less labor trafficking")
        common = {"unit": "difference of shares", "domain": survey.LOCAL}
        ident = f"{PREFIX}.difference.{KEYS[entry.name]}"
        label = f"{form}, widespread or occasional: largest communities less the others"
        numbers.add(
            ident,
            entry.value,
            format="points1",
            label=label,
            estimator="contrast of domain means, linearized variance",
            se=entry.se,
            interval=(entry.low, entry.high),
            level=level,
            **common,
        )
        numbers.add(f"{ident}.p", entry.p, format="p", label=f"p-value: {label}", estimator="t test", **common)
    return numbers


# -- tables ----------------------------------------------------------------------------------------------------------


def ratings_table(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """All agencies: share of each rating, by form."""
    data = found[(found["domain"] == survey.ALL) & (found["measure"] != PREVALENT)].reset_index(drop=True)
    shown = [{"Rating": "n", **{form: f"{part['n'].iloc[0]:,}" for form, part in data.groupby("form", sort=False)}}]
    for measure, part in data.groupby("measure", sort=False):
        label = f"**{measure}**" if measure == LITTLE else measure
        shown.append({"Rating": label, **{row.form: cell(row, limits) for row in part.itertuples()}})
    return Table(
        "tbl-perceptions-ratings",
        caption(
            f"Perceived prevalence in the agency's community: percent of agencies, with {level_text(level)} interval",
            synthetic,
        ),
        pd.DataFrame(shown),
        data,
        survey.source(synthetic),
        "n: agencies that rated the form, unweighted; those that answered don't know or gave no answer are left out and "
        "shown in @tbl-perceptions-without-rating.",
        widths=(24, 19, 19, 19, 19),
        marks=marks.explained(limits),
    )


def groups_table(found: pd.DataFrame, checks: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Rare or non-existent by form, in every domain, with tests over the groups."""
    data = found[found["measure"] == LITTLE].reset_index(drop=True)
    return builders.domains_table(
        "tbl-perceptions-groups",
        caption(
            f"Agencies that rate a form rare or non-existent: percent, with {level_text(level)} interval",
            synthetic,
        ),
        data.assign(measure=data["form"]),
        {form: form for form in FORMS.values()},
        survey.source(synthetic),
        "n: agencies that rated the form, unweighted, the smallest of the four counts. "
        + f"{LOCAL_NOTE} {survey.ALIKE_NOTE} {builders.checks_note(checks)}",
        (22, 8, 18, 18, 18, 18),
        lambda row: cell(row, limits),
        checks,
        explained=marks.explained(limits),
    )


def every_table(every: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Agencies that rate every form non-existent, or rare or non-existent, by type and size."""
    data = every[every["breakdown"].isin([survey.ALL, "Agency type", "Population served"])].reset_index(drop=True)
    return builders.domains_table(
        "tbl-perceptions-every-form",
        caption(
            f"Agencies that see little or no trafficking of any form: percent, with {level_text(level)} interval",
            synthetic,
        ),
        data,
        {name: name for name in EVERY.values()},
        survey.source(synthetic),
        "n: agencies that rated at least one form, unweighted; forms that an agency did not rate are left out of account. "
        + f"{LOCAL_NOTE}",
        (34, 8, 28, 28),
        lambda row: cell(row, limits),
        explained=marks.explained(limits),
    )


def unsure_table(unsure: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Don't know, refused and left out, by form."""
    shown = [
        {
            "Form of trafficking": row.form,
            "Answered": f"{row.n:,}",
            f"Don't know, percent ({level_text(level)} interval)": cell(row, limits),
            "Refused": f"{row.refused:,}",
            "Left out": f"{row.left_out:,}",
            **({"Not valid": f"{row.invalid:,}"} if unsure["invalid"].any() else {}),
        }
        for row in unsure.itertuples()
    ]
    return Table(
        "tbl-perceptions-without-rating",
        caption("Agencies that gave no rating, by form", synthetic),
        pd.DataFrame(shown),
        unsure,
        survey.source(synthetic),
        "Answered: agencies that gave a rating or answered don't know. Counts are unweighted.",
        marks=marks.explained(limits),
        widths=(38, 12, 30, 10, 10, 10)[: len(shown[0])],
    )


def _sizes(named: pd.DataFrame) -> list[str]:
    classes = list(dict.fromkeys(named.loc[named["breakdown"] == "Population served", "domain"]))
    return [survey.ALL, classes[0], classes[-1]]


def sources_table(named: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Where the picture comes from: all agencies, the smallest and the largest communities."""
    data = named[named["domain"].isin(_sizes(named))].reset_index(drop=True)
    shown = []
    for source, part in data.groupby("measure", sort=False):
        cells = {row.domain: cell(row, limits) for row in part.itertuples()}
        shown.append({"Source": source, "n": f"{part['n'].max():,}", **cells})
    return Table(
        "tbl-perceptions-sources",
        caption(
            f"Where leaders' picture of trafficking comes from: percent naming the source, with {level_text(level)} interval",
            synthetic,
        ),
        pd.DataFrame(shown),
        data,
        survey.source(synthetic),
        "Several sources could be named. n: agencies of all kinds that answered, unweighted. The last two columns are local "
        "agencies by population served.",
        widths=(28, 8, 22, 22, 22),
        marks=marks.explained(limits),
    )


# -- figures ---------------------------------------------------------------------------------------------------------


def ratings_figure(found: pd.DataFrame, synthetic: bool) -> figures.Figure:
    """The four ratings of each form."""
    data = found[(found["domain"] == survey.ALL) & found["measure"].isin(RATINGS)].reset_index(drop=True)
    n = data.drop_duplicates("form")["n"]
    return builders.parts_figure(
        "fig-perceptions-ratings",
        caption("Perceived prevalence of four forms of trafficking, all agencies", synthetic),
        data,
        survey.source(synthetic),
        f"n = {n.min():,} to {n.max():,} agencies by form. Lines: the intervals of @tbl-perceptions-ratings.",
        bar="form",
        bars=list(FORMS.values()),
        parts=RATINGS,
        xlabel="Percent of agencies that rated the form",
        opening="Bars with intervals in four panels, one for each rating, and in each a bar for each form of trafficking",
        height=1.9,
    )


def size_figure(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> figures.Figure:
    """Rare or non-existent by population class, a panel each for sex and labour trafficking."""
    data = found[(found["breakdown"] == "Population served") & (found["measure"] == LITTLE)]
    classes = list(dict.fromkeys(data["domain"]))
    data = survey.shown(data, limits)
    alt = (
        "Two panels of points with intervals, for sex and labor trafficking, over classes of population served. Percent "
        "rating a form rare or non-existent: "
        + "; ".join(
            f"{form}: "
            + ", ".join(f"{row.domain} {100 * row.share:.0f}" for row in data[data["variable"] == name].itertuples())
            for name, form in FORMS.items()
        )
        + "."
    )
    forms = list(FORMS)
    return builders.dots_figure(
        "fig-perceptions-size",
        caption("Agencies that rate trafficking rare or non-existent, by population served", synthetic),
        data,
        {
            "Sex trafficking": {"residents": forms[0], "foreign nationals": forms[1]},
            "Labor trafficking": {"residents": forms[2], "foreign nationals": forms[3]},
        },
        survey.source(synthetic),
        f"n = {data['n'].min():,} to {data['n'].max():,} local agencies by class and form. Bars: {level_text(level)} logit "
        "intervals. Estimates that @tbl-perceptions-groups does not show are not drawn.",
        column="variable",
        order=classes,
        xlabel="Percent rating it rare or non-existent",
        ylabel="Population served",
        legend="Trafficking of",
        alt=alt,
    )


def sources_figure(named: pd.DataFrame, level: float, synthetic: bool) -> figures.Figure:
    """Sources of the picture in the smallest and the largest communities."""
    sizes = _sizes(named)[1:]
    data = named[named["domain"].isin(sizes)].reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        order = data[data["domain"] == sizes[1]].sort_values("share")["measure"].tolist()
        canvas = Canvas(figsize=(figures.WIDTH, 2.7), layout="constrained")
        axis = canvas.subplots()
        for k, (size, shift) in enumerate(zip(sizes, (0.14, -0.14), strict=True)):
            part = data[data["domain"] == size].set_index("measure").loc[order]
            figures.intervals(axis, part, np.arange(len(order)) + shift, figures.PALETTE[k], figures.MARKERS[k], size)
        axis.set_yticks(range(len(order)), order)
        axis.set_xlim(0, 100)
        axis.set_xlabel("Percent of agencies naming the source")
        axis.grid(axis="y", visible=False)
        axis.legend(loc="lower right", fontsize=8.5, title="Population served", title_fontsize=8.5)
        return canvas

    at = data.set_index(["measure", "domain"])["share"]
    alt = "Points with intervals for each source of the leaders' picture: " + "; ".join(
        f"{name.lower()} {100 * at[name, sizes[0]]:.0f} percent in {communities(sizes[0])} and "
        f"{100 * at[name, sizes[1]]:.0f} percent in {communities(sizes[1])}"
        for name in dict.fromkeys(data["measure"])
    )
    return figures.Figure(
        "fig-perceptions-sources",
        caption("Where leaders' picture of trafficking comes from, smallest and largest communities", synthetic),
        alt + ".",
        data,
        survey.source(synthetic),
        draw,
        "n = "
        + " and ".join(f"{data.loc[data['domain'] == size, 'n'].max():,} ({size.lower()})" for size in sizes)
        + f" local agencies. Bars: {level_text(level)} logit intervals.",
    )


def region_figure(found: pd.DataFrame, states: dict[str, str], limits: dict, level: float, synthetic: bool):
    """Map of the share that sees one form in its community, by region; states : postal code -> region."""
    rows = found[(found["form"] == MAPPED) & (found["measure"] == PREVALENT) & (found["breakdown"] == "Region")]
    data = survey.shown(rows, limits)
    ident, heading = (
        "fig-perceptions-region",
        caption(f"Agencies that rate {MAPPED.lower()} widespread or occasional, by census region", synthetic),
    )
    if data.empty:
        return figures.unavailable(
            ident, heading, "The estimates are too uncertain to be shown.", survey.source(synthetic)
        )
    return builders.region_map(
        ident,
        heading,
        data,
        states,
        survey.source(synthetic),
        f"n = {data['n'].min():,} to {data['n'].max():,} agencies by region. All states of a region have its shade. "
        f"Bars: {level_text(level)} logit intervals.",
        label="Percent of agencies that rated it",
    )


# -- wording ---------------------------------------------------------------------------------------------------------


def _id(form: str, measure: str, domain: str = survey.ALL) -> str:
    return f"{PREFIX}.{form}.{MEASURES[measure]}.{slug(domain)}"


def findings(found: pd.DataFrame, differences: list[section.Difference], limits: dict) -> str:
    """The chapter's opening findings; ``found`` is the table of ``every_form``."""
    last = found.loc[found["breakdown"] == "Population served", "domain"].iloc[-1]
    little = found[found["measure"] == EVERY[LITTLE]]
    opening = how_many(little[little["domain"] == survey.ALL].iloc[0])
    ident, none = _id("every-form", LITTLE), _id("every-form", "Non-existent")
    parts = [
        f"{opening} agencies, {num(ident)} ({num(ident, 'ci')}), rate every form of human trafficking in their community rare or "
        f"non-existent, and {num(none)} ({num(none, 'ci')}) rate every form non-existent (@tbl-perceptions-every-form).",
        _size_sentence(differences),
    ]
    if last in set(survey.shown(little, limits)["domain"]):
        parts.append(
            f"In {communities(last)}, {num(_id('every-form', LITTLE, last))} "
            f"({num(_id('every-form', LITTLE, last), 'ci')}) rate every form rare or non-existent."
        )
    return " ".join(parts) + "\n"


def _size_sentence(differences: list[section.Difference]) -> str:
    *forms, over = differences
    rising = [entry for entry in forms if entry.p < ALPHA and entry.value > 0]
    if not rising:
        return "Agencies of the largest communities are not shown to see more of any form than other local agencies."
    if len(rising) < len(forms):
        listed = wording.joined([FORMS[entry.name].lower() for entry in rising])
        return (
            f"Agencies of the largest communities are shown to see more than other local agencies of {listed}, but not of "
            "the other forms."
        )
    steeper = over.p < ALPHA and over.value > 0
    return "Agencies serving larger communities see more of it" + (", sex trafficking above all." if steeper else ".")


def _trend_sentence(checks: pd.DataFrame) -> str:
    """For which forms the share that sees little is shown to fall with population."""
    falling = [
        form.lower() for form in FORMS.values() if _falls(builders.check_of(checks, form, builders.SIZE, trend=True))
    ]
    if len(falling) == len(FORMS):
        return "That share falls with population for every form, by the test of a linear trend."
    if not falling:
        return "That share is not shown to fall with population for any form."
    return f"By the test of a linear trend, that share falls with population for {wording.joined(falling)} only."


def _falls(row: pd.Series) -> bool:
    return bool(row["p_adjusted"] < ALPHA and row["slope"] < 0)


def size_paragraph(differences: list[section.Difference], checks: pd.DataFrame) -> str:
    """Largest communities against the others, form by form, with tests; checks : ``section.group_tests``."""
    *forms, over = differences
    base = f"{PREFIX}.difference."
    listed = ";\n".join(
        f"- {FORMS[entry.name].lower()}: {num(base + KEYS[entry.name])} ({num(base + KEYS[entry.name], 'ci')}, p "
        f"{num(base + KEYS[entry.name] + '.p')})"
        for entry in forms
    )
    ident = base + KEYS[over.name]
    verdict = (
        ("larger" if over.value > 0 else "smaller") + " for sex than for labor trafficking"
        if over.p < ALPHA
        else "not shown to differ between sex and labor trafficking"
    )
    return (
        "@fig-perceptions-size and @tbl-perceptions-groups show the agencies that see little or nothing of a form. "
        f"{_trend_sentence(checks)} In the share that rates a form widespread or occasional, the differences between the largest "
        f"communities and the other local agencies (largest less others) are\n\n{listed}.\n\n"
        f"The difference is {verdict} (by {num(ident)}; {num(ident, 'ci')}, p {num(ident + '.p')}).\n"
    )


def region_paragraph(checks: pd.DataFrame) -> str:
    """For which forms regions are shown to differ."""
    apart = [form.lower() for form in FORMS.values() if builders.differs(checks, form, "Region")]
    maps = f"(@tbl-perceptions-groups; @fig-perceptions-region maps {MAPPED.lower()})"
    if len(apart) == len(FORMS):
        return f"Regions are shown to differ for every form {maps}.\n"
    if not apart:
        return f"Regions are not shown to differ for any form {maps}.\n"
    return f"Regions are shown to differ for {wording.joined(apart)}, not for the other forms {maps}.\n"


def unsure_paragraph(most: cases.Leader) -> str:
    """The form that most leaders have no opinion on."""
    (name,) = (name for name, form in FORMS.items() if form == most.name)
    return (
        f"Among the forms, {most_often(most, UNSURE)} "
        f"({num(f'{PREFIX}.{KEYS[name]}.dont-know')}). Don't know is shown apart (@tbl-perceptions-without-rating) and "
        "is in no share of the ratings: leaders without an opinion are not counted among those who see no trafficking.\n"
    )


def sources_paragraph(named: pd.DataFrame, most: cases.Leader) -> str:
    """The source named most, and own cases in small and large communities."""
    variable = named.loc[named["measure"] == most.name, "variable"].iloc[0]
    last = _sizes(named)[-1]

    def ident(variable: str, domain: str) -> str:
        return f"{PREFIX}.source.{variable.split('_', 1)[1].replace('_', '-')}.{slug(domain)}"

    return (
        f"Among the sources that leaders name, {most_often(most)} ({aside(ident(variable, survey.ALL))} of all agencies; "
        "@tbl-perceptions-sources, @fig-perceptions-sources). Cases of their "
        f"own officers inform {num(ident('q5a_own_cases', survey.LOCAL))} of local leaders, and "
        f"{num(ident('q5a_own_cases', last))} in {communities(last)}.\n"
    )
