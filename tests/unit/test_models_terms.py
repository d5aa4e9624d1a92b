"""Design matrices: contrasts, names, products, missing rows and refusals."""

import numpy as np
import pandas as pd
import pytest

from agency_survey import models
from agency_survey.errors import InputError
from agency_survey.models.terms import belongs

TABLE = pd.DataFrame(
    {
        "size": [1.0, 2.0, np.nan, 4.0],
        "yes": [True, False, True, False],
        "place": ["town", "city", None, "city"],
        "rank": pd.Categorical(["low", "high", "mid", "high"], ["low", "mid", "high"], ordered=True),
    }
)


def test_treatment_contrasts_with_the_reference_first():
    x = models.design_matrix(TABLE, ["size", "yes", "place", "rank"])
    assert list(x) == ["intercept", "size", "yes", "place[town]", "rank[mid]", "rank[high]"]
    assert x["yes"].tolist() == [1, 0, 1, 0]
    assert x["rank[high]"].tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(x["place[town]"], [1, 0, np.nan, 0])
    assert {str(dtype) for dtype in x.dtypes} == {"float64"}


def test_levels_can_be_given_and_the_intercept_left_out():
    x = models.design_matrix(TABLE, ["place", "size"], {"place": ["town", "city"], "size": [1, 2, 4]}, intercept=False)
    assert list(x) == ["place[city]", "size[2]", "size[4]"]
    np.testing.assert_array_equal(x["size[4]"], [0, 0, np.nan, 1])


def test_products_multiply_columns():
    x = models.design_matrix(TABLE, ["size", "rank", "size:rank", "place:rank"], intercept=False)
    assert list(x)[3:] == ["size:rank[mid]", "size:rank[high]", "place[town]:rank[mid]", "place[town]:rank[high]"]
    np.testing.assert_array_equal(x["size:rank[high]"], [0, 2, np.nan, 4])


def test_levels_stay_when_the_table_changes():
    terms = models.model_terms(TABLE, ["place"])
    assert list(terms.matrix(TABLE[:1])) == ["intercept", "place[town]"]
    with pytest.raises(InputError, match=r"A value of place is none of its levels \(row 2\)"):
        terms.matrix(pd.DataFrame({"place": ["city", "moon"]}))


def test_whole_numbers_with_gaps_are_numbers():
    table = pd.DataFrame({"n": pd.array([1, None, 3], "Int64"), "b": pd.array([True, None, False], "boolean")})
    x = models.design_matrix(table, ["n", "b"], intercept=False)
    np.testing.assert_array_equal(x, [[1, 1], [np.nan, np.nan], [3, 0]])


@pytest.mark.parametrize(
    ("names", "levels", "words"),
    [
        (["moon"], None, "no column moon"),
        (["size:size"], None, "multiplies a variable by itself"),
        (["place"], {"place": ["town"]}, "two levels or more"),
        (["place"], {"place": ["town", "town"]}, "each once"),
        (["place"], {"place": ["town", "a]:b"]}, "Rename it"),
        (["place"], {"place": ["town", "village"]}, r"none of its levels \(rows 2, 4\)"),
    ],
)
def test_terms_that_cannot_be_built_are_refused(names, levels, words):
    with pytest.raises(InputError, match=words):
        models.design_matrix(TABLE, names, levels)


@pytest.mark.parametrize(
    ("column", "term", "answer"),
    [
        ("size", "size", True),
        ("place[town]", "place", True),
        ("place[town]", "place[town]", True),
        ("place[town]", "pla", False),
        ("place[town]:rank[mid]", "place", False),
        ("place[town]:rank[mid]", "place:rank", True),
        ("class[[10, 20)]", "class", True),
        ("class[(0, 10]]", "class", True),
        ("size:class[(0, 10]]", "size:class", True),
    ],
)
def test_columns_belong_to_terms(column, term, answer):
    assert belongs(column, term) is answer
