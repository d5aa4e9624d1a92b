"""LEMAS waves: recoding on made-up records, and the weights of the real files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import codebook, ingest, lemas, schema, settings
from agency_survey.errors import InputError

PROJECT = Path(__file__).parents[2]
CLASSES = settings.load(PROJECT / "config/config.yaml")["population_classes"]
REGIONS = schema.load(PROJECT / "config/regions.yaml", "regions")


def typed(wave: int, rows: list[dict], **usual) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Typed table and misfits of made-up records of a wave: ``usual`` values for all, ``rows`` what differs."""
    book = codebook.load(PROJECT / f"config/codebooks/lemas_{wave}.yaml")
    key = book.key[0]
    text = [{**usual, key: str(k + 1), **row} for k, row in enumerate(rows)]
    raw = pd.DataFrame(text, columns=list(book.variables), dtype=object).fillna("")
    return ingest.typed(raw.set_index(pd.RangeIndex(2, len(raw) + 2, name="row")), book)


def harmonised(wave: int, rows: list[dict], **usual) -> pd.DataFrame:
    """The same records, all within the codebook, in common variables."""
    table, misfits = typed(wave, rows, **usual)
    assert misfits.empty, misfits
    return lemas.harmonise(table, wave, CLASSES, REGIONS)


USUAL_2020 = {
    "STATE": "OH",
    "AGENCYSAMPTYPE": "3",
    "STRATA": "2",
    "SAMPLINGWEIGHT": "5",
    "NR_WEIGHT_FACTOR": "1",
    "ANALYSISWEIGHT": "5",
    "COMPLETE": "1",
    "PRIMARYPOP2020": "5000",
    "ISSU_ADDR_HUMTRF": "1",
    **dict.fromkeys(
        ["FTSWORN", "PTSWORN", "FTLIM", "FTNON", "PERS_BILING_SWN", "PERS_BILING_LIM", "PERS_BILING_NON"], "0"
    ),
}


def wave_2020(*rows: dict) -> pd.DataFrame:
    return harmonised(2020, list(rows), **USUAL_2020)


USUAL_2007 = {
    "STATE": "TX",
    "AGCYTYPE": "3",
    "LPDSAMPGRP": "4",
    "RESPTYPE": "full",
    "FINALWT_PAGE1": "7.48",
    "FINALWT_PAGE2ON": "7.55",
    "POPULATION": "30000",
    "SWNFTEMP": "40",
    "FTHUMTRFOFF": "0",
    "PTHUMTRFOFF": "0",
    "FOOTPAT": "1",
    "OPER911": "1",
}
USUAL_2016 = {
    "STATE": "TX",
    "AGENCYTYPE": "1",
    "STRATA": "101",
    "FINALWGT": "3",
    "POPSERVED": "30000",
    "ISSU_ADDR_HUMTRF": "2",
    "FTSWORN": "40",
}
USUAL = {2007: USUAL_2007, 2016: USUAL_2016, 2020: USUAL_2020}


def wave_2007(*rows: dict) -> pd.DataFrame:
    return harmonised(2007, list(rows), **USUAL_2007)


def test_types_dispositions_answers_and_regions_of_2020():
    found = wave_2020(
        {},
        {"AGENCYSAMPTYPE": "4", "STATE": "CA", "COMPLETE": "0", "ISSU_ADDR_HUMTRF": "-9"},
        {"AGENCYSAMPTYPE": "1", "STATE": "DC", "COMPLETE": "-8", "ISSU_ADDR_HUMTRF": "-8"},
        {"AGENCYSAMPTYPE": "5", "STATE": "NY", "ISSU_ADDR_HUMTRF": "5"},
    )
    assert found["agency_type"].tolist() == [lemas.TYPES[k] for k in (0, 0, 1, 2)]
    assert found["responded"].tolist() == [True, False, False, True]
    assert found["eligible"].tolist() == [True, True, False, True]
    assert found["region"].tolist() == ["Midwest", "West", "South", "Northeast"]
    assert found["answer"].cat.categories.tolist() == lemas.ANSWERS
    assert found["answer"].cat.codes.tolist() == [0, -1, -1, 4]
    assert found["stratum"].tolist() == ["2"] * 4


def test_state_agencies_serve_no_population_class():
    found = wave_2020({"AGENCYSAMPTYPE": "5"}, {"PRIMARYPOP2020": "-9"}, {})
    assert found["population"].isna().tolist() == [True, True, False]
    assert found["population_class"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("population", "label"),
    [
        (1, "Under 2,500"),
        (2_499, "Under 2,500"),
        (2_500, "2,500 to 9,999"),
        (249_999, "100,000 to 249,999"),
        (250_000, "250,000 and over"),
        (9_000_000, "250,000 and over"),
    ],
)
def test_population_classes_begin_where_they_say(population, label):
    assert lemas.population_class(pd.Series([population]), CLASSES).tolist() == [label]


