"""Edit rules and checks between the answers of a record, and between the parts, as the codebooks state them."""

from __future__ import annotations

import pandas as pd

from agency_survey import logic
from agency_survey.cleaning.returns import AGENCY, PARTS
from agency_survey.cleaning.survey import Survey, read_as
from agency_survey.codebook import Codebook, used
from agency_survey.expressions import Expression

DESIGN = ("frame", "disposition")
SAID = ("refused", "dont_know", "missing")
TOTAL = "q14_cases"
BY_TYPE = ("q15a_sex_cases", "q15b_labour_cases")
OF_PART2 = ("sex_investigations", "labour_investigations")


def contradictions(survey: Survey, name: str) -> pd.DataFrame:
    """Violations of the consistency rules of a file, with the contradicted cells: rule, message, file, row, variable.

    One row a cell that is in doubt; cells of another part that the rule names are in doubt too, unless they agree with the
    other answers there; those of the frame and the dispositions are not.
    """
    book, table = survey.books[name], survey.typed(name)
    found = survey.violations(name)
    rules = {rule.ident: rule for rule in book.consistency}
    cells = []
    for one in found.itertuples():
        rule = rules[one.rule]
        named = [(name, one.row, variable) for variable in one.variables]
        for other in rule.expression.references:
            if other.file and other.file not in DESIGN and other.name not in survey.books[other.file].key:
                there = survey.typed(other.file)
                rows = there.index[
                    (there[AGENCY] == table.at[one.row, AGENCY]) & ~_corroborated(survey, other.file, other.name)
                ]
                named += [(other.file, row, other.name) for row in rows]
        cells += [(one.rule, one.message, *cell) for cell in named]
    return pd.DataFrame(cells, columns=["rule", "message", "file", "row", "variable"])


def _corroborated(survey: Survey, name: str, variable: str) -> pd.Series:
    """Records in which a rule of their own file says that a variable agrees with the others."""
    book, table = survey.books[name], survey.typed(name)
    found = pd.Series(False, index=table.index)
    for rule in book.consistency:
        if variable in rule.variables and not any(one.file for one in rule.expression.references):
            found |= logic.evaluate(rule.expression, book, table).fillna(False).astype(bool)
    return found


def _settled(survey: Survey) -> dict[str, pd.DataFrame]:
    """Typed tables with the cells in doubt read as missing, so that no rule rests on them."""

    def make() -> dict[str, pd.DataFrame]:
        tables = {name: survey.typed(name) for name in survey.text}
        for name in survey.text:
            for (file, variable), cells in contradictions(survey, name).groupby(["file", "variable"]):
                if variable not in survey.books[file].key:
                    tables[file] = read_as(tables[file], cells["row"], variable, "invalid")
        return tables

    return survey.remember(("settled",), make)


def _asked(book: Codebook, table: pd.DataFrame):
    """(universe, variables under it, whether a record should have been asked them) for each universe of a file."""
    groups: dict[str, list[str]] = {}
    for variable in book.variables.values():
        if variable.universe is not None:
            groups.setdefault(variable.universe.text, []).append(variable.name)
    for variables in groups.values():
        universe = book.variables[variables[0]].universe
        yield universe, variables, logic.evaluate(universe, book, table)


def cases_of_part2(survey: Survey) -> None:
    """Part I says that there was no case, and so gives no number, but the lead investigator counts cases in every year of
    Part II: Part I takes over that there were cases, and their numbers."""
    counted = _counted(survey)
    table = survey.typed("part1")
    numbers = [TOTAL, *BY_TYPE]
    silent = (table["q13_any_case"] == "No") & (table[[f"{name}__missing" for name in numbers]] == "not_asked").all(
        axis=1
    )
    agency = table.loc[silent & table[AGENCY].isin(counted.index), AGENCY]
    yes = next(code for code, label in survey.books["part1"].variables["q13_any_case"].codes.items() if label == "Yes")
    survey.change("part1", agency.index, "q13_any_case", yes, "Part II counts cases by year")
    for name in numbers:
        survey.change(
            "part1", agency.index, name, agency.map(counted[name].astype(str)), "the sum over the years of Part II"
        )


def cases_by_type(survey: Survey) -> None:
    """The numbers of sex and labor trafficking cases in Part I do not add up to all cases: the one that Part II counts
    otherwise takes over the count of Part II, where all then adds up."""
    counted = _counted(survey)
    table = survey.typed("part1")
    other = counted.reindex(table[AGENCY]).set_axis(table.index)
    known = table[[TOTAL, *BY_TYPE]].notna().all(axis=1) & other.notna().all(axis=1)
    wrong = known & (table[BY_TYPE[0]] + table[BY_TYPE[1]] != table[TOTAL])
    for name, partner in (BY_TYPE, BY_TYPE[::-1]):
        fits = (table[partner] == other[partner]) & (other[name] + table[partner] == table[TOTAL])
        rows = table.index[(wrong & fits).fillna(False).astype(bool)]
        survey.change(
            "part1", rows, name, other.loc[rows, name].astype(str), "the sum over the years of Part II, which adds up"
        )
    fits = (table[BY_TYPE[0]] == other[BY_TYPE[0]]) & (table[BY_TYPE[1]] == other[BY_TYPE[1]])
    rows = table.index[(wrong & fits).fillna(False).astype(bool)]
    survey.change("part1", rows, TOTAL, other.loc[rows, TOTAL].astype(str), "the sum by type, as in Part II")


