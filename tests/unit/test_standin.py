"""The stand-in: published totals are met, committed files come from committed settings, bad settings are refused."""

import copy

import numpy as np
import pandas as pd
import pytest
import standin_tables

from agency_survey import identifiers, standin
from agency_survey.errors import InputError
from agency_survey.standin import sample
from agency_survey.standin.perceptions import RATINGS, SOURCES
from agency_survey.standin.tools import stream, values

ROOT, CONFIG = standin_tables.ROOT, standin_tables.CONFIG


@pytest.fixture(scope="module")
def counts():
    return standin_tables.counts()


@pytest.fixture(scope="module")
def settings():
    return standin_tables.settings()


@pytest.fixture(scope="module")
def books():
    return standin_tables.parts()


@pytest.fixture(scope="module")
def tables():
    """All tables without faults."""
    return standin_tables.world()


def check_character(identifier):
    """ISO 7064 MOD 37,36 as the standard words it: the check holds when the last sum is 1."""
    product = 36
    for position, character in enumerate(identifier):
        total = (product + identifiers.ISO_ALPHABET.index(character)) % 36
        if position == len(identifier) - 1:
            return total == 1
        product = (total or 36) * 2 % 37


def test_committed_files_are_those_of_the_committed_settings(settings, counts, books, tmp_path):
    for path in standin.write(settings, counts, books, tmp_path):
        committed = ROOT / "data" / path.relative_to(tmp_path)
        assert path.read_bytes() == committed.read_bytes(), f"{committed} is not what the generator makes"
    assert not list(tmp_path.rglob("*.part"))


def test_another_seed_makes_other_data_of_the_same_size(tables, settings, counts, books):
    other = standin.world(settings, counts, books, settings["seed"] + 1)
    assert not other["frame"].equals(tables["frame"])
    for name in ("frame", "disposition", "part1"):
        assert len(other[name]) == len(tables[name])


def test_a_change_in_perceptions_leaves_frame_and_sample_alone(tables, settings, counts, books):
    changed = copy.deepcopy(settings)
    changed["perceptions"]["non_existent_everywhere"]["value"] = 0.5
    other = standin.world(changed, counts, books, settings["seed"])
    assert other["frame"].equals(tables["frame"])
    assert other["disposition"].equals(tables["disposition"])
    assert not other["part1"].equals(tables["part1"])


def test_frame_meets_the_published_counts(tables, counts, settings):
    frame = tables["frame"]
    published = counts[(counts["year"] == 2004) & (counts["breakdown"] == "total")].set_index("agency_type")["count"]
    by_type = frame["agency_type"].value_counts()
    assert by_type[1] == published["local police"]
    assert by_type[2] == published["sheriff"]
    assert by_type[3] == published["primary state"]
    classes = counts[(counts["year"] == 2007) & (counts["breakdown"] == "population_served")]
    local = classes[classes["agency_type"] == "local police"].set_index("class")["count"]
    share = (frame.loc[frame["agency_type"] == 1, "population"] < 2500).mean()
    assert share == pytest.approx(local["<2,500"] / local.sum(), abs=1e-4)


def test_populations_lie_in_their_classes(tables, settings):
    frame = tables["frame"]
    for entry in settings["frame"]["classes"]["value"]:
        population = frame.loc[frame["population_class"] == entry["code"], "population"]
        local = frame.loc[population.index, "agency_type"] < 3
        assert population[local].between(entry["low"], entry["high"] - 1).all()
    assert (frame["population"] > 75000).equals(frame["population_class"] > 5)


def test_ids_are_unique_and_carry_a_check_character(tables):
    ids = tables["frame"]["agency_id"]
    assert ids.is_unique
    assert ids.str.fullmatch("[0-9A-Z]{6}").all()
    assert all(check_character(identifier) for identifier in ids)
    for position in range(6):
        following = ids.str[position].map(
            dict(zip(identifiers.ISO_ALPHABET, identifiers.ISO_ALPHABET[1:] + "0", strict=True))
        )
        wrong = ids.str[:position] + following + ids.str[position + 1 :]
        assert not any(check_character(identifier) for identifier in wrong)


def test_all_task_forces_have_partners_in_one_state(tables, settings):
    partners = tables["frame"].dropna(subset="task_force")
    assert sorted(partners["task_force"].unique()) == list(range(1, 43))
    assert (partners.groupby("task_force")["state"].nunique() == 1).all()
    assert (tables["frame"]["task_force"].notna() == (tables["frame"]["task_force_partner"] == 1)).all()


