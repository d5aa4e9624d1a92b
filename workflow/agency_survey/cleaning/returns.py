"""Edit rules and checks on whole returns: identifiers, second returns, records that belong to no return."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from agency_survey import identifiers
from agency_survey.cleaning.survey import Survey
from agency_survey.codebook import used
from agency_survey.errors import InputError

AGENCY = "agency_id"
COMPLETE, PARTIAL = "Complete", "Partial"
NO_CASE = "No"
PARTS = ("part1", "part2", "part3")
OF_THE_RETURN = ("returned_on", "mode", "respondent")
GAPS = ("missing", "invalid")
MOST_WITHOUT_RETURN = 0.05
DATES_AGREE = 0.9  # from which share of equal dates on the dispositions hold the dates of the returns


def identifier_forms(survey: Survey) -> None:
    """An identifier in small letters, or with blanks or hyphens in it, is written as it should be."""
    for name in PARTS:
        text = survey.text[name][AGENCY]
        plain = text.str.upper().str.replace(r"[\s-]", "", regex=True)
        hit = (plain != text) & plain.map(identifiers.valid).astype(bool)
        survey.change(name, text.index[hit], AGENCY, plain[hit], "the identifier in another form")


def repair_identifiers(survey: Survey) -> None:
    """An identifier with a wrong check character becomes the only one that fits.

    One character is wrong or two neighbours are swapped, the disposition is complete, and the agency has no return of its
    own in the file (in Part III: no case of this number). In Parts II and III, Part I must not say that there was no case.
    """
    for name in PARTS:
        without_case = _without_case(survey) if name != "part1" else set()
        found = candidates(survey, name)
        one = {row: ids[0] for row, ids in found.items() if len(ids) == 1 and ids[0] not in without_case}
        keys = [_key(survey, name, row, ident) for row, ident in one.items()]
        sure = [row for row, key in zip(one, keys, strict=True) if keys.count(key) == 1]
        survey.change(
            name,
            sure,
            AGENCY,
            [one[row] for row in sure],
            "the only identifier with this check character, a complete disposition and no return of its own",
        )


def candidates(survey: Survey, name: str) -> dict:
    """Identifiers that may be meant, by row, for the records of a part whose identifier is that of no agency."""
    text = survey.text[name]
    odd = text.loc[~text[AGENCY].isin(survey.typed("frame")[AGENCY]), AGENCY]
    if odd.empty:
        return {}
    complete = complete_agencies(survey)
    keys = set(text[survey.books[name].key].itertuples(index=False, name=None))
    return {
        row: [
            other
            for other in identifiers.neighbours(ident)
            if other in complete and _key(survey, name, row, other) not in keys
        ]
        for row, ident in odd.items()
        if len(ident) == identifiers.LENGTH
    }


def complete_agencies(survey: Survey) -> set[str]:
    """Agencies whose disposition is complete."""
    table = survey.typed("disposition")
    return set(table.loc[table["outcome"] == COMPLETE, AGENCY].dropna())


def _without_case(survey: Survey) -> set[str]:
    table = survey.typed("part1")
    return set(table.loc[table["q13_any_case"] == NO_CASE, AGENCY].dropna())


def _key(survey: Survey, name: str, row, ident: str) -> tuple:
    """Key of a record if it had this identifier."""
    key = survey.text[name].loc[row, survey.books[name].key]
    return tuple(ident if part == AGENCY else cell for part, cell in key.items())


def return_dates(survey: Survey) -> None:
    """A date of return of Part I that is no date, or outside the period, becomes that of the complete disposition."""
    table, disposition = survey.typed("part1"), survey.typed("disposition")
    known = disposition[(disposition["outcome"] == COMPLETE) & disposition["outcome_on"].notna()].set_index(AGENCY)
    day = table[AGENCY].map(known["outcome_on"][~known.index.duplicated()])
    both = table["returned_on"].notna() & day.notna()
    if (table["returned_on"] == day)[both].mean() < DATES_AGREE:
        return
    rows = table.index[(table["returned_on__missing"] == "invalid") & day.notna()]
    new = day.loc[rows].dt.strftime("%Y-%m-%d")
    survey.change("part1", rows, "returned_on", new, "the date of the complete disposition of the agency")


def duplicate_returns(survey: Survey) -> None:
    """Of several returns for one record the one with most answers is kept, then the one returned last, then the last row.

    What it lacks (left out, or outside the codebook) is filled from the others; where both have valid answers that
    differ, a person must decide. Date, mode and respondent are those of the kept return.
    """
    for name in PARTS:
        book, table = survey.books[name], survey.typed(name)
        text = survey.text[name]
        twice = text.duplicated(book.key, keep=False)
        for _, group in text[twice].groupby(book.key, sort=False):
            _merge(survey, name, table.loc[group.index])


def _merge(survey: Survey, name: str, returns: pd.DataFrame) -> None:
    book = survey.books[name]
    kinds = returns[[f"{variable}__missing" for variable in book.variables]].astype(object)
    answered = (kinds != "missing").sum(axis=1)
    when = returns["returned_on"] if "returned_on" in returns else pd.Series(pd.NaT, index=returns.index)
    order = pd.DataFrame({"answered": answered, "when": when, "place": returns.index}, index=returns.index)
    order = order.sort_values(["answered", "when", "place"], na_position="first")
    kept, others = order.index[-1], list(order.index[-2::-1])
    for variable in book.variables:
        if variable in book.key or variable in OF_THE_RETURN:
            continue
        for other in others:
            _compare(survey, name, returns, kept, other, variable)
    survey.drop(name, others, f"a second return; row {kept} is more complete, or the later one")


def _compare(survey: Survey, name: str, returns: pd.DataFrame, kept, other, variable: str) -> None:
    """Fill a gap of the kept return from the other one, or ask where they contradict each other."""
    one, two = returns.at[kept, variable], returns.at[other, variable]
    if pd.isna(two):
        return
    cell = survey.text[name].at[other, variable]
    if not pd.isna(one):
        if one != two:
            survey.ask(
                name, [kept], variable, f"Two returns differ: '{survey.text[name].at[kept, variable]}' and '{cell}'"
            )
    elif returns.at[kept, f"{variable}__missing"] in GAPS and survey.text[name].at[kept, variable] != cell:
        survey.change(name, [kept], variable, cell, f"left out in this return, answered in that of row {other}")


# -- checks ------------------------------------------------------------------------------------------------------------


def unidentified(survey: Survey) -> None:
    """A return whose identifier belongs to no agency of the frame is set aside, with the agencies that may be meant."""
    frame = set(survey.typed("frame")[AGENCY])
    for name in PARTS:
        text = survey.text[name][AGENCY]
        rows = text.index[~text.isin(frame)]
        near = candidates(survey, name)
        questions = [
            "Which agency is it? No agency has this identifier"
            + (f"; it may be {' or '.join(near[row][:4])}" if near.get(row) else "")
            for row in rows
        ]
        survey.set_aside(name, rows, AGENCY, questions)


def unusable_keys(survey: Survey) -> None:
    """A case without a valid number is set aside."""
    for name in PARTS:
        for variable in survey.books[name].key:
            table = survey.typed(name)
            rows = table.index[table[variable].isna()]
            survey.set_aside(name, rows, variable, "Which record is it? Its key is not valid")


def records_without_counterpart(survey: Survey) -> None:
    """A record that contradicts the dispositions or Part I as a whole is set aside: no return, no complete disposition,
    or no case by Part I (which is then read as missing there)."""
    doubts = []
    for name in PARTS:
        book, table = survey.books[name], survey.typed(name)
        found = survey.violations(name)
        found = found[found["variables"].map(lambda names, key=set(book.key): set(names) <= key).astype(bool)]
        for rule in book.consistency:
            rows = list(found.loc[found["rule"] == rule.ident, "row"])
            question = f"{rule.message}: which of the two is right?"
            survey.set_aside(name, rows, rule.variables[0], question)
            doubts += [(question, one, table.loc[rows, AGENCY]) for one in rule.expression.references]
    for question, one, agencies in doubts:
        if one.file == "part1" and one.name not in survey.books["part1"].key:
            table = survey.typed("part1")
            rows = table.index[table[AGENCY].isin(agencies) & table[one.name].notna()]
            survey.ask("part1", rows, one.name, question)
            for variable in survey.books["part1"].variables.values():
                if variable.universe and one.name in used(variable.universe, survey.books["part1"].derived):
                    survey.ask("part1", rows, variable.name, question)


def dispositions_without_return(survey: Survey) -> None:
    """A disposition says complete, but there is no return that can be used: it is read as partial until answered.

    Raises InputError when that holds for more than one in twenty: the file of Part I is then cut short.
    """
    table = survey.typed("disposition")
    complete = table["outcome"] == COMPLETE
    lost = complete & ~table[AGENCY].isin(survey.typed("part1")[AGENCY])
    if lost.sum() > MOST_WITHOUT_RETURN * max(complete.sum(), 1):
        raise InputError(
            f"Of {complete.sum():,} agencies with a complete disposition, {lost.sum():,} have no return in Part I",
            survey.files["part1"],
            "The file is cut short: copy it again from its source",
        )
    codes = {label: code for code, label in survey.books["disposition"].variables["outcome"].codes.items()}
    rows = table.index[lost]
    question = "The disposition is complete, but there is no return that can be used: where is it?"
    survey.ask("disposition", rows, "outcome", question, "read as partial until answered")
    survey.change("disposition", rows, "outcome", codes[PARTIAL], "no return that can be used")


def refuse_repeated_keys(survey: Survey, names: Iterable[str]) -> None:
    """Raises InputError where two records of a file have one key."""
    for name in names:
        book, table = survey.books[name], survey.typed(name)
        twice = table.index[table.duplicated(book.key, keep=False)]
        if len(twice):
            raise InputError(
                f"The key {'/'.join(book.key)} = '{survey.records(name, twice[:1])[0]}' is there more than once",
                f"{survey.files[name]}, rows {', '.join(str(row) for row in twice[:4])}",
                "Keep one of the records",
            )