def _counted(survey: Survey) -> pd.DataFrame:
    """Cases by type and in all as Part II counts them by year, by agency; only where every year is given and there is one."""
    table = survey.typed("part2")
    made = logic.derive(survey.books["part2"], table)
    found = pd.DataFrame(
        {name: made[derived].to_numpy() for name, derived in zip(BY_TYPE, OF_PART2, strict=True)}, index=table[AGENCY]
    )
    found[TOTAL] = found.sum(axis=1, skipna=False)
    found = found[found.index.notna() & ~found.index.duplicated(keep=False)].dropna()
    return found[found[TOTAL] > 0].astype("Int64")


def filters(survey: Survey) -> None:
    """A filter question is put right where at least half of the questions under it, and two or more, are answered although
    it says that they were not asked, and one code of it only leads to them."""
    for name, table in _settled(survey).items():
        book = survey.books[name]
        for universe, variables, asked in _asked(book, table):
            names = used(universe, book.derived)
            if len(variables) < 2 or len(names) != 1:
                continue
            answered = table[variables].notna().sum(axis=1)
            rows = table.index[_not(asked) & (answered >= 2) & (2 * answered >= len(variables))]
            if rows.empty:
                continue
            codes = [code for code in book.variables[names[0]].codes if _leads(book, table, universe, names[0], code)]
            if len(codes) == 1:
                reason = f"{len(variables)} questions hang on it, and most of them are answered"
                survey.change(name, rows, names[0], codes[0], reason)


def _not(asked: pd.Series) -> pd.Series:
    """Where it is known that a question should not have been asked."""
    return (~asked).fillna(False).astype(bool)


def _leads(book: Codebook, table: pd.DataFrame, universe: Expression, name: str, code: str) -> bool:
    """Whether a filter question with this code leads to the questions."""
    probe = table.iloc[:1].copy()
    probe[name] = pd.Categorical([book.variables[name].codes[code]], categories=book.variables[name].labels)
    probe[f"{name}__missing"] = None
    return bool(logic.evaluate(universe, book, probe).fillna(False).iloc[0])


def answered_though_not_asked(survey: Survey) -> None:
    """An answer to a question that the skip pattern leaves out is set aside as not asked."""
    for name, table in _settled(survey).items():
        book = survey.books[name]
        for universe, variables, asked in _asked(book, table):
            reason = f"answered, though {' and '.join(used(universe, book.derived))} leaves the question out"
            for variable in variables:
                said = table[variable].notna() | table[f"{variable}__missing"].isin(SAID)
                code = book.variables[variable].missing_code("not_asked") or ""
                survey.change(name, table.index[_not(asked) & said], variable, code, reason)


def not_asked_though_asked(survey: Survey) -> None:
    """A question that should have been asked, but is coded as not asked or empty, was left out."""
    for name, table in _settled(survey).items():
        book = survey.books[name]
        for universe, variables, asked in _asked(book, table):
            reason = f"coded as not asked, though {' and '.join(used(universe, book.derived))} leads to the question"
            for variable in variables:
                rows = table.index[asked.fillna(False) & (table[f"{variable}__missing"] == "not_asked")]
                code = book.variables[variable].missing_code("missing")
                if code is None:
                    survey.read(name, rows, variable, "missing", reason)
                else:
                    survey.change(name, rows, variable, code, reason)


# -- checks ------------------------------------------------------------------------------------------------------------


def outside_codebook(survey: Survey) -> None:
    """A value that the codebook does not allow (unknown code, no number, out of range, no date) is read as missing."""
    for name in survey.text:
        for variable in survey.books[name].variables:
            if variable not in survey.books[name].key:
                found = survey.problems(name, variable)
                questions = [f"What was meant? The value is {_verb(problem)}" for problem in found]
                survey.ask(name, found.index, variable, questions)


def _verb(problem: str) -> str:
    return problem if problem.startswith(("not ", "outside", "too ")) else f"an {problem}"


def contradicted(survey: Survey) -> None:
    """Answers that contradict each other by a consistency rule, in a record or between the parts, are read as missing."""
    found = pd.concat([contradictions(survey, name) for name in survey.text], ignore_index=True)
    for (file, variable, rule), cells in found.groupby(["file", "variable", "rule"], sort=False):
        if variable in survey.books[file].key:
            continue
        valid = survey.typed(file)[variable].notna()
        rows = [row for row in cells["row"] if valid.get(row, False)]
        survey.ask(file, rows, variable, f"{cells['message'].iloc[0]} ({rule}): which number or date is wrong?")


def skip_pattern(survey: Survey) -> None:
    """What still contradicts the skip pattern (after a correction, say) is read as missing."""
    for name in PARTS:
        book, table = survey.books[name], survey.typed(name)
        for _, variables, asked in _asked(book, table):
            for variable in variables:
                rows = table.index[_not(asked) & table[variable].notna()]
                survey.ask(name, rows, variable, "It is answered, though the skip pattern leaves the question out")
                rows = table.index[asked.fillna(False) & (table[f"{variable}__missing"] == "not_asked")]
                survey.ask(name, rows, variable, "It is coded as not asked, though it should have been asked")
