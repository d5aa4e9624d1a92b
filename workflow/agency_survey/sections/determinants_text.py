"""Chapter 6, determinants: the sentences whose wording follows the results.

A term counts as shown where its p-value is below ``ALPHA``; sentences name numbers by id.
"""

from __future__ import annotations

import pandas as pd

from agency_survey.ledger import num, slug
from agency_survey.sections.builders import ALPHA, quoted
from agency_survey.sections.determinants import PARTS, Counts, Model
from agency_survey.sections.determinants_checks import MAIN, Robustness, Tipping
from agency_survey.wording import joined

PREFIX = "determinants"
HIGHER, LOWER, UNCLEAR = "higher", "lower", "unclear"


def ident(model: str, term: str, what: str) -> str:
    """Id of a number of a term: 'determinants.m4.preparation.odds'."""
    return f"{PREFIX}.{model}.{slug(term)}.{what}"


def direction(ratio: float, p: float) -> str:
    """'higher', 'lower', or 'unclear' where the p-value does not show a difference from one."""
    if not p < ALPHA:
        return UNCLEAR
    return HIGHER if ratio > 1 else LOWER


def directions(table: pd.DataFrame, last: Model, roles: dict[str, str]) -> dict[str, str]:
    """Direction of each role in the last model; table : ``coefficients``."""
    rows = table[table["model"] == last.ident].set_index("term")
    return {role: direction(rows.loc[term, "ratio"], rows.loc[term, "p"]) for role, term in roles.items()}


def _with(what: str, ident: str, per: str = "") -> str:
    """'odds ratio 1.90 per step, 1.58 to 2.28', for brackets."""
    return f"{what} {num(ident)}{per}, {num(ident, 'ci')}"


SUBJECTS = {
    "size": "agencies of larger communities",
    "partner": "task-force partners",
    "perception": "agencies whose leader sees any form of trafficking",
    "preparation": "agencies that have prepared",
}


def findings(last: Model, roles: dict[str, str], found: dict[str, str], tipping: Tipping) -> str:
    """The chapter's opening findings; found : ``directions``."""
    odds = ident(last.ident, roles["preparation"], "odds")
    kept = "With the agency's size, place and type, task-force partnership and its leader's perception held constant, "
    if found["preparation"] == UNCLEAR:
        opening = (
            f"{kept}preparation is not shown to go with having investigated a case: a further step (training, a "
            "protocol, "
            f"specialized personnel) has an odds ratio of {quoted(odds)}."
        )
    else:
        more = "more" if found["preparation"] == HIGHER else "less"
        opening = (
            f"{kept}agencies that have prepared are {more} likely to have investigated a case: each further step "
            "(training, a "
            f"protocol, specialized personnel) goes with odds {num(odds)} times as high ({num(odds, 'ci')}), and in a "
            "community of "
            f"{num(f'{PREFIX}.margin.population')} people the predicted share with a case is "
            f"{quoted(_margin('none'))} without "
            f"any step and {quoted(_margin('all'))} with all of them."
        )
    return " ".join([opening, _others(last, roles, found), _first(found["preparation"], tipping)]) + "\n"


def _margin(which: str) -> str:
    return f"{PREFIX}.margin.named.{which}"


def _others(last: Model, roles: dict[str, str], found: dict[str, str]) -> str:
    """What is shown of the other roles, and what is not."""
    parts = []
    for verb, wanted in (("more", HIGHER), ("less", LOWER)):
        named = [
            f"{SUBJECTS[role]} ({_with('odds ratio', ident(last.ident, roles[role], 'odds'), _per(role))})"
            for role in ("perception", "partner", "size")
            if found[role] == wanted
        ]
        if named:
            parts.append(f"{joined(named)} are {verb} likely to have investigated one")
    unclear = [SUBJECTS[role] for role in ("perception", "partner", "size") if found[role] == UNCLEAR]
    if unclear:
        parts.append(f"{joined(unclear)} are not shown to differ from others")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _first(preparation: str, tipping: Tipping) -> str:
    if preparation != HIGHER:
        return "The survey does not say what came first, the preparation or the case."
    if tipping.interval is None:
        return (
            "The survey does not say what came first, the preparation or the first case; the association stays, "
            "whatever share "
            "up to the largest that was tried prepared only after it."
        )
    return (
        "The survey does not say what came first, the preparation or the first case: the association would no longer "
        "be "
        f"shown if about {num(f'{PREFIX}.tipping.preparation.interval')} or more of the prepared agencies with a "
        "case had prepared only "
        "after it."
    )