def test_sample_has_three_sources_and_takes_every_certainty(tables):
    frame, disposition = tables["frame"], tables["disposition"]
    assert len(disposition) == 3191
    assert disposition["agency_id"].is_unique
    assert (disposition["sample_source"] == 1).sum() == 3000
    certain = frame[(frame["population"] > 75000) | (frame["task_force_partner"] == 1)]
    assert certain["agency_id"].isin(disposition["agency_id"]).all()
    supplement = disposition[disposition["sample_source"] > 1].merge(frame)
    assert (supplement.loc[supplement["sample_source"] == 2, "population"] > 75000).all()
    assert (supplement.loc[supplement["sample_source"] == 3, "population"] <= 75000).all()


def test_random_sample_follows_the_allocation(tables, settings):
    drawn = tables["disposition"].merge(tables["frame"]).query("sample_source == 1")
    sizes = tables["frame"].groupby(["agency_type", "population_class"]).size()
    taken = drawn.groupby(["agency_type", "population_class"]).size()
    for kind, classes in settings["sample_design"]["random_sample"]["allocation"].items():
        for code, n in classes.items():
            assert taken[int(kind), int(code)] == (sizes[int(kind), int(code)] if n == "all" else n)


def test_larger_classes_are_drawn_at_higher_rates(tables):
    frame = tables["frame"]
    drawn = frame["agency_id"].isin(tables["disposition"].query("sample_source == 1")["agency_id"])
    rates = drawn.groupby([frame["agency_type"], frame["population_class"]]).mean()
    for kind in (1, 2):
        assert rates[kind].is_monotonic_increasing


def test_samples_take_agencies_of_a_stratum_at_equal_rates(settings, counts, tables):
    """Over many draws each agency that is no certainty comes in as often as the others of its stratum."""
    frame, design = tables["frame"], values(settings)["sample_design"]
    hits = np.zeros(len(frame))
    for draw in range(60):
        drawn = sample.draw_sample(design, frame, 2000, stream(draw, 0, "sample"))
        hits[drawn.index] += 1
    other = (frame["population"] <= 75000) & (frame["task_force_partner"] == 2)
    small = other & (frame["agency_type"] == 1) & (frame["population_class"] == 5)
    observed = np.bincount(hits[small].astype(int), minlength=61)
    rate = hits[small].mean() / 60
    spread = hits[small].var()
    assert spread == pytest.approx(60 * rate * (1 - rate), rel=0.25)
    assert observed[0] == 0
    assert observed[60] == 0


def test_dispositions_are_consistent(tables):
    disposition, part1 = tables["disposition"], tables["part1"]
    complete = disposition[disposition["outcome"] == 1]
    assert len(complete) == 1903
    assert set(part1["agency_id"]) == set(complete["agency_id"])
    silent = disposition["outcome"] == 4
    assert disposition.loc[silent, ["mode", "outcome_on"]].isna().all(axis=None)
    assert disposition.loc[~silent, ["mode", "outcome_on"]].notna().all(axis=None)
    closed = tables["population"].query("in_operation == 2")["agency_id"]
    assert set(disposition.loc[disposition["outcome"] == 6, "agency_id"]) == set(closed) & set(disposition["agency_id"])
    assert disposition["outcome_on"].dropna().str.startswith("2007-").all()


def test_response_depends_on_the_frame_not_on_the_answers(settings, counts, tables):
    """Shuffling every answer among agencies moves no disposition."""
    truth = tables["population"].copy()
    answers = [name for name in truth if name.startswith("q")]
    truth[answers] = truth[answers].sample(frac=1, random_state=1).to_numpy()
    plain = values(settings)
    drawn = sample.draw_sample(plain["sample_design"], tables["frame"], 2000, stream(settings["seed"], 0, "sample"))
    again = sample.make_dispositions(
        plain["response"], tables["frame"], truth, drawn, stream(settings["seed"], 0, "response")
    )
    pd.testing.assert_frame_equal(again, tables["disposition"])


def test_returned_answers_are_the_true_ones_or_codes_for_missing(tables):
    part1 = tables["part1"]
    truth = tables["population"].set_index("agency_id").loc[part1["agency_id"]].reset_index()
    for name in [*RATINGS.values(), *SOURCES.values()]:
        kept = ~part1[name].isin([7, 9, 99])
        assert (part1.loc[kept, name] == truth.loc[kept, name]).all()
        assert 0.95 < kept.mean() < 1