def test_part_time_officers_count_half_and_unknown_ones_not():
    found = wave_2020(
        {"FTSWORN": "9", "PTSWORN": "3", "FTNON": "4", "FTLIM": "2", "PERS_BILING_NON": "1"},
        {"FTSWORN": "9", "PTSWORN": "-9", "FTNON": "-9", "FTLIM": "2", "PERS_BILING_SWN": "-9"},
        {"FTSWORN": "-9"},
    )
    assert found["fte_sworn"].tolist()[:2] == [10.5, 9.0]
    assert np.isnan(found["fte_sworn"].iloc[2])
    assert found["full_time_civilians"].tolist()[:2] == [6, 2]
    assert found["bilingual_staff"].tolist() == [True, False, False]


def test_strata_of_2007():
    found = wave_2007(
        {},
        {"LPDSAMPGRP": "100", "FINALWT_PAGE1": "1.02"},
        {"AGCYTYPE": "1", "LPDSAMPGRP": "", "FINALWT_PAGE1": "1.99"},
        {"AGCYTYPE": "1", "LPDSAMPGRP": "", "FINALWT_PAGE1": "2"},
        {"AGCYTYPE": "5", "LPDSAMPGRP": "", "FINALWT_PAGE1": "1.08"},
    )
    assert found["stratum"].tolist() == ["local 4", "local 100", "sheriff self-representing", "sheriff other", "state"]


def test_task_force_of_2007():
    found = wave_2007(
        {},
        {"FTHUMTRFOFF": "1"},
        {"PTHUMTRFOFF": "8"},
        {"FTHUMTRFOFF": "999999", "PTHUMTRFOFF": "999999"},
        {"FTHUMTRFOFF": "888888"},
    )
    assert found["task_force"].tolist() == [False, True, True, pd.NA, pd.NA]
    assert found["task_force_code_in_doubt"].tolist() == [False, False, True, False, False]


def test_items_of_later_pages_are_missing_on_partial_forms():
    found = wave_2007({}, {"RESPTYPE": "partial", "FOOTPAT": "", "OPER911": ""}, {"FOOTPAT": "0", "OPER911": "2"})
    assert found["full_form"].tolist() == [True, False, True]
    assert found["foot_patrol"].tolist() == [True, pd.NA, False]
    assert found["enhanced_911"].tolist() == [True, pd.NA, False]


def test_a_state_without_a_region_is_refused_with_its_row():
    with pytest.raises(InputError, match=r"The state 'PR' lies in no census region \(LEMAS 2020, row 3\)"):
        wave_2020({}, {"STATE": "PR"})


def test_regions_hold_each_state_once():
    states = [state for states in REGIONS.values() for state in states]
    assert len(states) == len(set(states)) == 51


def test_weights_of_2020_are_recomputed_and_stand_for_the_eligible():
    of, no = {"NR_WEIGHT_FACTOR": "1.5"}, {"NR_WEIGHT_FACTOR": "0"}
    lost, out = {**no, "COMPLETE": "0"}, {**no, "COMPLETE": "-8"}
    found = lemas.weigh(wave_2020(of, of, lost, out, {"STRATA": "3", "SAMPLINGWEIGHT": "2"}))
    np.testing.assert_allclose(found["nonresponse_factor"], [1.5, 1.5, 0, 0, 1])
    np.testing.assert_allclose(found["weight"], [7.5, 7.5, 0, 0, 2])
    np.testing.assert_allclose(found["stratum_population"], [15, 15, 15, 15, 2])
    assert lemas.factor_difference(found) == 0


def test_a_factor_that_is_not_the_distributed_one_is_refused_with_the_difference():
    with pytest.raises(InputError, match=r"differs from the distributed one by up to 1 \(LEMAS 2020\)"):
        lemas.weigh(wave_2020({}, {}, {"COMPLETE": "0"}))
    table = wave_2020({"NR_WEIGHT_FACTOR": "1.00000001"})
    with pytest.raises(InputError, match="by up to 1e-08"):
        lemas.weigh(table)
    table["distributed_factor"] = 1 + 1e-10
    lemas.weigh(table)


def test_a_missing_base_weight_is_refused_and_does_not_bring_in_the_distributed_ones():
    table = wave_2020({}, {}, {})
    table.loc[table.index[1], "base_weight"] = np.nan
    with pytest.raises(InputError, match=r"base weight is missing.*\(row 2\)"):
        lemas.weigh(table)


def test_other_waves_keep_their_distributed_weights():
    found = lemas.weigh(wave_2007({}, {"FINALWT_PAGE1": "7.5"}, {"LPDSAMPGRP": "5"}, {"LPDSAMPGRP": "5"}))
    assert found["weight"].tolist() == [7.48, 7.5, 7.48, 7.48]
    assert found["nonresponse_factor"].isna().all()
    np.testing.assert_allclose(found["stratum_population"], [14.98, 14.98, 14.96, 14.96])
    np.testing.assert_allclose(found["stratum_population_page2"], [15.1, 15.1, 15.1, 15.1])