def sample_paragraph(rows: pd.DataFrame) -> str:
    """Agencies of the models, and the smallest cell; rows : ``described``."""
    smallest = rows.loc[rows["cell"].idxmin(), "label"]
    return (
        f"The models rest on {num(f'{PREFIX}.agencies')} local agencies, {num(f'{PREFIX}.cases')} of them with a "
        "case, that "
        f"have every variable; {num(f'{PREFIX}.left-out')} others lack one. @tbl-determinants-sample shows "
        "how agencies with and without a case differ before anything is held constant. The smallest cell of a "
        "category by the outcome "
        f"holds {num(f'{PREFIX}.smallest-cell')} agencies ({smallest[:1].lower()}{smallest[1:]}), so no term "
        "separates the outcome.\n"
        if rows["cell"].min() > 0
        else f"The models rest on {num(f'{PREFIX}.agencies')} local agencies, {num(f'{PREFIX}.cases')} of them with a case, "
        "that have "
        f"every variable; {num(f'{PREFIX}.left-out')} others lack one. A category ({smallest}) has no agency "
        "with, or none without, a case.\n"
    )


def _in_text(title: str) -> str:
    """'the leader's perception', 'preparation'."""
    lowered = title[:1].lower() + title[1:]
    return f"the {lowered}" if "'s " in lowered else lowered


def nested_paragraph(tests: pd.DataFrame) -> str:
    """Which models improve on the one before; tests : ``comparisons``."""
    shown = tests["lrt_p"] < ALPHA
    parts = []
    for wanted, verb in ((True, "add to the model before"), (False, "are not shown to add to it")):
        named = [
            f"{_in_text(row.title)} (p {num(f'{PREFIX}.test.{row.model}.rao-scott')})"
            for row in tests[shown == wanted].itertuples()
        ]
        if named:
            what = (
                f"{joined(named)} {verb if len(named) > 1 else verb.replace('add', 'adds', 1).replace('are', 'is', 1)}"
            )
            parts.append(what.replace("is not shown to adds", "is not shown to add"))
    agree = (shown == (tests["wald_p"] < ALPHA)).all()
    text = "; ".join(parts)
    return (
        "@fig-determinants-odds and @tbl-determinants-odds show the models. By the Rao-Scott test, "
        f"{text}. The Wald tests {'agree' if agree else 'do not agree for every model'} (@tbl-determinants-tests).\n"
    )


def fit_paragraph(first: Model, last: Model, fit: pd.DataFrame, groups: pd.DataFrame) -> str:
    """Discrimination, explained variation and calibration; groups : ``calibration``."""
    p = fit.set_index("model").loc[last.ident, "fit_p"]
    area, explained = (f"{PREFIX}.{{}}.{name}" for name in ("auc", "nagelkerke"))
    text = (
        f"From the first to the largest model the area under the ROC curve goes from {num(area.format(first.ident))} "
        "to "
        f"{quoted(area.format(last.ident))}, and Nagelkerke's R² from {num(explained.format(first.ident))} to "
        f"{num(explained.format(last.ident))}. "
    )
    if not len(groups) or p != p:
        return text + "There are too few agencies with a case for a test of fit.\n"
    verdict = (
        "are further from the predictions of the largest model than sampling error explains"
        if p < ALPHA
        else "are no further from the predictions of the largest model than sampling error explains"
    )
    return text + (
        f"In groups by fitted probability, observed shares {verdict} (p {num(f'{PREFIX}.{last.ident}.fit-p')}; "
        "largest gap "
        f"{num(f'{PREFIX}.calibration.largest')}; @fig-determinants-calibration)"
        f"{', so the checks below try other forms of the model' if p < ALPHA else ''}.\n"
    )


