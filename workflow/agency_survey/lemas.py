"""The LEMAS waves 2007, 2016 and 2020 in common variables, with their strata, weights and population sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.design import SurveyDesign, survey_design
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels, require_values
from agency_survey.weights import nonresponse_factor

MODULE = "workflow/agency_survey/lemas.py"
TYPES = ["Local police", "Sheriffs' offices", "State agencies"]
LOCAL, COUNTY, SHERIFF, STATE = (
    "Local police department",
    "County police department",
    "Sheriff's office",
    "Primary state agency",
)
RECODE_TYPE = {LOCAL: TYPES[0], COUNTY: TYPES[0], SHERIFF: TYPES[1], STATE: TYPES[2]}
RESPONDENT, OUT_OF_SCOPE = "Respondent", "Out of scope"
FULL, YES, ENHANCED = "Full", "Yes", "Enhanced 9-1-1"
ANSWERS = [
    "Full-time unit",
    "Designated personnel",
    "Addressed, no designated personnel",
    "Not formally addressed",
    "No such problem",
]
LABELS = {
    2007: {
        "AGCYTYPE": [SHERIFF, LOCAL, STATE],
        "RESPTYPE": [FULL, "Partial"],
        "FOOTPAT": ["No", YES],
        "OPER911": ["No system", ENHANCED, "Basic 9-1-1"],
    },
    2016: {"AGENCYTYPE": [LOCAL, SHERIFF, STATE], "ISSU_ADDR_HUMTRF": ANSWERS},
    2020: {
        "AGENCYSAMPTYPE": [SHERIFF, LOCAL, COUNTY, STATE],
        "COMPLETE": [RESPONDENT, "Non-respondent", OUT_OF_SCOPE],
        "ISSU_ADDR_HUMTRF": ANSWERS,
    },
}
DESIGN_VARIABLES = {  # the first one identifies the agency
    2007: ["SURVEYID", "AGCYTYPE", "RESPTYPE", "FINALWT_PAGE1", "FINALWT_PAGE2ON"],
    2016: ["LEAR_ID", "AGENCYTYPE", "STRATA", "FINALWGT"],
    2020: [
        "AGENCYID",
        "AGENCYSAMPTYPE",
        "STRATA",
        "COMPLETE",
        "SAMPLINGWEIGHT",
        "NR_WEIGHT_FACTOR",
        "ANALYSISWEIGHT",
    ],
}
WHOLE_SAMPLE = 2020
TOLERANCE = 1e-9


def harmonise(raw: pd.DataFrame, wave: int, classes: list[dict], regions: dict[str, list[str]]) -> pd.DataFrame:
    """Common variables of one wave, one row an agency of the distributed file.

    raw : typed table of ``ingest``; classes : population classes [{label, from}] in ascending order; regions : states
    by census region. Columns: agency_id, wave, agency_type, region, population (missing for state agencies),
    population_class, responded, eligible, stratum, base_weight, distributed_factor, distributed_weight, full_time_sworn
    and the wave's own variables. Raises InputError for other labels than ``LABELS``, a design variable
    without a valid value and a state that lies in no region.
    """
    _check(raw, wave)
    common = {2007: _wave_2007, 2016: _wave_2016, 2020: _wave_2020}[wave](raw)
    table = pd.DataFrame({"wave": wave, **common}, index=raw.index)
    of_state = {state: region for region, states in regions.items() for state in states}
    table["region"] = raw["STATE"].map(of_state).astype(pd.CategoricalDtype(list(regions), ordered=False))
    lost = table["region"].isna()
    if lost.any():
        state = raw.loc[lost, "STATE"].iloc[0]
        raise InputError(
            f"The state '{state}' lies in no census region",
            f"LEMAS {wave}, row {raw.index[lost][0]}",
            "Add it to config/regions.yaml",
        )
    table["agency_type"] = pd.Categorical(table["agency_type"].map(RECODE_TYPE), categories=TYPES)
    is_state = table["agency_type"] == TYPES[2]
    table["population"] = table["population"].astype("Float64").mask(is_state)
    table["population_class"] = population_class(table["population"], classes)
    return table


def _check(raw: pd.DataFrame, wave: int) -> None:
    """Refuse labels that the recoding does not know, and design variables that are missing or outside the codebook."""
    require_labels(raw, LABELS[wave], f"config/codebooks/lemas_{wave}.yaml", MODULE)
    names = DESIGN_VARIABLES[wave]
    require_values(raw, names, names[0], f"LEMAS {wave}")
    if wave == 2007:
        local = raw["AGCYTYPE"] == LOCAL
        require_values(raw[local], ["LPDSAMPGRP"], names[0], "LEMAS 2007")
        require_values(raw[~local], ["LPDSAMPGRP"], names[0], "LEMAS 2007", optional=("LPDSAMPGRP",))


def population_class(population: pd.Series, classes: list[dict]) -> pd.Series:
    """Class of the population served; missing where the population is."""
    bounds = [entry["from"] for entry in classes] + [np.inf]
    values = population.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(
        pd.cut(values, bounds, right=False, labels=[entry["label"] for entry in classes]),
        index=population.index,
    )


def _float(column: pd.Series) -> pd.Series:
    return column.astype("Float64").astype(float)


def _wave_2020(raw: pd.DataFrame) -> dict:
    responded = raw["COMPLETE"] == RESPONDENT
    bilingual = sum(raw[name].fillna(0) for name in ("PERS_BILING_SWN", "PERS_BILING_LIM", "PERS_BILING_NON"))
    return {
        "agency_id": raw["AGENCYID"],
        "agency_type": raw["AGENCYSAMPTYPE"],
        "population": raw["PRIMARYPOP2020"],
        "responded": responded,
        "eligible": raw["COMPLETE"] != OUT_OF_SCOPE,
        "stratum": raw["STRATA"].astype("Int64").astype("string"),
        "base_weight": _float(raw["SAMPLINGWEIGHT"]),
        "distributed_factor": _float(raw["NR_WEIGHT_FACTOR"]),
        "distributed_weight": _float(raw["ANALYSISWEIGHT"]),
        "full_time_sworn": _float(raw["FTSWORN"]),
        "fte_sworn": _float(raw["FTSWORN"]) + _float(raw["PTSWORN"]).fillna(0) / 2,
        "full_time_civilians": _float(raw["FTNON"]).fillna(0) + _float(raw["FTLIM"]).fillna(0),
        "bilingual_staff": (bilingual > 0).astype(bool),
        "answer": raw["ISSU_ADDR_HUMTRF"],
    }


def _wave_2016(raw: pd.DataFrame) -> dict:
    weight = _float(raw["FINALWGT"])
    return {
        "agency_id": raw["LEAR_ID"],
        "agency_type": raw["AGENCYTYPE"],
        "population": raw["POPSERVED"],
        "responded": True,
        "eligible": True,
        "stratum": raw["STRATA"].astype("Int64").astype("string"),
        "base_weight": np.nan,
        "distributed_factor": np.nan,
        "distributed_weight": weight,
        "full_time_sworn": _float(raw["FTSWORN"]),
        "answer": raw["ISSU_ADDR_HUMTRF"],
    }


def _wave_2007(raw: pd.DataFrame) -> dict:
    first = _float(raw["FINALWT_PAGE1"])
    local, sheriff = raw["AGCYTYPE"] == LOCAL, raw["AGCYTYPE"] == SHERIFF
    group = raw["LPDSAMPGRP"].astype("Int64").astype("string").fillna("")
    certainty = np.where(first < 2, "self-representing", "other")
    stratum = np.where(
        local, "local " + group, np.where(sheriff, "sheriff " + pd.Series(certainty, raw.index), "state")
    )
    officers = raw["FTHUMTRFOFF"] + raw["PTHUMTRFOFF"]
    suspect = raw["FTHUMTRFOFF"].isin([8, 9]) | raw["PTHUMTRFOFF"].isin([8, 9])
    return {
        "agency_id": raw["SURVEYID"],
        "agency_type": raw["AGCYTYPE"],
        "population": raw["POPULATION"],
        "responded": True,
        "eligible": True,
        "full_form": (raw["RESPTYPE"] == FULL),
        "stratum": stratum,
        "base_weight": np.nan,
        "distributed_factor": np.nan,
        "distributed_weight": first,
        "distributed_weight_page2": _float(raw["FINALWT_PAGE2ON"]),
        "full_time_sworn": _float(raw["SWNFTEMP"]),
        "task_force": (officers > 0).astype("boolean"),
        "task_force_code_in_doubt": suspect.fillna(False).astype(bool),
        "foot_patrol": (raw["FOOTPAT"] == YES).astype("boolean").mask(raw["FOOTPAT"].isna()),
        "enhanced_911": (raw["OPER911"] == ENHANCED).astype("boolean").mask(raw["OPER911"].isna()),
    }


def weigh(table: pd.DataFrame) -> pd.DataFrame:
    """Add nonresponse_factor, weight and stratum_population.

    Where the file holds the whole sample with base weights (2020), the non-response factor is recomputed by stratum from
    base weight and disposition; elsewhere the distributed weight is used. N of a stratum is the sum of its final weights.
    Raises InputError for a missing type, stratum or weight, and for a recomputed factor that is not the distributed one.
    """
    table = table.copy()
    wave = int(table["wave"].iloc[0]) if len(table) else None
    require_values(table, ["agency_type", "stratum", "distributed_weight"], "agency_id", f"LEMAS {wave}")
    if wave == WHOLE_SAMPLE:
        factor = nonresponse_factor(table["base_weight"], table["stratum"], table["eligible"], table["responded"])
        table["nonresponse_factor"] = factor
        table["weight"] = table["base_weight"] * factor
        _same_factor(table, wave)
    else:
        table["nonresponse_factor"] = np.nan
        table["weight"] = table["distributed_weight"]
    table["stratum_population"] = table.groupby("stratum")["weight"].transform("sum")
    if "distributed_weight_page2" in table:
        page2 = table["distributed_weight_page2"]
        table["stratum_population_page2"] = page2.groupby(table["stratum"]).transform("sum")
    return table


def _same_factor(table: pd.DataFrame, wave: int) -> None:
    require_values(table, ["distributed_factor"], "agency_id", f"LEMAS {wave}")
    difference = factor_difference(table)
    if not difference <= TOLERANCE:
        raise InputError(
            f"The non-response factor recomputed from base weights, strata and dispositions differs from the distributed "
            f"one by up to {difference:.3g}",
            f"LEMAS {wave}",
            f"Correct the codes of these variables in config/codebooks/lemas_{wave}.yaml, or {MODULE}",
        )


def factor_difference(table: pd.DataFrame) -> float:
    """Largest absolute difference between the recomputed and the distributed non-response factor."""
    return float((table["nonresponse_factor"] - table["distributed_factor"]).abs().max())


def respondents(table: pd.DataFrame, weight: str = "weight") -> tuple[pd.DataFrame, SurveyDesign]:
    """Agencies with positive weight, and their design.

    weight : 'weight', or 'distributed_weight_page2' for items of page 2 and later in 2007.
    """
    size = "stratum_population_page2" if weight.endswith("page2") else "stratum_population"
    rows = table[table["responded"] & (table[weight] > 0)].reset_index(drop=True)
    return rows, survey_design(rows[weight], rows["stratum"], rows[size])
