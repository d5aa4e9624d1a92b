"""The codebook's expressions on typed tables: who is asked what, what contradicts itself, what is derived.

Logic is three-valued. An answer with a code (refused, don't know and not asked are codes too) is known: it equals its
own code and no other. What was left out, is blank or not valid is unknown, and so is a number that was not given; an
unknown part leaves the whole unknown unless the rest decides ('or' with one true part, 'and' with one false part).
"""

from __future__ import annotations

import ast
import operator
from functools import reduce

import pandas as pd

from agency_survey.codebook import Codebook, Derived, Variable
from agency_survey.errors import InputError
from agency_survey.expressions import Expression, Reference, constant, reference

VIOLATION_COLUMNS = ["rule", "row", "record", "variables", "message"]
CODED = ("refused", "dont_know", "not_asked", "not_applicable")
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
ORDER = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}


def universe(book: Codebook, table: pd.DataFrame) -> pd.DataFrame:
    """Whether a record should have been asked each variable: one column a variable that has a universe.

    table : typed table of ``ingest.typed``. Columns are of the dtype boolean; missing where the answer that decides is.
    """
    asked = {name: one.universe for name, one in book.variables.items() if one.universe is not None}
    values = {text: evaluate(one, book, table) for text, one in {one.text: one for one in asked.values()}.items()}
    found = {name: values[one.text] for name, one in asked.items()}
    return pd.DataFrame(found, index=table.index)


def derive(book: Codebook, table: pd.DataFrame) -> pd.DataFrame:
    """The derived variables of a file: boolean where the expression is a truth, else Float64 or Int64."""
    return pd.DataFrame({name: _derived(one, book, table) for name, one in book.derived.items()}, index=table.index)


def violations(
    book: Codebook, table: pd.DataFrame, others: dict[str, tuple[Codebook, pd.DataFrame]] | None = None
) -> pd.DataFrame:
    """Records that break a consistency rule: rule, row, record, variables (list of names), message.

    others : codebook and typed table by file name, for rules that name other files; a rule whose other file is not
    given is passed over, and a record that has no counterpart there breaks only ``answered(file.variable)``. ``row`` is
    the table's index, or its column 'row' where it has one; ``record`` the key's values joined by '/'. In the order of
    the rules, then of the table.
    Raises InputError where a key of another file is there twice.
    """
    others = others or {}
    parts = []
    for rule in book.consistency:
        if any(one.file not in others for one in rule.expression.references if one.file):
            continue
        broken = (~evaluate(rule.expression, book, table, others)).fillna(False).to_numpy(dtype=bool)
        hit = table[broken]
        record = ["/".join(map(str, key)) for key in hit[book.key].itertuples(index=False)]
        parts.append(
            pd.DataFrame(
                {
                    "rule": rule.ident,
                    "row": hit["row"].to_numpy() if "row" in hit else hit.index.to_numpy(),
                    "record": record,
                    "variables": [list(rule.variables)] * len(hit),
                    "message": rule.message,
                }
            )
        )
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=VIOLATION_COLUMNS)


def evaluate(
    expression: Expression,
    book: Codebook,
    table: pd.DataFrame,
    others: dict[str, tuple[Codebook, pd.DataFrame]] | None = None,
) -> pd.Series:
    """Value of a checked expression for each record of a typed table; boolean, Int64, Float64 or dates."""
    return _Evaluation(book, table, others or {}).value(expression.tree)


def _derived(one: Derived, book: Codebook, table: pd.DataFrame) -> pd.Series:
    return evaluate(one.expression, book, table)