def margins_paragraph(last: Model, roles: dict[str, str], found: dict[str, str]) -> str:
    """Predictions and average effects."""
    effect = quoted(ident(last.ident, roles["preparation"], "effect"))
    verb = {
        HIGHER: "rises with the steps taken at every size",
        LOWER: "falls with the steps taken at every size",
        UNCLEAR: "is not shown to depend on the steps taken",
    }
    return (
        f"The predicted probability {verb[found['preparation']]} (@fig-determinants-margins): on average a further "
        "step goes with a "
        f"difference of {effect}. @tbl-determinants-effects has the average effects of all terms.\n"
    )


def parts_paragraph(table: pd.DataFrame, parts: list[str]) -> str:
    """Which steps of preparation are shown on their own; table : ``coefficients``."""
    rows = table[table["model"] == PARTS].set_index("term").loc[parts]
    said = []
    for wanted, verb in ((HIGHER, "with higher odds"), (LOWER, "with lower odds")):
        named = [
            f"{row.label[:1].lower()}{row.label[1:]} ({_with('odds ratio', ident(PARTS, row.Index, 'odds'))})"
            for row in rows.itertuples()
            if direction(row.ratio, row.p) == wanted
        ]
        if named:
            said.append(f"{joined(named)} {'go' if len(named) > 1 else 'goes'} {verb} of having investigated a case")
    unclear = [
        f"{row.label[:1].lower()}{row.label[1:]} ({_with('odds ratio', ident(PARTS, row.Index, 'odds'))})"
        for row in rows.itertuples()
        if direction(row.ratio, row.p) == UNCLEAR
    ]
    if unclear:
        said.append(f"{joined(unclear)} {'are' if len(unclear) > 1 else 'is'} not shown to go with it")
    return f"Taken one by one and held constant for each other, {'; '.join(said)} (@tbl-determinants-parts).\n"


def counts_paragraph(found: Counts, roles: dict[str, str]) -> str:
    """What goes with the number of cases among agencies with any."""
    rows = found.ratios[found.ratios["part"] == "positive"].set_index("term")
    verbs = {HIGHER: "more", LOWER: "fewer"}
    parts = []
    for wanted, word in verbs.items():
        named = [
            f"{SUBJECTS[role]} ({_with('ratio', ident('positive', term, 'ratio'), _per(role))})"
            for role, term in roles.items()
            if direction(rows.loc[term, "ratio"], rows.loc[term, "p"]) == wanted
        ]
        if named:
            parts.append(f"{joined(named)} have {word} cases")
    unclear = [
        SUBJECTS[role]
        for role, term in roles.items()
        if direction(rows.loc[term, "ratio"], rows.loc[term, "p"]) == UNCLEAR
    ]
    if unclear:
        parts.append(f"{joined(unclear)} are not shown to have more or fewer")
    observed, hurdle, overall = (f"{PREFIX}.zeros.{name}" for name in ("observed", "hurdle", "negative-binomial"))
    return (
        "Finding any case and finding many may hang on different things, so the number of cases has a hurdle model "
        "(@tbl-determinants-counts): one part for any case, one for how many. Among agencies with a case, "
        f"{'; '.join(parts)}. A single negative binomial model of all agencies foretells {num(overall)} without a "
        "case, the "
        f"hurdle model {num(hurdle)}; observed are {num(observed)}. @fig-determinants-expected puts both parts "
        "together.\n"
    )


def _per(role: str) -> str:
    return {"size": " per doubling", "preparation": " per step"}.get(role, "")


