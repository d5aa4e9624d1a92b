"""Chapter 10 with every subset of waves, and wording that follows the results."""

import copy
import itertools
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import estimate, lemas, models, schema, settings
from agency_survey.errors import InputError
from agency_survey.exhibits import Exhibits
from agency_survey.sections import after_the_report as section
from agency_survey.sections import after_the_report_text as text
from agency_survey.sections.after_the_report_chapter import CAPTIONS, NEEDS, chapter

PROJECT = Path(__file__).parents[2]
WAVES = (2007, 2016, 2020)
SUBSETS = [set(part) for k in range(4) for part in itertools.combinations(WAVES, k)]
RULE = (PROJECT / "workflow/rules/10_after_the_report.smk").read_text(encoding="utf-8")
SETTINGS = settings.load(PROJECT / "config/config.yaml")
NUM = re.compile(r"\{\{< num (\S+?)(?: (se|ci|n))? >\}\}")


def declared(kind: str) -> list[str]:
    """Names that the rule declares as tables, figures or texts."""
    inside = re.search(rf"{kind}=\[(.*?)\]", RULE, re.DOTALL).group(1)
    return re.findall(r'"([^"]+)"', inside)


@pytest.fixture(scope="module")
def built(request, register):
    """``built(has)``: the chapter's exhibits where the waves ``has`` are there; only these need the LEMAS files."""
    entries = schema.load(PROJECT / "config/reproduction.yaml", "reproduction")
    published = pd.read_csv(PROJECT / "data/published/lemas_published.csv", dtype=str, keep_default_na=False)

    @cache
    def make(has: frozenset) -> Exhibits:
        weighed = {wave: request.getfixturevalue("weighed")[wave] for wave in sorted(has)}
        states = {wave: "verified" if wave in has else "missing" for wave in WAVES}
        return chapter(
            weighed,
            register,
            {w: {"state": states[w], "file": register[w]["file"], "sha256": None} for w in WAVES},
            {w: {"records": len(weighed.get(w, ())), "respondents": 0, "misfits": 0} for w in WAVES},
            entries,
            published,
            {
                "confidence_level": SETTINGS["confidence_level"],
                "reliability": SETTINGS["reliability"],
                "folder": "data/external/lemas",
            },
        )

    return lambda has: make(frozenset(has))


each_subset = pytest.mark.parametrize("has", SUBSETS, ids=lambda has: "-".join(map(str, sorted(has))) or "none")


@each_subset
def test_all_declared_exhibits_are_made(built, has):
    made = built(has)
    assert [table.ident for table in made.tables] == declared("tables")
    assert [figure.ident for figure in made.figures] == declared("figures")
    assert list(made.texts) == declared("texts")


@each_subset
def test_what_is_missing_is_said_and_nothing_else(built, has, register):
    made = built(has)
    for exhibit in [*made.tables[1:], *made.figures]:
        first = str(exhibit.data.iloc[0, 0])
        lost = sorted(NEEDS[exhibit.ident] - has) or ([] if has else list(WAVES))
        assert first.startswith("Needs LEMAS") == bool(lost), exhibit.ident
        assert all(str(wave) in first for wave in lost)
        if lost:
            assert exhibit.caption == CAPTIONS[exhibit.ident]
    notice = made.texts["missing"]
    for wave in WAVES:
        assert (f"`{register[wave]['file']}`" in notice) == (wave not in has)
        assert (register[wave]["obtain"].strip() in notice) == (wave not in has)
    data = made.tables[0].shown
    assert data["File"].tolist() == ["verified by digest" if w in has else "missing" for w in WAVES]
    assert (data["Records"] != "–").tolist() == [w in has for w in WAVES]


@each_subset
def test_no_number_of_a_missing_wave_is_recorded(built, has):
    for ident, number in built(has).numbers.numbers.items():
        named = {
            int(year) for year in re.findall(r"\b20(?:07|16|20)\b", f"{ident} {number['label']} {number['domain']}")
        }
        if ".change." in ident:
            named = {2016, 2020}
        elif ".logit." in ident or ".weights." in ident:
            named |= {2020}
        elif ".reproduction." in ident:
            continue
        assert named, ident
        assert named <= has, ident


@each_subset
def test_sentences_name_recorded_numbers_only(built, has):
    made = built(has)
    for name, words in made.texts.items():
        for ident, field in NUM.findall(words):
            assert ident in made.numbers.numbers, f"{name}: {ident}"
            assert made.numbers.numbers[ident]["text"][field or "value"] != "–", f"{name}: {ident} {field}"
        assert not re.search(r"\d\.\d|\d%", NUM.sub("", words)) or name == "missing", name


@each_subset
def test_published_figures_of_missing_waves_are_not_counted(built, has):
    made = built(has)
    table = next(t for t in made.tables if t.ident == "tbl-lemas-reproduction")
    if not has:
        assert not any(".reproduction." in ident for ident in made.numbers.numbers)
        return
    assert set(table.data["wave"]) == has
    counts = {
        key: made.numbers.numbers[f"after-the-report.reproduction.{key}"]["value"]
        for key in ("figures", "agree", "disagree")
    }
    assert counts["figures"] == len(table.data) == counts["agree"] + counts["disagree"]
    assert counts["disagree"] == (2 if 2020 in has else 0)


