"""What chapters share: tests over breakdowns, masking, tables by domain, figures and their alternative text."""

import numpy as np
import pandas as pd
import pytest
import stand_in
import yaml

from agency_survey import figures, ledger
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.sections import builders, survey

LIMITS = {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10}
SIZES = ["Under 2,500", "2,500 to 9,999", "10,000 and over"]


def parts_of(codes):
    codes = np.asarray(codes)
    sizes = [(builders.SIZE, name, codes == at) for at, name in enumerate(SIZES)]
    return [(survey.ALL, survey.ALL, np.ones(len(codes), dtype=bool)), *sizes]


@pytest.fixture(scope="module")
def simple():
    """Six hundred agencies of equal weight out of very many, in three classes."""
    n = 600
    return survey_design(np.ones(n), ["a"] * n, [1e9] * n), parts_of(np.arange(n) % 3), np.arange(n) % 3


def test_tests_of_an_equal_weight_sample_are_the_textbook_ones(simple):
    from scipy import stats

    design, parts, codes = simple
    y = np.random.default_rng(1).random(600) < 0.3 + 0.1 * codes
    found = builders.tests(design, {"y": y}, np.ones(600, dtype=bool), parts).set_index("test")
    counts = np.array([[(y & (codes == c)).sum(), (~y & (codes == c)).sum()] for c in range(3)])
    pearson = stats.chi2_contingency(counts, correction=False).pvalue
    assert found.loc["Rao-Scott", "p"] == pytest.approx(pearson, rel=0.1)
    line = stats.linregress(codes, y.astype(float))
    assert found.loc["trend", "slope"] == pytest.approx(line.slope)
    assert found.loc["trend", "p"] == pytest.approx(line.pvalue, rel=0.15)
    numbers = builders.tests(design, {"y": y.astype(float)}, np.ones(600, dtype=bool), parts).set_index("test")
    anova = stats.f_oneway(*(y[codes == c].astype(float) for c in range(3))).pvalue
    assert numbers.loc["Wald", "p"] == pytest.approx(anova, rel=0.15)


def test_domains_without_a_known_value_are_left_out_and_nothing_is_tested_alone(simple):
    design, parts, codes = simple
    y = np.arange(600) % 2 == 0
    two = builders.tests(design, {"y": y}, codes < 2, parts).set_index("test")
    assert two.loc["Rao-Scott", "df"] == pytest.approx(1)
    one = builders.tests(design, {"y": y}, codes == 1, parts)
    assert one["p"].isna().all()
    constant = builders.tests(design, {"y": np.zeros(600, dtype=bool)}, np.ones(600, dtype=bool), parts)
    assert constant.loc[constant["test"] == "Rao-Scott", "p"].isna().all()
    with pytest.raises(InputError, match="no breakdown"):
        builders.domain_codes(parts, "Region")


def test_p_values_are_adjusted_together_and_decide_the_wording():
    common = {"statistic": 1.0, "pooled": False, "sides": []}
    rows = [
        {"measure": "a", "breakdown": builders.SIZE, "test": "Rao-Scott", "p": 0.01, "slope": np.nan},
        {"measure": "a", "breakdown": builders.SIZE, "test": "trend", "p": 0.04, "slope": 0.1},
        {"measure": "a", "breakdown": "Region", "test": "Rao-Scott", "p": 0.03, "slope": np.nan},
    ]
    rows = [row | common for row in rows]
    found = builders.adjusted(pd.DataFrame(rows[:2]), pd.DataFrame(rows[2:]))
    assert found["p_adjusted"].tolist() == pytest.approx(
        [0.03, 0.06, 0.06]
    )  # Holm by hand: 3 x 0.01, 2 x 0.03, the same
    assert builders.differs(found, "a", builders.SIZE)
    assert not builders.differs(found, "a", "Region")
    assert not builders.rising(found, "a")
    assert builders.rising(builders.adjusted(pd.DataFrame(rows[1:2])), "a")
    falling = pd.DataFrame([rows[1] | {"slope": -0.1}])
    assert not builders.rising(builders.adjusted(falling), "a")


def values(**changes):
    row = {"breakdown": survey.ALL, "domain": survey.ALL, "measure": "m", "n": 50, "df": 40}
    return pd.DataFrame([row | {"value": 10.0, "se": 1.0, "low": 8.0, "high": 12.0} | changes])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "10.0 (8.0\N{WORD JOINER}\N{EN DASH}\N{WORD JOINER}12.0)"),
        ({"se": 4.0}, "10.0\\* (8.0\N{WORD JOINER}\N{EN DASH}\N{WORD JOINER}12.0)"),
        ({"se": 6.0}, "\N{EN DASH}"),
        ({"n": 9}, "\N{EN DASH}"),
        ({"se": 0.0}, "10.0"),
        ({"se": np.nan}, "\N{EN DASH}"),
        ({"low": -3.0}, "10.0 (0.0\N{WORD JOINER}\N{EN DASH}\N{WORD JOINER}12.0)"),
    ],
)
def test_values_are_flagged_and_hidden_by_their_error(changes, text):
    found = values(**changes)
    assert builders.value_cell(next(found.itertuples()), LIMITS, 1, floor=0.0) == text
    hidden = builders.masked_values(found, LIMITS)["value"].isna().all()
    assert hidden == (text == "\N{EN DASH}")