class _Evaluation:
    """One expression's way through a table; columns of other files are brought to the table's rows once."""

    def __init__(self, book: Codebook, table: pd.DataFrame, others: dict):
        self.book, self.table, self.others = book, table, others
        self.joined: dict[str, pd.DataFrame] = {}

    def value(self, node: ast.expr) -> pd.Series:
        if reference(node):
            return self._column(reference(node))
        if isinstance(node, ast.Constant):
            return pd.Series(node.value, index=self.table.index)
        if isinstance(node, ast.Call):
            return self._answered(reference(node.args[0]))
        if isinstance(node, ast.BoolOp):
            join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
            parts = [self.value(child) for child in node.values]
            result = parts[0]
            for part in parts[1:]:
                result = join(result, part)
            return result
        if isinstance(node, ast.UnaryOp):
            return ~self.value(node.operand) if isinstance(node.op, ast.Not) else -_number(self.value(node.operand))
        if isinstance(node, ast.BinOp):
            return ARITHMETIC[type(node.op)](_number(self.value(node.left)), _number(self.value(node.right)))
        return self._compare(node)

    def _compare(self, node: ast.Compare) -> pd.Series:
        result = None
        sides = [node.left, *node.comparators]
        for left, sign, right in zip(sides[:-1], node.ops, sides[1:], strict=True):
            if isinstance(sign, ast.In | ast.NotIn | ast.Eq | ast.NotEq):
                found = self._equal(left, right.elts if isinstance(right, ast.List) else [right])
                found = ~found if isinstance(sign, ast.NotIn | ast.NotEq) else found
            else:
                found = self._ordered(left, sign, right)
            result = found if result is None else result & found
        return result

    def _ordered(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> pd.Series:
        one, other = self._alike(left, right)
        found = ORDER[type(sign)](one, other).astype("boolean")
        return found.mask(one.isna() | other.isna())

    def _equal(self, left: ast.expr, values: list[ast.expr]) -> pd.Series:
        if not values:
            return pd.Series(False, index=self.table.index, dtype="boolean")
        return reduce(operator.or_, (self._same(left, right) for right in values))

    def _same(self, left: ast.expr, right: ast.expr) -> pd.Series:
        if constant(left) is not None and constant(right) is None:
            left, right = right, left
        variable = self._variable(left)
        code = str(constant(right))
        if variable is not None and constant(right) is not None and (variable.codes or code in variable.missing):
            return self._has_code(reference(left), variable, code)
        one, other = self._alike(left, right)
        return (one == other).astype("boolean").mask(one.isna() | other.isna())

    def _has_code(self, name: Reference, variable: Variable, code: str) -> pd.Series:
        """Whether the answer is this code, valid or missing; missing where there is no answer to compare."""
        value, kind = self._column(name), self._kinds(name)
        wanted = variable.missing[code]["kind"] if code in variable.missing else None
        found = kind == wanted if wanted else value == (variable.codes[code] if variable.codes else float(code))
        found = found.to_numpy(dtype=bool, na_value=False)
        known = value.notna().to_numpy() | (found if wanted else False)
        if variable.codes:
            known |= kind.isin(CODED).to_numpy()
        return pd.Series(pd.arrays.BooleanArray(found, ~known), index=self.table.index)

    def _alike(self, left: ast.expr, right: ast.expr) -> tuple[pd.Series, pd.Series]:
        """Two sides that can be compared: dates with dates, labels with labels, truths as numbers."""
        one, other = self.value(left), self.value(right)
        if pd.api.types.is_datetime64_any_dtype(one) or pd.api.types.is_datetime64_any_dtype(other):
            return pd.to_datetime(one), pd.to_datetime(other)
        if isinstance(one.dtype, pd.CategoricalDtype) or isinstance(other.dtype, pd.CategoricalDtype):
            return one.astype("string"), other.astype("string")
        return _number(one), _number(other)

    def _answered(self, name: Reference) -> pd.Series:
        return self._column(name).notna().astype("boolean")

    def _variable(self, node: ast.expr) -> Variable | None:
        name = reference(node)
        if name is None:
            return None
        return (self.others[name.file][0] if name.file else self.book).variables.get(name.name)

    def _column(self, name: Reference) -> pd.Series:
        book, table = (self.others[name.file][0], self._rows_of(name.file)) if name.file else (self.book, self.table)
        if name.name in book.derived:
            return _derived(book.derived[name.name], book, table)
        return table[name.name]

    def _kinds(self, name: Reference) -> pd.Series:
        table = self._rows_of(name.file) if name.file else self.table
        column = f"{name.name}__missing"
        kinds = table[column] if column in table else pd.Series(None, index=table.index, dtype=object)
        return kinds

    def _rows_of(self, file: str) -> pd.DataFrame:
        """The other file's records brought to the rows of the table by its key."""
        if file not in self.joined:
            book, table = self.others[file]
            other = table.dropna(subset=book.key)
            twice = other.duplicated(book.key)
            if twice.any():
                record = "/".join(map(str, other.loc[twice, book.key].iloc[0]))
                raise InputError(
                    f"The key {'/'.join(book.key)} = '{record}' is there more than once", book.file, "Keep one record"
                )
            found = self.table[book.key].merge(other, on=book.key, how="left", indicator=True)
            for key in book.key:  # a record that is not there has no key either
                found[key] = found[key].where(found["_merge"] == "both")
            self.joined[file] = found.set_axis(self.table.index)
        return self.joined[file]


def _number(values: pd.Series) -> pd.Series:
    """Truths as 1 and 0; numbers and texts as they are."""
    return values.astype("Int64") if pd.api.types.is_bool_dtype(values) else values