@each_subset
def test_a_wave_gives_the_same_numbers_whichever_others_are_there(built, has):
    whole = built(WAVES).numbers.numbers
    for ident, number in built(has).numbers.numbers.items():
        if ".reproduction." not in ident:
            assert number == whole[ident]


@pytest.mark.parametrize("has", [set(), set(WAVES)], ids=["without", "with"])
def test_files_of_a_build_with_and_without_data(built, tmp_path, has):
    built(has).write(tmp_path)
    wanted = {"numbers.json"}
    wanted |= {f"tables/{name}.{end}" for name in declared("tables") for end in ("csv", "md")}
    wanted |= {f"figures/{name}.{end}" for name in declared("figures") for end in ("csv", "md", "png")}
    wanted |= {f"text/{name}.md" for name in declared("texts")}
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == wanted


def test_an_altered_file_is_not_used_and_its_digest_is_shown(register):
    status = {w: {"state": "altered", "file": register[w]["file"], "sha256": "ab" * 32} for w in WAVES}
    notice = text.missing(register, status, "somewhere")
    assert notice.count("is not the one that the register expects") == 3
    assert "`abababababab`" in notice
    assert "folder: `somewhere`" in notice


# -- wording ---------------------------------------------------------------------------------------------------------


def change_of(none: tuple[float, float], prepared: tuple[float, float], overall: float = 0.001) -> section.Change:
    """A change with (difference, p) of the two answers that the findings speak of."""
    rows = [("All agencies", lemas.ANSWERS[4], *none), ("All agencies", section.UNIT_OR_PERSONNEL, *prepared)]
    rows += [("Local police", lemas.ANSWERS[4], -none[0], 0.001)]
    return section.Change(
        pd.DataFrame(rows, columns=["domain", "answer", "change", "p"]), estimate.Test(1.0, 4, 100, overall)
    )


@pytest.mark.parametrize(
    ("none", "prepared", "words"),
    [
        ((-0.1, 0.001), (0.1, 0.001), ["sees no such problem fell", "designated personnel rose"]),
        ((0.1, 0.001), (-0.1, 0.001), ["sees no such problem rose", "designated personnel fell"]),
        ((-0.1, 0.2), (0.1, 0.04), ["sees no such problem did not change by more", "designated personnel rose"]),
        ((0.1, 0.049), (0.1, 0.051), ["sees no such problem rose", "designated personnel did not change by more"]),
        ((0.0, np.nan), (0.1, 0.001), ["sees no such problem did not change by more", "designated personnel rose"]),
    ],
)
def test_findings_follow_sign_and_test_of_all_agencies(none, prepared, words):
    found = text.findings(change_of(none, prepared), set(WAVES))
    assert all(word in found for word in words), found


@pytest.mark.parametrize(
    ("p", "words"), [(0.001, " differ (Wald test"), (0.2, "do not differ by more"), (np.nan, "do not differ by more")]
)
def test_the_change_paragraph_follows_the_test(p, words):
    assert words in text.change_paragraph(change_of((0, 1), (0, 1), p))
    assert ("Such a change" in text.change_paragraph(change_of((0, 1), (0, 1), p))) == (p < 0.05)


def fit_of(sheriff: float, size: float) -> models.Fit:
    """A model with standard errors of 1."""
    return models.Fit(["intercept", "sheriff", "log2_population"], np.array([0, sheriff, size]), np.eye(3), 500, 600)


@pytest.mark.parametrize(
    ("sheriff", "size", "words"),
    [
        (3, 3, ["Each doubling of the population served multiplies", "offices are higher than"]),
        (-3, 3, ["Each doubling of the population served multiplies", "offices are lower than"]),
        (1, 3, ["multiplies", "are not shown to differ"]),
        (-3, 1, ["not shown to depend on the population", "offices are lower than"]),
        (1, 1, ["not shown to depend on the population", "are not shown to differ"]),
    ],
)
def test_the_model_paragraph_follows_coefficients_and_tests(sheriff, size, words):
    found = text.model_paragraph(fit_of(sheriff, size), {2020})
    assert all(word in found for word in words), found


@pytest.mark.parametrize("absent", [text.findings(None, set()), text.change_paragraph(None), text.task_force_paragraph(set()),
                                    text.model_paragraph(None, set()), text.weights_paragraph(set()),
                                    text.reproduction_paragraph(None), text.headline(set())])  # fmt: skip
def test_without_data_sentences_say_so_and_name_no_number(absent):
    assert "{{<" not in absent
    assert re.search(r"lacks|not available|No LEMAS wave|cannot be rebuilt|No published figure", absent)