def test_test_lines_stand_below_their_breakdown(simple):
    design, parts, codes = simple
    y = codes == 2
    known = np.ones(600, dtype=bool)
    found = survey.shares(design, {"y": y}, known, parts, 0.95)
    checks = builders.adjusted(builders.tests(design, {"y": codes >= 1}, known, parts).assign(measure="y"))
    table = builders.domains_table(
        "tbl-x", "Caption", found, {"y": "Y"}, "source", "", (20, 8, 20), lambda row: builders.cell(row, LIMITS), checks
    )
    assert table.shown["Agencies"].tolist() == [f"**{survey.ALL}**", *SIZES, "*p, difference*", "*p, trend*"]
    assert table.shown["Y"].iloc[-1] == "*<0.001*"
    assert table.shown["n"].tolist() == ["600", "200", "200", "200", "", ""]


def test_alternative_text_says_what_is_not_shown():
    figure = parts_of_two()
    assert figure.alt == (
        "Bars with intervals in 2 panels, one for each answer. Percent. A: yes 25.0 percent, no not shown. "
        "B: yes 60.0 percent, no 40.0 percent."
    )


def parts_of_two() -> figures.Figure:
    """Two answers of two groups, one of them too uncertain to be shown."""
    share = np.array([0.25, np.nan, 0.6, 0.4])
    data = pd.DataFrame({"domain": list("AABB"), "measure": ["Yes", "No"] * 2, "share": share, "n": 20})
    data = data.assign(low=share - 0.1, high=share + 0.2)
    return builders.parts_figure(
        "fig-x", "C", data, "s", "", bar="domain", bars=["A", "B"], parts=["Yes", "No"], xlabel="Percent"
    )


def test_parts_have_a_panel_each_with_interval_and_number():
    figures.style()
    figure = parts_of_two()
    drawn = figure.draw(figure.data)
    panels = drawn.axes
    assert [panel.get_title(loc="left") for panel in panels] == ["Yes", "No"]
    assert [[text.get_text() for text in panel.texts] for panel in panels] == [["60", "25"], ["40", "\N{EN DASH}"]]
    (segments,) = [one.get_segments() for one in panels[0].collections]
    assert np.allclose([segment[:, 0] for segment in segments], [[50, 80], [15, 45]])
    drawn.canvas.draw()
    assert all(panel.get_xlim() == (0, 80) for panel in panels)


def test_the_map_has_each_state_once():
    tiles = builders.TILES.split()
    states = [code for code in tiles if code != "."]
    regions = yaml.safe_load((stand_in.ROOT / "config/regions.yaml").read_text(encoding="utf-8"))
    assert sorted(states) == sorted(code for region in regions.values() for code in region)
    assert {len(line.split()) for line in builders.TILES.strip().split("\n")} == {11}


def test_the_map_names_states_without_respondents():
    data = pd.DataFrame({"domain": ["West"], "share": [0.4], "low": [0.3], "high": [0.5], "n": [30]})
    states = {code: "West" for code in builders.TILES.split() if code not in (".", "DC")}
    figure = builders.region_map("fig-x", "C", data, states, "s", "Note.", label="Percent")
    assert figure.notes == "Note. White: no respondents (DC)."
    assert "West 40.0" in figure.alt
    figure.draw(data)


def test_texts_with_a_hidden_number_say_that_estimates_are_uncertain():
    numbers = ledger.Numbers("x")
    for ident, value in (("a.b", None), ("a.c", 0.5)):
        numbers.add(ident, value, format="percent1", label="", unit="", domain="", estimator="")
    found = builders.exhibits(numbers, [], [], {"one": ledger.num("a.b"), "two": ledger.num("a.c")})
    assert found.texts == {"one": ledger.UNCERTAIN, "two": ledger.num("a.c")}
    assert not builders.printable(numbers, "a.b")
    assert builders.printable(numbers, "a.c")


def test_quantiles_by_domain_are_those_of_the_agencies(simple):
    design, parts, codes = simple
    y = np.arange(600, dtype=float)
    found = builders.quantile_values(design, y, codes > 0, parts, {"Median": 0.5}, 0.95).set_index("domain")["value"]
    assert np.isnan(found[SIZES[0]])
    assert found[SIZES[1]] == np.sort(y[codes == 1])[99]
