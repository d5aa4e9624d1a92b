"""Public-use microdata: recodes that are logged, and how far quasi-identifiers single out a record.

k-anonymity (Samarati and Sweeney 1998): each combination of quasi-identifiers is shared by k records. l-diversity
(Machanavajjhala and others 2007): among them each sensitive variable takes l values.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError

MISSING = "(missing)"


def recode(table: pd.DataFrame, recodes: Iterable[Mapping]) -> tuple[pd.DataFrame, list[dict]]:
    """(the table recoded, the log: variable, what was done, records changed, values before and after).

    recodes : as ``microdata.recodes`` of ``config/disclosure.yaml``, one action each; they apply in their order.
    """
    table, log = table.copy(), []
    for rule in recodes:
        name = rule["variable"]
        actions = [key for key in rule if key != "variable"]
        if name not in table:
            raise InputError(f"The recode names the variable '{name}', which the records do not have", fix="Correct it")
        if len(actions) != 1:
            raise InputError(f"The recode of '{name}' has {len(actions)} actions", fix="Give each recode one")
        before, action = table[name], actions[0]
        line = {"variable": name, "action": action, "setting": rule[action], "before": int(before.nunique())}
        if action == "drop":
            table = table.drop(columns=name)
            log.append(line | {"changed": int(before.notna().sum()), "after": 0})
            continue
        table[name] = after = _recoded(before, action, rule[action])
        kept = (before.astype("object") == after.astype("object")) | (before.isna() & after.isna())
        log.append(line | {"changed": int((~kept).sum()), "after": int(after.nunique())})
    return table, log


def _recoded(values: pd.Series, action: str, setting) -> pd.Series:
    if action == "groups":
        new = {old: label for label, olds in setting.items() for old in olds}
        return values.astype("object").map(lambda value: new.get(str(value), value) if pd.notna(value) else value)
    numbers = pd.to_numeric(values)
    if action == "top":
        return numbers.clip(upper=setting)
    if action == "base":
        return (numbers / setting).round() * setting
    if action == "cuts":
        labels = [f"{low:g} to under {high:g}" for low, high in itertools.pairwise(setting)]
        made = pd.cut(numbers, [*setting, np.inf], right=False, labels=[*labels, f"{setting[-1]:g} and over"])
        return made.astype("object").where(made.notna(), None)
    raise InputError(f"The recode action '{action}' is not known", fix="Use drop, cuts, groups, top or base")


def report(table: pd.DataFrame, quasi: list[str], sensitive: list[str], rules: Rules) -> dict:
    """k and l of the records, the combinations below the rules, and what each quasi-identifier adds to the risk.

    A missing value is a value of its own: an outsider sees that it is missing. Returns {'records', 'combinations', 'k',
    'l': {variable: l}, 'below_k': records, 'below_l': {variable: records}, 'alone': records that are unique,
    'without': {variable: records below k without it}, 'passes', 'reasons': [sentence]}.
    """
    lost = [name for name in [*quasi, *sensitive] if name not in table]
    if lost:
        raise InputError(f"The records have no variable '{lost[0]}'", fix="Correct the codebook's disclosure roles")
    if not quasi:
        raise InputError("No quasi-identifier is declared", fix="Declare them in the codebook (disclosure)")
    if not len(table):
        raise InputError("There are no records to report on", fix="Give the file that would be published")
    size = _sizes(table, quasi)
    diverse, below = {}, {}
    groups = _codes(table, quasi)
    for name in sensitive:
        kinds = pd.Series(_codes(table, [name])).groupby(groups).transform("nunique")
        diverse[name], below[name] = int(kinds.min()), int((kinds < rules.l).sum())
    few = int((size < rules.k).sum())
    without = {
        name: int((_sizes(table, [other for other in quasi if other != name]) < rules.k).sum()) if len(quasi) > 1 else 0
        for name in quasi
    }
    reasons = [f"{few} records share their quasi-identifiers with fewer than {rules.k} records"] if few else []
    reasons += [
        f"{count} records are in groups with fewer than {rules.l} values of {name}"
        for name, count in below.items()
        if count
    ]
    return {
        "records": len(table),
        "combinations": len(np.unique(groups)),
        "quasi_identifiers": list(quasi),
        "k": int(size.min()),
        "k_required": rules.k,
        "l": diverse,
        "l_required": rules.l,
        "below_k": few,
        "below_l": below,
        "alone": int((size == 1).sum()),
        "without": without,
        "passes": not reasons,
        "reasons": reasons,
    }


def _codes(table: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Code (n,) of each record's combination of values."""
    if not names:
        return np.zeros(len(table), dtype=int)
    text = table[names].astype("object").where(table[names].notna(), MISSING).astype(str)
    return text.groupby(names, sort=False).ngroup().to_numpy()


def _sizes(table: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Records (n,) that share each record's combination of values."""
    codes = _codes(table, names)
    return np.bincount(codes)[codes]