def test_sources_are_not_asked_exactly_without_any_picture(tables):
    part1 = tables["part1"]
    truth = tables["population"].set_index("agency_id").loc[part1["agency_id"]].reset_index()
    nothing = (truth[list(RATINGS.values())] == 8).all(axis=1)
    for name in SOURCES.values():
        assert ((part1[name] == 9) == nothing).all()


def test_three_quarters_of_local_leaders_see_nothing(tables):
    truth = tables["population"].merge(tables["frame"])
    local = truth[(truth["agency_type"] < 3) & (truth["in_operation"] == 1)]
    ratings = local[list(RATINGS.values())]
    rated = (ratings < 8).any(axis=1)
    nowhere = ratings[rated].isin([4, 8]).all(axis=1)
    assert nowhere.mean() == pytest.approx(0.75, abs=5e-4)


def test_returns_lie_between_their_mailing_and_the_next(tables, settings):
    waves = [pd.Timestamp(str(entry["mailed"])) for entry in settings["response"]["waves"]["value"]]
    for number in range(1, len(waves) + 1):
        start, end = waves[number - 1], waves[number] if number < len(waves) else None
        dates = pd.to_datetime(tables["disposition"].query(f"wave == {number}")["outcome_on"].dropna())
        assert dates.min() > start
        assert end is None or dates.max() < end
        assert dates.value_counts().max() < 0.15 * len(dates)


@pytest.mark.parametrize("name", RATINGS.values())
def test_larger_communities_see_more(tables, name):
    truth = tables["population"].merge(tables["frame"])
    rated = truth[truth[name] < 8]
    share = (rated[name] == 4).groupby(rated["population_class"]).mean()
    assert (np.diff(share) < 0.05).all()
    assert share[1] - share[10] > 0.3


def test_sex_trafficking_grows_most_with_size(tables):
    truth = tables["population"].merge(tables["frame"])
    fall = {}
    for form, name in RATINGS.items():
        none = truth.loc[truth[name] < 8, [name, "population"]]
        large = none["population"] >= 250_000
        fall[form] = (none.loc[~large, name] == 4).mean() - (none.loc[large, name] == 4).mean()
    assert min(fall["sex_residents"], fall["sex_foreign_nationals"]) > max(
        fall["labour_residents"], fall["labour_foreign_nationals"]
    )


def test_every_calibrated_figure_is_published(settings):
    published = pd.read_csv(ROOT / "data/published/report_2008.csv")
    calibrated = {entry["figure"] for entry in settings["calibrations"]}
    compared = {entry["figure"] for entry in settings["comparisons"]}
    assert calibrated | compared <= set(published["id"])
    assert not calibrated & compared


def test_allocation_must_add_up(settings, counts, books):
    wrong = copy.deepcopy(settings)
    wrong["sample_design"]["random_sample"]["size"] = 2999
    with pytest.raises(InputError, match="adds up to 3000, not 2999"):
        standin.world(wrong, counts, books, 1)


def test_allocation_cannot_exceed_the_stratum(settings, counts, books):
    wrong = copy.deepcopy(settings)
    wrong["sample_design"]["random_sample"]["allocation"][2][1] = 200
    wrong["sample_design"]["random_sample"]["size"] = 3185
    with pytest.raises(InputError, match="type 2, class 1 exceeds"):
        standin.world(wrong, counts, books, 1)


def test_impossible_sample_size_is_refused(settings, counts, books):
    wrong = copy.deepcopy(settings)
    wrong["sample_design"]["mailed"] = 3050
    wrong["sampling"]["max_draws"]["value"] = 5
    with pytest.raises(InputError, match="No draw of 5"):
        standin.world(wrong, counts, books, 1)


def test_unknown_published_type_is_refused(settings, counts, books):
    with pytest.raises(InputError, match="no total or no classes of 'local police'"):
        standin.world(settings, counts[counts["agency_type"] != "local police"], books, 1)


def test_typing_error_in_settings_is_refused(tmp_path):
    text = (CONFIG / "standin.yaml").read_text(encoding="utf-8").replace("max_draws:", "max_drwas:")
    (tmp_path / "standin.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="max_draws"):
        standin.read_settings(tmp_path / "standin.yaml", CONFIG / "sample_design.yaml")
