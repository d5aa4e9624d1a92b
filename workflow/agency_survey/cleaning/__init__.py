"""Cleaning: edit rules in order, then corrections, then checks. Tables in, tables out; no file is read here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from agency_survey.cleaning import consistency, returns, values
from agency_survey.cleaning.survey import LOG_COLUMNS, QUERY_COLUMNS, Survey
from agency_survey.codebook import Codebook

__all__ = ["CHECKS", "EDITS", "LOG_COLUMNS", "QUERY_COLUMNS", "Cleaned", "Rule", "blocks", "clean"]

Corrections = Callable[[dict[str, pd.DataFrame]], tuple[dict[str, pd.DataFrame], pd.DataFrame]]


@dataclass(frozen=True)
class Rule:
    """An edit rule or a check: its function's name, what it does (first paragraph of its docstring), and the function."""

    apply: Callable[[Survey], None]

    @property
    def name(self) -> str:
        return self.apply.__name__

    @property
    def statement(self) -> str:
        return " ".join(self.apply.__doc__.split("\n\n")[0].split())


EDITS = tuple(
    Rule(function)
    for function in (
        values.encoding,
        values.trim,
        values.code_variants,
        values.number_forms,
        values.text_numbers,
        values.dates,
        returns.identifier_forms,
        returns.repair_identifiers,
        returns.return_dates,
        returns.duplicate_returns,
        consistency.cases_of_part2,
        consistency.cases_by_type,
        consistency.filters,
        consistency.answered_though_not_asked,
        consistency.not_asked_though_asked,
    )
)
CHECKS = tuple(
    Rule(function)
    for function in (
        returns.unidentified,
        returns.unusable_keys,
        returns.records_without_counterpart,
        consistency.outside_codebook,
        consistency.contradicted,
        consistency.skip_pattern,
        returns.dispositions_without_return,
    )
)


@dataclass(frozen=True)
class Cleaned:
    """Typed tables by file (sorted by key, without the column row), edit log, open queries and counts for the audit."""

    tables: dict[str, pd.DataFrame]
    log: pd.DataFrame
    queries: pd.DataFrame
    counts: dict


def clean(
    tables: dict[str, pd.DataFrame],
    books: dict[str, Codebook],
    corrections: Corrections | None = None,
    windows_1252: dict[str, list[int]] | None = None,
) -> Cleaned:
    """Run the edit rules in order, then the corrections, then the checks.

    tables : text cells by file ('frame', 'disposition', 'part1', 'part2', 'part3') as of ``ingest.raw_of``, indexed by
    the row in the file; books : their codebooks; corrections : text tables -> (text tables, log), the register at work;
    windows_1252 : rows that ingest read as Windows-1252. Raises InputError where Part I is cut short, or a record of the frame or a disposition is there twice.
    """
    survey = Survey(tables, books, windows_1252)
    returns.refuse_repeated_keys(survey, consistency.DESIGN)
    for rule in EDITS:
        survey.rule = rule.name
        rule.apply(survey)
    if corrections is not None:
        survey.take(*corrections(survey.text))
    for rule in CHECKS:
        survey.rule = rule.name
        rule.apply(survey)
    returns.refuse_repeated_keys(survey, survey.text)
    found = {name: _sorted(survey.typed(name), books[name]) for name in survey.text}
    order = [*survey.files.values()]
    log, queries = _ordered(survey.log, order), _ordered(survey.queries, order)
    return Cleaned(found, log, queries, _counts(survey, tables, log, queries))


def blocks(table: pd.DataFrame, book: Codebook) -> dict[str, pd.DataFrame]:
    """A part's cleaned table by block: key variables first, each value followed by its kind of missing value."""
    return {
        name: table[[column for variable in book.in_block(name) for column in (variable, f"{variable}__missing")]]
        for name in book.blocks
    }


def _sorted(table: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    return table.sort_values(book.key, kind="stable").reset_index(drop=True)


def _ordered(table: pd.DataFrame, files: list[str]) -> pd.DataFrame:
    """By file in the order of the flow, then row; the order of the rules is kept within a row."""
    place = table["file"].map({name: k for k, name in enumerate(files)})
    return table.assign(place=place).sort_values(["place", "row"], kind="stable", ignore_index=True)[table.columns]


def _counts(survey: Survey, before: dict[str, pd.DataFrame], log: pd.DataFrame, queries: pd.DataFrame) -> dict:
    """Records by file, and changes and queries by rule, file and variable."""

    def tally(table: pd.DataFrame) -> list[dict]:
        found = table.groupby(["rule", "file", "variable"], sort=True).size().rename("count").reset_index()
        return found.to_dict("records")

    of_log, of_queries = log["rule"].value_counts(), queries["rule"].value_counts()
    rules = [
        {
            "rule": rule.name,
            "kind": kind,
            "statement": rule.statement,
            "changes": int(of_log.get(rule.name, 0)),
            "queries": int(of_queries.get(rule.name, 0)),
        }
        for kind, listed in (("edit", EDITS), ("check", CHECKS))
        for rule in listed
    ]
    files = {
        name: {
            "file": survey.files[name],
            "records_in": len(before[name]),
            "second_returns": len(before[name]) - len(survey.text[name]),
            "set_aside": len(survey.aside[name]),
            "records_out": len(survey.text[name]) - len(survey.aside[name]),
            "cells": int(before[name].size),
            "read_as_missing": sum(
                kind == "invalid" for held in survey.read_as[name].values() for kind in held.values()
            ),
        }
        for name in survey.text
    }
    return {"files": files, "rules": rules, "changes": tally(log), "queries": tally(queries)}
