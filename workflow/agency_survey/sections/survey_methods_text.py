"""Chapter 2, survey methods: the wording that follows the results and the settings of the weights."""

from __future__ import annotations

import pandas as pd

from agency_survey import ledger
from agency_survey.ledger import num, slug
from agency_survey.sections.survey import communities
from agency_survey.wording import joined

PREFIX = "survey-methods"
MARGINS = {
    "agency_type": "type",
    "population_class": "population class",
    "metropolitan": "location",
    "task_force_partner": "task-force partnership",
}
UNKNOWN = {
    "proportional": "a factor for forms that could not be delivered, which hands their weight to the agencies of the class whose "
    "state is known, open or closed",
    "all": "",
    "none": "",
}
RESPONSE = {
    "classes": "a factor for non-response, in classes of agency type, population class and certainty, the weight of the agencies "
    "of the class that are known to be in operation over that of its respondents [@sarndal1992]",
    "propensity": "a factor for non-response, in strata of the propensity to respond that a logistic model estimates, the weight "
    "of the agencies of the stratum that are known to be in operation over that of its respondents [@little1986]",
}
TRIMMING = (
    "a cut of weights above a multiple of the median of their agency type and certainty, what is cut being handed on to the "
    "others [@potter1990]"
)
UNDELIVERED = {
    "proportional": "",
    "all": "Forms that could not be delivered count as agencies in operation that did not answer. ",
    "none": "Forms that could not be delivered count as closed agencies. ",
}


def _num(ident: str, field: str = "") -> str:
    return num(f"{PREFIX}.{ident}", field)


def findings(rates: pd.DataFrame) -> str:
    """The chapter's opening findings."""
    classes = rates[rates["breakdown"] == "Population served"]
    return (
        f"Of {_num('sample.mailed')} surveys mailed, {_num('outcome.complete')} came back with Part I completed: "
        f"{_num('rate.complete.all-mailed-surveys')} of those mailed, and a response rate (RR1) of "
        f"{_num('rate.rr1.all-mailed-surveys')} once closed agencies are left out. {_rates_by_size(classes)} Unequal probabilities and "
        f"non-response leave weights with a Kish design effect of {_num('weights.deff')}: for an estimate on all agencies the "
        f"respondents are worth {_num('weights.effective')} drawn at one rate.\n"
    )


def _rates_by_size(classes: pd.DataFrame) -> str:
    """Where most and where fewest responded; rates that print alike are not called different."""
    known = classes.dropna(subset="RR1")
    least, most = known.loc[known["RR1"].idxmin()], known.loc[known["RR1"].idxmax()]
    low, high = (ledger.format_value(row["RR1"], "percent1") for row in (least, most))
    if low == high:
        return f"The rate is the same in all classes of population served, {_num('rate.rr1.' + slug(least['group']))}."
    return (
        f"By population served the rate is lowest, {_num('rate.rr1.' + slug(least['group']))}, in "
        f"{communities(least['group'])} and highest, {_num('rate.rr1.' + slug(most['group']))}, in {communities(most['group'])}."
    )


def frame_paragraph(types: pd.DataFrame) -> str:
    """Whether the frame's totals equal the published ones."""
    same = bool((types["frame"] == types["published"]).all())
    verdict = "equal the published totals" if same else "differ from the published totals, as the table shows,"
    return (
        f"The frame holds {_num('frame.all')} agencies: {_num('frame.municipal-police')} municipal police departments, "
        f"{_num('frame.sheriffs-office')} sheriffs' offices and {_num('frame.state-agency')} state agencies. These counts "
        f"{verdict} of the census of 2004 (@tbl-methods-frame). {_num('frame.partners')} of the agencies are partners of "
        f"one of the {_num('frame.task-forces')} federally funded task forces.\n"
    )


def weights_paragraph(balance: pd.DataFrame) -> str:
    """What weighting does to the largest gap between respondents and frame."""
    before, after = ((balance[name] - balance["frame"]).abs().max() for name in ("unweighted", "weighted"))
    verb = "narrows" if after < before else "does not narrow"
    return (
        f"The final weights (@tbl-methods-weights, @fig-methods-weights) add up to {_num('weights.sum')} agencies in "
        f"operation and range from {_num('weights.least')} to "
        f"{_num('weights.greatest')}. Weighting {verb} the largest gap between respondents and frame, from "
        f"{_num('balance.unweighted')} to {_num('balance.weighted')} (@tbl-methods-balance).\n"
    )


def steps_paragraph(nonresponse: dict, weights: dict) -> str:
    """The steps of the weighting, as the settings ask for them; arguments : these parts of the configuration."""
    raking = [MARGINS.get(name, name.replace("_", " ")) for name in weights["raking"]]
    steps = [
        "the inverse of its inclusion probability [@horvitz1952]",
        "a factor that brings each stratum to its count in the frame, apart for certainties and for the others [@holt1979]",
        UNKNOWN[nonresponse["unknown_eligibility"]],
        RESPONSE[nonresponse["method"]],
        TRIMMING if weights["cap"] else "",
        f"raking to the frame's counts by {joined(raking)} [@deming1940; @deville1993]" if raking else "",
    ]
    *first, last = [step for step in steps if step]
    closed = (
        "Closed agencies take part in the raking, since the frame counts closed ones too, and then drop out. "
        if raking
        else "Closed agencies, which the frame counts too, then drop out. "
    )
    group = "class" if nonresponse["method"] == "classes" else "stratum"
    trimmed = (
        "@sec-weighting-trimming shows what the cut costs and what it gains."
        if weights["cap"]
        else "No weight is cut, because weights differ by design; @sec-weighting-trimming shows what a cap on the largest would do."
    )
    return (
        f"A respondent's weight is a product of factors, in this order: {'; '.join(first)}; and {last}. "
        f"{UNDELIVERED[nonresponse['unknown_eligibility']]}{closed}Within a {group}, respondents thus stand for those who did not "
        f"answer. Where fewer responded than the settings ask for, the {group} is joined with a neighboring one. {trimmed}\n"
    )


def variance_sentence(raking: list[str]) -> str:
    """What the scores of the variance are; raking : the margins that the weights meet."""
    if not raking:
        return "The scores $z$ are the weighted ones: nothing is raked.\n"
    return (
        "The scores $z$ are weighted residuals from their regression on the margins of the raking, which is how the raking enters "
        "the variance [@deville1992].\n"
    )