def flipped(weighed: dict, wave: int) -> pd.DataFrame:
    """The wave with the order of the five answers turned round."""
    table = copy.deepcopy(weighed[wave])
    table["answer"] = table["answer"].cat.rename_categories(dict(zip(lemas.ANSWERS, lemas.ANSWERS[::-1], strict=True)))
    table["answer"] = table["answer"].cat.reorder_categories(lemas.ANSWERS)
    return table


def test_flipped_data_flip_the_wording(weighed):
    """Answers of both waves turned round: what rose now falls, and the logit's sign goes with it."""

    def results(tables: dict) -> tuple[str, models.Fit]:
        surveys = {wave: lemas.respondents(tables[wave]) for wave in (2016, 2020)}
        shares = {wave: section.answers(*surveys[wave], 0.95)[1] for wave in surveys}
        return text.findings(
            section.changes(shares[2016], shares[2020], 0.95), {2016, 2020}
        ), section.preparation_model(*surveys[2020])

    before, fit = results(weighed)
    swapped, _ = results({2016: weighed[2020], 2020: weighed[2016]})
    verbs = re.findall(r"\b(?:rose|fell|did not change)\b", before)
    assert len(verbs) == 2
    assert set(verbs) & {"rose", "fell"}
    opposite = {"rose": "fell", "fell": "rose", "did not change": "did not change"}
    assert re.findall(r"\b(?:rose|fell|did not change)\b", swapped) == [opposite[verb] for verb in verbs]
    _, turned = results({wave: flipped(weighed, wave) for wave in (2016, 2020)})
    size = fit.names.index("log2_population")
    assert fit.coefficients[size] > 0 > turned.coefficients[size]


# -- estimates of the section ----------------------------------------------------------------------------------------


def test_shares_of_each_domain_add_up(weighed):
    found, _ = section.answers(*lemas.respondents(weighed[2020]), 0.95)
    five = found[found["answer"] != section.UNIT_OR_PERSONNEL].groupby("domain")["share"].sum()
    np.testing.assert_allclose(five, 1)
    shares = found.pivot(index="domain", columns="answer", values="share")
    np.testing.assert_allclose(
        shares[lemas.ANSWERS[0]] + shares[lemas.ANSWERS[1]], shares[section.UNIT_OR_PERSONNEL], atol=1e-12
    )


def test_domains_of_a_breakdown_divide_the_agencies(weighed):
    rows, _ = lemas.respondents(weighed[2016])
    by = {}
    for breakdown, _, inside in section.domains(rows):
        by[breakdown] = by.get(breakdown, 0) + inside.astype(int)
    assert (by["Agency type"] == 1).all()
    assert (by["Region"] == 1).all()
    assert (by["Population served"] == rows["population"].notna().astype(int)).all()


def test_weights_by_stratum_add_up_to_the_sample(weighed):
    found = section.weights_by_stratum(weighed[2020])
    assert found["sampled"].sum() == len(weighed[2020])
    assert found["respondents"].sum() == weighed[2020]["responded"].sum()
    assert found["stratum"].astype(int).is_monotonic_increasing
    np.testing.assert_allclose(found["weight"] * found["respondents"], found["population"])
    np.testing.assert_allclose(found["base_weight"] * found["eligible"], found["population"])


def test_the_reproduction_paragraph_follows_what_disagrees():
    compared = pd.DataFrame({"agrees": [True, True], "why": ["", ""]})
    assert "remaining" not in text.reproduction_paragraph(compared)
    compared["agrees"] = [True, False]
    assert "do not." in text.reproduction_paragraph(compared)
    compared["why"] = ["", "a slip in the text"]
    assert "for the reason that the notes" in text.reproduction_paragraph(compared)


def test_the_task_force_paragraph_does_not_set_a_number_against_itself():
    assert "instead of" in text.task_force_paragraph({2007})
    assert "leaves the share at" in text.task_force_paragraph({2007}, same=True)


def test_sentences_with_a_hidden_number_are_left_out():
    every = set(re.findall(r"num (\S+)", text.findings(None, {2007, 2020})))
    assert text.findings(None, {2007, 2020}, every) == text.findings(None, {2007, 2020})
    without = text.findings(None, {2007, 2020}, every - {"after-the-report.2020.prepared.lowest-class"})
    assert "In 2007" in without
    assert "In 2020" not in without
    assert text.findings(None, {2007, 2020}, set()) == text.UNCERTAIN
    assert text.headline({2020}, set()) == text.UNCERTAIN


def test_answers_are_counted_by_the_labels_that_they_have():
    answers = pd.Categorical([lemas.ANSWERS[4], None, lemas.ANSWERS[0]], lemas.ANSWERS, ordered=True)
    assert section.answer_codes(pd.DataFrame({"answer": answers})).tolist() == [4, -1, 0]
    for changed in (answers.remove_categories(lemas.ANSWERS[1]), answers.reorder_categories(lemas.ANSWERS[::-1])):
        with pytest.raises(InputError, match="'answer'"):
            section.answer_codes(pd.DataFrame({"answer": changed}))