def test_respondents_of_page_2_leave_partial_forms_out():
    table = lemas.weigh(wave_2007({}, {}, {}, {"RESPTYPE": "partial", "FINALWT_PAGE2ON": "0"}))
    assert len(lemas.respondents(table)[0]) == 4
    rows, design = lemas.respondents(table, "distributed_weight_page2")
    assert len(rows) == design.n == 3
    assert design.population.tolist() == pytest.approx([3 * 7.55])


def test_a_wave_that_is_not_there_gives_an_empty_table_with_all_columns():
    for wave in (2007, 2016, 2020):
        book = codebook.load(PROJECT / f"config/codebooks/lemas_{wave}.yaml")
        raw = ingest.typed(ingest.no_records(book), book)[0]
        table = lemas.weigh(lemas.harmonise(raw, wave, CLASSES, REGIONS))
        assert len(table) == 0
        assert {"weight", "stratum", "stratum_population", "agency_type", "region", "population_class"} <= set(table)


def test_the_real_factor_of_2020_is_recomputed(weighed):
    table = weighed[2020]
    assert lemas.factor_difference(table) < 1e-9
    respondents = table[table["responded"]]
    np.testing.assert_allclose(respondents["weight"], respondents["distributed_weight"], rtol=1e-9)
    assert (table.loc[~table["responded"], "weight"] == 0).all()
    eligible = table[table["eligible"]]
    assert table["weight"].sum() == pytest.approx(eligible["base_weight"].sum())


def test_the_real_waves_have_one_weight_a_stratum_and_every_agency_a_region(weighed):
    for wave, table in weighed.items():
        assert table["region"].notna().all()
        rows, design = lemas.respondents(table)
        assert design.population.sum() == pytest.approx(rows["weight"].sum())
        if wave != 2007:
            assert (rows.groupby("stratum")["weight"].agg(np.ptp) < 1e-9).all()


@pytest.mark.parametrize(
    ("wave", "name", "label"),
    [(wave, name, label) for wave, of in lemas.LABELS.items() for name, labels in of.items() for label in labels],
)
def test_edited_removed_and_moved_labels_are_refused(wave, name, label):
    table, _ = typed(wave, [{}], **USUAL[wave])
    labels = lemas.LABELS[wave][name]
    changes = {
        f"'{name}' has the label 'edited' but lacks '{label}'": [x if x != label else "edited" for x in labels],
        f"'{name}' lacks the label '{label}'": [x for x in labels if x != label],
        f"'{name}' has the label '{labels[1]}' in the place of '{labels[0]}'": [labels[1], labels[0], *labels[2:]],
    }
    for words, given in changes.items():
        changed = table.assign(**{name: pd.Categorical([given[0]], given)})
        with pytest.raises(InputError) as refused:
            lemas.harmonise(changed, wave, CLASSES, REGIONS)
        assert words in str(refused.value)
        assert f"config/codebooks/lemas_{wave}.yaml" in str(refused.value)
        assert lemas.MODULE in str(refused.value)


@pytest.mark.parametrize(
    ("wave", "name"), [(wave, name) for wave, names in lemas.DESIGN_VARIABLES.items() for name in names]
)
def test_design_variables_outside_the_codebook_are_refused_with_agency_and_row(wave, name):
    key = lemas.DESIGN_VARIABLES[wave][0]
    table, misfits = typed(wave, [{}, {name: "?"}], **USUAL[wave])
    assert misfits["variable"].tolist() == [name]
    agency = "" if name == key else " of the agency 2"
    with pytest.raises(InputError) as refused:
        lemas.harmonise(table, wave, CLASSES, REGIONS)
    said = str(refused.value)
    assert said.startswith(f"The value of '{name}'{agency} is not one that the codebook allows")
    assert f"(LEMAS {wave}, row 3, variable {name})" in said


@pytest.mark.parametrize("row", [{"LPDSAMPGRP": ""}, {"LPDSAMPGRP": "101"}, {"AGCYTYPE": "1", "LPDSAMPGRP": "101"}])
def test_the_stratum_of_2007_may_be_missing_only_where_it_does_not_apply(row):
    table, _ = typed(2007, [{}, row], **USUAL_2007)
    with pytest.raises(InputError, match=r"'LPDSAMPGRP' of the agency 2 .*row 3"):
        lemas.harmonise(table, 2007, CLASSES, REGIONS)


@pytest.mark.parametrize("name", ["agency_type", "stratum", "distributed_weight", "distributed_factor"])
def test_weigh_refuses_what_the_design_lacks(name):
    table = wave_2020({}, {}, {})
    table[name] = table[name].mask(table.index == 3)
    with pytest.raises(InputError, match=rf"'{name}' of the agency 2 is missing.*row 3"):
        lemas.weigh(table)


def test_no_base_weight_at_all_does_not_bring_in_the_distributed_ones():
    table = wave_2020({}, {}).assign(base_weight=np.nan)
    with pytest.raises(InputError, match="base weight is missing"):
        lemas.weigh(table)