def robustness_paragraph(found: Robustness) -> str:
    """Whether preparation's association holds in every way to fit the model."""
    rows = found.table[found.table["role"] == "preparation"]
    verdicts = [direction(row.ratio, row.p) for row in rows.itertuples()]
    main = verdicts[rows["variant"].tolist().index(MAIN)]
    differ = [row.title for row, verdict in zip(rows.itertuples(), verdicts, strict=True) if verdict != main]
    low, high = num(f"{PREFIX}.robust.preparation.least"), num(f"{PREFIX}.robust.preparation.most")
    span = f"Its odds ratio lies between {low} and {high} over {num(f'{PREFIX}.robust.fits')} ways to fit the model"
    if not differ:
        holds = {
            HIGHER: "is above one beyond sampling error in all of them",
            LOWER: "is below one beyond sampling error in all of them",
            UNCLEAR: "is beyond sampling error in none of them",
        }
        verdict = f"and {holds[main]}"
    else:
        verdict = f"and the verdict on it changes with: {joined([title[:1].lower() + title[1:] for title in differ])}"
    discarded = (
        f" {num(f'{PREFIX}.replicates.discarded')} of the replicates had no estimate." if found.discarded else ""
    )
    return (
        "@tbl-determinants-robustness and @fig-determinants-robustness change the weights, the treatment of unknown "
        "answers, the "
        "variances, the agencies and the terms, one at a time, and look at preparation first. "
        f"{span}, {verdict}. Imputation takes {num(f'{PREFIX}.imputations')} completed tables; at most "
        f"{num(f'{PREFIX}.imputed.missing')} of the information on a term is missing.{discarded}\n"
    )


def diagnostics_paragraph(found: pd.DataFrame) -> str:
    """Collinearity and influence of single agencies; found : ``diagnostics``."""
    worst = "no single agency moves a coefficient by a whole standard error"
    if found["largest_change"].max() >= 1:
        worst = "a single agency moves a coefficient by a standard error or more"
    return (
        f"The largest variance inflation is {num(f'{PREFIX}.inflation.largest')} (@tbl-determinants-diagnostics), "
        f"and {worst} "
        f"(the most is {num(f'{PREFIX}.change.largest')} of one).\n"
    )


def simultaneity_paragraph(found: dict[str, str], tipping: dict[str, Tipping], ratios: pd.DataFrame) -> str:
    """What would have to be so for the associations to vanish; ratios : ``risk_ratios``."""
    parts = []
    for role, what, who in (
        ("preparation", "The association with preparation", "of the prepared agencies with a case had prepared"),
        (
            "perception",
            "That with perception",
            "of the leaders of agencies with a case who see trafficking had come to see it",
        ),
    ):
        one = tipping[role]
        if found[role] != HIGHER:
            parts.append(
                f"{what} is not shown to be positive, so there is nothing to explain by cases that came first."
            )
        elif one.interval is None:
            parts.append(f"{what} stays shown at every share that was tried.")
        else:
            gone = f", and gone at about {num(f'{PREFIX}.tipping.{role}.estimate')}" if one.estimate is not None else ""
            parts.append(
                f"{what} would no longer be shown if about {num(f'{PREFIX}.tipping.{role}.interval')} {who} only "
                "after the first case"
                f"{gone}."
            )
    first = ratios.iloc[0]
    key = f"{PREFIX}.e-value.{slug(first['variable'])}.{first['start']}-{first['end']}"
    cause = (
        "A common cause that the survey did not measure would need a risk ratio of "
        f"{num(f'{key}.value')} with a first step of preparation and with having investigated a case to explain "
        "their "
        f"association away, and of {num(f'{key}.limit')} to bring its interval to one "
        "(@tbl-determinants-sensitivity)."
        if found["preparation"] != UNCLEAR
        else "As the association with preparation is not shown, its E-value (@tbl-determinants-sensitivity) has nothing to "
        "explain."
    )
    return f"{' '.join(parts)}\n\n{cause}\n"
