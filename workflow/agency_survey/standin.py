"""The stand-in: a synthetic frame, sample, dispositions and answers, drawn from config/standin.yaml with a seed.

``generate`` goes through stages (frame, truth, sample, disposition, Part I). Each stage draws from its own stream, so
a new stage changes no byte of the earlier ones. Every stream yields uniforms only and turns them into other
distributions by their inverse functions; the tables are therefore the same bytes for the same seed.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from agency_survey import files, schema
from agency_survey.errors import InputError

PLACES = {
    "frame": "frame/frame.csv",
    "disposition": "raw/disposition.csv",
    "part1": "raw/part1.csv",
    "population": "raw/truth/population.csv",
    "calibration": "raw/truth/calibration.csv",
}
RATINGS = {
    "sex_residents": "q1_sex_residents",
    "sex_foreign_nationals": "q2_sex_foreign_nationals",
    "labour_residents": "q3_labour_residents",
    "labour_foreign_nationals": "q4_labour_foreign_nationals",
}
SOURCES = {
    "own_cases": "q5a_own_cases",
    "other_agencies": "q5b_other_agencies",
    "federal_agencies": "q5c_federal_agencies",
    "service_organisations": "q5d_service_organisations",
    "training": "q5e_training",
    "media": "q5f_media",
}
NON_EXISTENT, DONT_KNOW, YES, NO = 4, 8, 1, 2
REFUSED, NOT_ASKED, LEFT_OUT = 7, 9, 99
COMPLETE, PARTIAL, REFUSAL, NO_CONTACT, UNDELIVERABLE, INELIGIBLE = range(1, 7)
MAIL, WEB = 1, 2
# Digits and letters without E, I, O and U: no id reads as a number in powers of ten or takes I and O for 1 and 0.
ALPHABET = np.array(list("0123456789ABCDFGHJKLMNPQRSTVWXYZ"))
ISO_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_settings(standin: str | Path, sample_design: str | Path) -> dict:
    """Both settings files, checked; the sample design stands under ``sample_design``."""
    settings = schema.load(standin, "standin")
    settings["sample_design"] = schema.load(sample_design, "sample_design")
    return settings


def generate(settings: dict, frame_counts: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """All tables of the stand-in, by the names in ``PLACES``.

    settings : as of ``read_settings``. frame_counts : published counts of agencies (data/published/frame_counts.csv).
    Raises InputError when settings and counts contradict each other.
    """
    plain = _values(settings)
    design = plain["sample_design"]
    frame = make_frame(plain["frame"], frame_counts, design["population_threshold"], _stream(seed, "frame"))
    truth = make_truth(plain, frame, seed)
    sample = draw_sample(design, frame, plain["sampling"]["max_draws"], _stream(seed, "sample"))
    disposition = make_dispositions(plain["response"], frame, truth, sample, _stream(seed, "response"))
    part1 = make_part1(plain, frame, truth, disposition, _stream(seed, "part1"))
    return {
        "frame": frame,
        "disposition": disposition,
        "part1": part1,
        "population": truth,
        "calibration": calibration(plain, frame, truth, disposition, part1),
    }


def write(tables: dict[str, pd.DataFrame], root: str | Path) -> list[Path]:
    """Write the tables below the data folder ``root``; a file is replaced only when its new content is complete."""
    paths = []
    for name, table in tables.items():
        path = Path(root) / PLACES[name]
        files.write_csv(path, table)
        paths.append(path)
    return paths


# --- frame -----------------------------------------------------------------------------------------------------------


def make_frame(settings: dict, counts: pd.DataFrame, threshold: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row an agency: id, type, state, region, population and its class, officers, metropolitan, task force."""
    states = pd.DataFrame.from_dict(settings["states"], orient="index").sort_index()
    parts = [_agencies(settings, counts, states, name, rng) for name in settings["types"]]
    frame = pd.concat(parts, ignore_index=True)
    frame["region"] = frame["state"].map(states["region"])
    frame["sworn_officers"] = _officers(settings, frame, rng)
    frame["metropolitan"] = _metropolitan(settings, frame, rng)
    frame["task_force"] = _task_forces(settings["task_forces"], frame, threshold, rng)
    frame["task_force_partner"] = np.where(frame["task_force"].notna(), YES, NO)
    frame["agency_id"] = agency_ids(len(frame))
    columns = ["agency_id", "agency_type", "state", "region", "population", "population_class"]
    columns += ["sworn_officers", "metropolitan", "task_force_partner", "task_force"]
    return frame[columns].sort_values("agency_id", ignore_index=True)


def class_counts(settings: dict, counts: pd.DataFrame, type_name: str) -> np.ndarray:
    """Agencies of a type by population class (whole numbers): published class counts scaled to the published total."""
    published = settings["types"][type_name]["published"]
    rows = counts[counts["agency_type"] == published]
    total = rows[(rows["year"] == settings["totals_year"]) & (rows["breakdown"] == "total")]["count"]
    classes = rows[(rows["year"] == settings["classes_year"]) & (rows["breakdown"] == "population_served")]
    if len(total) != 1 or classes.empty:
        raise InputError(f"The published counts hold no total or no classes of '{published}'", "frame_counts.csv")
    expected = np.zeros(len(settings["classes"]))
    for label, count in zip(classes["class"], classes["count"], strict=True):
        shares = settings["published_classes"].get(label)
        if shares is None:
            raise InputError(f"The published class '{label}' is not in published_classes", "config/standin.yaml")
        for code, share in shares.items():
            expected[int(code) - 1] += share * count
    return _round_to(expected, int(total.iloc[0]))


def _agencies(settings, counts, states, type_name, rng) -> pd.DataFrame:
    """Agencies of one type with state, population and population class."""
    code = settings["types"][type_name]["code"]
    if type_name == "state":
        served = states.drop(index=settings["without_state_agency"])
        population = served["population"].to_numpy()
        state = served.index.to_numpy()
    else:
        table = _class_by_state(settings, class_counts(settings, counts, type_name), states, type_name)
        at = np.repeat(np.arange(table.size), table.ravel())
        state = states.index.to_numpy()[at % table.shape[1]]
        population = _populations(settings["classes"], at // table.shape[1], rng.random(len(at)))
    lows = [entry["low"] for entry in settings["classes"]]
    classes = np.searchsorted(lows, population, side="right")
    return pd.DataFrame({"agency_type": code, "state": state, "population": population, "population_class": classes})


def _class_by_state(settings: dict, by_class: np.ndarray, states: pd.DataFrame, type_name: str) -> np.ndarray:
    """Whole numbers (classes, states): rows add up to ``by_class``, columns follow the states' relative numbers."""
    relative = states[type_name].to_numpy(dtype=float)
    if type_name == "municipal":
        region = states["region"]
        wanted = region.map({int(key): value for key, value in settings["municipal_by_region"].items()})
        relative = relative / states.groupby("region")[type_name].transform("sum").to_numpy() * wanted.to_numpy()
    relative = relative / relative.sum()
    by_people = np.where(relative > 0, states["population"].to_numpy(dtype=float), 0.0)
    small = np.arange(1, len(by_class) + 1) < settings["spread_by_population_from_class"]
    table = np.where(small[:, None], relative, by_people / by_people.sum())
    for _ in range(100):  # iterative proportional fitting (Deming and Stephan 1940)
        table *= (by_class.sum() * relative / np.maximum(table.sum(axis=0), 1e-300))[None, :]
        table *= (by_class / table.sum(axis=1))[:, None]
    return np.array([_round_to(row, int(total)) for row, total in zip(table, by_class, strict=True)])


def _populations(classes: list[dict], at: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Populations from the density x^-a, cut to the class, by its inverse distribution function."""
    low, high, a = (np.array([entry[key] for entry in classes], dtype=float)[at] for key in ("low", "high", "exponent"))
    power = np.where(a == 1, 1.0, 1 - a)
    other = (low**power + uniform * (high**power - low**power)) ** (1 / power)
    return np.floor(np.where(a == 1, low * (high / low) ** uniform, other)).astype(int)


def _officers(settings: dict, frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Full-time sworn officers, at least 1, scaled to the published officers of each type."""
    officers = np.zeros(len(frame), dtype=int)
    noise = _normal(rng, len(frame))
    for name, entry in settings["types"].items():
        own = (frame["agency_type"] == entry["code"]).to_numpy()
        shape = settings["officers_per_1000"][name]
        rate = np.array(shape["rate"])[frame.loc[own, "population_class"] - 1]
        expected = frame.loc[own, "population"].to_numpy() / 1000 * rate * np.exp(shape["spread"] * noise[own])
        officers[own] = np.maximum(np.rint(expected * entry["officers"] / expected.sum()), 1)
    return officers


def _metropolitan(settings: dict, frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    uniform = rng.random(len(frame))
    chance = np.ones(len(frame))
    size = _size(frame)
    for name, entry in settings["types"].items():
        own = (frame["agency_type"] == entry["code"]).to_numpy()
        shape = settings["metropolitan"][name]
        if shape["share"] < 1:
            chance[own] = _chances(shape["slope"] * size[own], shape["share"])
    return np.where(uniform < chance, YES, NO)


def _task_forces(settings: dict, frame: pd.DataFrame, threshold: int, rng: np.random.Generator) -> pd.Series:
    """Number of the task force that an agency is a partner of (missing: none).

    Task forces are seated in large municipal departments; their partners are agencies of the same state.
    """
    weight = frame["population"].to_numpy(dtype=float) ** settings["power"]
    large = (frame["population"] > threshold).to_numpy()
    seats = _choose(weight * (large & (frame["agency_type"] == 1)), settings["number"], rng)
    served = frame["state"].isin(frame["state"][seats]).to_numpy() & ~seats
    more = settings["partners_above_threshold"] - settings["number"]
    partners = _choose(weight * (served & large), more, rng)
    partners |= _choose(weight * (served & ~large), settings["other_partners"], rng)
    number = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    number[seats] = np.arange(1, settings["number"] + 1)
    by_state = number[seats].groupby(frame["state"][seats]).apply(list)
    turn = frame[partners].groupby("state").cumcount()
    lists = frame.loc[partners, "state"].map(by_state)
    number[partners] = [forces[place % len(forces)] for forces, place in zip(lists, turn, strict=True)]
    return number


def agency_ids(n: int) -> np.ndarray:
    """n different ids: five characters and a check character (ISO 7064, MOD 37,36).

    The five are a serial number multiplied by an odd constant modulo 32^5, which scatters neighbours over the range.
    """
    if n > 32**5:
        raise InputError(f"There are only {32**5} agency ids, not {n}", "agency_ids", "Make fewer agencies")
    number = (np.arange(1, n + 1, dtype=np.int64) * 12_345_679) % 32**5
    digits = np.stack([(number >> shift) & 31 for shift in (20, 15, 10, 5, 0)])
    letters = ALPHABET[digits]
    value = np.array([ISO_ALPHABET.index(letter) for letter in ALPHABET])[digits]
    check = np.full(n, 36)
    for row in value:
        check = (check + row) % 36
        check = np.where(check == 0, 36, check) * 2 % 37
    last = np.array(list(ISO_ALPHABET))[(1 - check) % 36]
    return np.array(["".join(characters) for characters in zip(*letters, last, strict=True)], dtype=object)


# --- true answers ----------------------------------------------------------------------------------------------------


def make_truth(settings: dict, frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every agency's true state: in operation or closed, awareness (standard normal), true answers by raw code."""
    rng = _stream(seed, "truth")
    closed = _by_code(settings["response"]["out_of_business"], frame["population_class"])
    partner = frame["task_force_partner"].to_numpy() == YES
    open_ = partner | (rng.random(len(frame)) >= closed)
    awareness = _normal(rng, len(frame))
    truth = pd.DataFrame({"agency_id": frame["agency_id"], "in_operation": np.where(open_, YES, NO)})
    truth["awareness"] = awareness.round(4)
    shape = settings["perceptions"]
    ratings = true_ratings(shape, frame, awareness, open_, _stream(seed, "ratings"))
    sources = true_sources(shape["sources"], frame, awareness, _stream(seed, "sources"))
    return pd.concat([truth, ratings, sources], axis=1)


def true_ratings(
    settings: dict, frame: pd.DataFrame, awareness: np.ndarray, open_: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Ratings of the four forms: 1 widespread, 2 occasional, 3 rare, 4 non-existent, 8 don't know.

    A form's latent perception is shift(frame) + sqrt(r) awareness + sqrt(1 - r) own part; thresholds cut it. They
    are set so that the share of local leaders whose every rating is non-existent meets its target.
    """
    forms = list(RATINGS)
    spec = [settings["forms"][form] for form in forms]
    common = settings["common"]
    latent = np.sqrt(common["ratings"]) * awareness[:, None]
    latent = latent + np.sqrt(1 - common["ratings"]) * _normal(rng, (len(frame), len(forms)))
    latent += _shift(settings["shifts"], frame)[:, None]
    latent += _size(frame)[:, None] * np.array([entry["size"] for entry in spec])
    unsure = np.sqrt(common["dont_know"]) * _normal(rng, (len(frame), 1))
    unsure = unsure + np.sqrt(1 - common["dont_know"]) * _normal(rng, (len(frame), len(forms)))
    dont_know = unsure > -ndtri([entry["dont_know"] for entry in spec])
    ordered = np.sort(latent[open_], axis=0)
    odds = np.array([entry["odds"] for entry in spec])
    local = open_ & (frame["agency_type"] != 3).to_numpy() & ~dont_know.all(axis=1)

    def non_existent(level: float) -> np.ndarray:
        return latent < _quantiles(ordered, expit(level + odds))

    def everywhere(level: float) -> float:
        return float((non_existent(level) | dont_know).all(axis=1)[local].mean())

    level = _bisect(everywhere, settings["non_existent_everywhere"], -6.0, 6.0)
    none = expit(level + odds)
    rare = none + (1 - none) * [entry["rare"] for entry in spec]
    occasional = rare + (1 - none) * [entry["occasional"] for entry in spec]
    rating = np.full(latent.shape, NON_EXISTENT)
    for share in (none, rare, occasional):
        rating -= latent >= _quantiles(ordered, share)
    return pd.DataFrame(np.where(dont_know, DONT_KNOW, rating), columns=list(RATINGS.values()))


def true_sources(settings: dict, frame: pd.DataFrame, awareness: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Whether the leader's picture comes from each source: 1 yes, 2 no."""
    answers = {}
    for source, variable in SOURCES.items():
        spec = settings[source]
        chance = _chances(spec["awareness"] * awareness + spec["size"] * _size(frame), spec["share"])
        answers[variable] = np.where(rng.random(len(frame)) < chance, YES, NO)
    return pd.DataFrame(answers)


def _shift(settings: dict, frame: pd.DataFrame) -> np.ndarray:
    return (
        settings["sheriff"] * (frame["agency_type"] == 2)
        + settings["state"] * (frame["agency_type"] == 3)
        + settings["task_force"] * (frame["task_force_partner"] == YES)
        + settings["metropolitan"] * (frame["metropolitan"] == YES)
        + _by_code(settings["regions"], frame["region"])
    ).to_numpy()


# --- sample, dispositions, returned forms ----------------------------------------------------------------------------


def draw_sample(design: dict, frame: pd.DataFrame, max_draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """Sampled agencies with the source of each: random sample, or the supplement that brought it in.

    The random sample is redrawn until the supplements bring the sample to its published size; given the number of
    partners drawn in each stratum, the other agencies of the stratum remain a simple random sample.
    """
    stratum = frame["agency_type"] * 100 + frame["population_class"]
    size = stratum.map(stratum.value_counts()).to_numpy()
    n = stratum.map(_allocation(design, stratum)).to_numpy()
    above = (frame["population"] > design["population_threshold"]).to_numpy()
    certain = above | (frame["task_force_partner"] == YES).to_numpy()
    order = np.argsort(stratum.to_numpy(), kind="stable")
    first = np.searchsorted(stratum.to_numpy()[order], stratum.to_numpy())
    if (n > size).any():
        code = stratum[n > size].iloc[0]
        raise InputError(
            f"The allocation to type {code // 100}, class {code % 100} exceeds its agencies",
            "config/sample_design.yaml",
        )
    wanted = design["mailed"] - design["random_sample"]["size"]
    for _ in range(max_draws):
        rank = np.empty(len(frame), dtype=int)
        rank[np.lexsort((rng.random(len(frame)), stratum))] = np.arange(len(frame))
        drawn = rank - first < n
        if int((certain & ~drawn).sum()) == wanted:
            break
    else:
        raise InputError(
            f"No draw of {max_draws} left {wanted} agencies to the supplements (the last left "
            f"{int((certain & ~drawn).sum())})",
            "config/sample_design.yaml",
            "Change the allocation or the number of partners",
        )
    codes = design["sources"]
    source = np.where(drawn, codes["random"], np.where(above, codes["above_threshold"], codes["task_force"]))
    taken = drawn | certain
    return pd.DataFrame({"agency_id": frame["agency_id"][taken], "sample_source": source[taken]})


def _allocation(design: dict, stratum: pd.Series) -> dict[int, int]:
    sizes = stratum.value_counts()
    allocation = {
        int(kind) * 100 + int(code): int(sizes.get(int(kind) * 100 + int(code), 0)) if n == "all" else n
        for kind, classes in design["random_sample"]["allocation"].items()
        for code, n in classes.items()
    }
    without = sorted(set(sizes.index) - set(allocation))
    if without:
        raise InputError(
            f"Type {without[0] // 100}, class {without[0] % 100} has no allocation",
            "config/sample_design.yaml",
        )
    if sum(allocation.values()) != design["random_sample"]["size"]:
        raise InputError(
            f"The allocation adds up to {sum(allocation.values())}, not {design['random_sample']['size']}",
            "config/sample_design.yaml",
            "Change the allocation or the size",
        )
    return allocation


def make_dispositions(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, sample: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """One row a mailed survey: source, outcome, the wave and mode it came by, its date (raw codes).

    Response depends on the frame only (type, size, partnership); the number of completed forms is exact.
    """
    own = frame.loc[sample.index].reset_index(drop=True)
    n = len(own)
    outcome = np.full(n, NO_CONTACT)
    closed = truth["in_operation"].to_numpy()[sample.index] == NO
    lost = ~closed & (rng.random(n) < settings["undeliverable"])
    logistic = -np.log(1 / _open(rng, n) - 1)
    key = np.where(closed | lost, -np.inf, _propensity(settings["propensity"], own) + logistic)
    if int(np.isfinite(key).sum()) < settings["completed"]:
        raise InputError("Fewer agencies can be reached than are to complete Part I", "config/standin.yaml")
    complete = np.zeros(n, dtype=bool)
    complete[np.argsort(-key, kind="stable")[: settings["completed"]]] = True
    uniform = rng.random(n)
    shares = settings["other_outcomes"]
    outcome[uniform < shares["partial"] + shares["refusal"]] = REFUSAL
    outcome[uniform < shares["partial"]] = PARTIAL
    outcome[complete], outcome[lost], outcome[closed] = COMPLETE, UNDELIVERABLE, INELIGIBLE
    table = sample.reset_index(drop=True).assign(outcome=outcome)
    return _returns(settings, table, rng)


def _returns(settings: dict, table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add wave, mode and date: undelivered and closed come back from the first mailing, silence lasts to the third."""
    n = len(table)
    outcome = table["outcome"].to_numpy()
    waves = settings["waves"]
    wave = 1 + np.searchsorted(np.cumsum([entry["share"] for entry in waves])[:-1], rng.random(n), side="right")
    wave = np.where(outcome >= UNDELIVERABLE, 1, np.where(outcome == NO_CONTACT, len(waves), wave))
    web = rng.random(n) < np.array([entry["web"] for entry in waves])[wave - 1]
    silent = outcome == NO_CONTACT
    delay = settings["delay"]
    most = -np.expm1((delay["first"] - delay["last"] - 1) / delay["mean"])  # cuts the exponential at the last day
    days = delay["first"] - delay["mean"] * np.log1p(-most * _open(rng, n))
    mailed = np.array([str(entry["mailed"]) for entry in waves], dtype="datetime64[D]")[wave - 1]
    date = mailed + np.floor(days).astype("timedelta64[D]")
    table["wave"] = wave
    table["mode"] = pd.array(np.where(web & (outcome <= PARTIAL), WEB, MAIL), dtype="Int64")
    table["outcome_on"] = date.astype(str)
    table.loc[silent, ["mode", "outcome_on"]] = pd.NA
    return table[["agency_id", "sample_source", "wave", "mode", "outcome", "outcome_on"]]


def make_part1(
    settings: dict,
    frame: pd.DataFrame,
    truth: pd.DataFrame,
    disposition: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Returned Part I forms in order of return: true answers with refused and left-out items.

    Sources are not asked (code 9) of a leader who has no picture, that is who answers don't know to all four forms.
    """
    done = disposition[disposition["outcome"] == COMPLETE].sort_values(["outcome_on", "agency_id"])
    at = pd.Index(frame["agency_id"]).get_indexer(done["agency_id"])
    ratings = truth[list(RATINGS.values())].to_numpy()[at]
    no_picture = (ratings == DONT_KNOW).all(axis=1)
    answers = np.hstack([ratings, truth[list(SOURCES.values())].to_numpy()[at]])
    shares = settings["perceptions"]["item_nonresponse"]
    uniform = rng.random(answers.shape)
    answers = np.where(uniform < shares["refused"] + shares["missing"], LEFT_OUT, answers)
    answers = np.where(uniform < shares["refused"], REFUSED, answers)
    answers[np.ix_(no_picture, np.arange(len(RATINGS), answers.shape[1]))] = NOT_ASKED
    designee = settings["response"]["designee"]
    chance = _chances(designee["slope"] * _size(frame.iloc[at]), designee["share"])
    form = pd.DataFrame(
        {
            "agency_id": done["agency_id"].to_numpy(),
            "returned_on": done["outcome_on"].to_numpy(),
            "mode": done["mode"].to_numpy(),
            "respondent": np.where(rng.random(len(done)) < chance, 2, 1),
        }
    )
    columns = [*RATINGS.values(), *SOURCES.values()]
    return pd.concat([form, pd.DataFrame(answers, columns=columns)], axis=1)


def calibration(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, disposition: pd.DataFrame, part1: pd.DataFrame
) -> pd.DataFrame:
    """Targets beside what the stand-in achieves: one row a figure; no target: not calibrated to."""
    local = (frame["agency_type"] != 3).to_numpy() & (truth["in_operation"] == YES).to_numpy()
    ratings = truth[list(RATINGS.values())].to_numpy()
    rated = (ratings != DONT_KNOW).any(axis=1) & local
    nowhere = np.isin(ratings, (NON_EXISTENT, DONT_KNOW)).all(axis=1)
    design, officers = settings["sample_design"], frame["sworn_officers"]
    random = int((disposition["sample_source"] == design["sources"]["random"]).sum())
    few, many = officers < 10, officers >= 100
    rows = [
        ("P015", "random sample", design["random_sample"]["size"], random),
        ("P018", "surveys mailed", design["mailed"], len(disposition)),
        ("P020", "completed Part I", settings["response"]["completed"], len(part1)),
        ("P031", "share of local leaders rating every form non-existent",
         settings["perceptions"]["non_existent_everywhere"], nowhere[rated].mean()),
        ("P075", "share of agencies with fewer than 10 officers", None, few.mean()),
        ("P076", "share of officers in agencies with fewer than 10", None, officers[few].sum() / officers.sum()),
        ("P077", "share of agencies with 100 or more officers", None, many.mean()),
        ("P078", "share of officers in agencies with 100 or more", None, officers[many].sum() / officers.sum()),
    ]  # fmt: skip
    for figure, (name, entry) in zip(("P080", "P081", "P082"), settings["frame"]["types"].items(), strict=True):
        own = officers[frame["agency_type"] == entry["code"]].sum()
        rows.append((figure, f"sworn officers, {name}", entry["officers"], own))
    table = pd.DataFrame(rows, columns=["figure", "quantity", "target", "achieved"])
    return table.assign(target=table["target"].map(_text), achieved=table["achieved"].map(_text))


# --- small tools -----------------------------------------------------------------------------------------------------


def _values(settings):
    """Settings without their sources: every {source, value} pair becomes its value."""
    if isinstance(settings, dict):
        if set(settings) == {"source", "value"}:
            return _values(settings["value"])
        return {key: _values(value) for key, value in settings.items()}
    return [_values(item) for item in settings] if isinstance(settings, list) else settings


def _text(value) -> str:
    """A count in full, a share with four decimals, nothing for no target."""
    if pd.isna(value):
        return ""
    return str(int(value)) if value > 1 else f"{value:.4f}"


def _stream(seed: int, stage: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(stage.encode())])))


def _open(rng: np.random.Generator, shape) -> np.ndarray:
    """Uniforms in (0, 1), ends excluded."""
    return rng.random(shape) + 2.0**-54


def _normal(rng: np.random.Generator, shape) -> np.ndarray:
    return ndtri(_open(rng, shape))


def _size(frame: pd.DataFrame) -> np.ndarray:
    """log10 of the population over 10,000."""
    return np.log10(frame["population"].to_numpy() / 10_000)


def _propensity(settings: dict, frame: pd.DataFrame) -> np.ndarray:
    return (
        settings["sheriff"] * (frame["agency_type"] == 2).to_numpy()
        + settings["state"] * (frame["agency_type"] == 3).to_numpy()
        + settings["log10_population"] * _size(frame)
        + settings["task_force"] * (frame["task_force_partner"] == YES).to_numpy()
    )


def _by_code(table: dict, codes: pd.Series) -> pd.Series:
    """Value of each code, 0 where the table has none."""
    return codes.map({int(code): value for code, value in table.items()}).fillna(0.0)


def _choose(weight: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Mark k rows drawn without replacement, one after another, with chances in proportion to ``weight``.

    The k smallest of exponential times with rates ``weight`` are such a draw (Efraimidis and Spirakis 2006).
    """
    if int((weight > 0).sum()) < k:
        raise InputError(f"There are fewer than {k} agencies to choose from", "config/standin.yaml", "Ask for fewer")
    with np.errstate(divide="ignore"):
        time = -np.log(_open(rng, len(weight))) / weight
    chosen = np.zeros(len(weight), dtype=bool)
    chosen[np.argsort(time, kind="stable")[:k]] = True
    return chosen


def _chances(score: np.ndarray, share: float) -> np.ndarray:
    """expit(a + score) with the a that makes their mean ``share``."""
    level = _bisect(lambda a: float(expit(a + score).mean()), share, -40.0, 40.0)
    return expit(level + score)


def _bisect(function, target: float, low: float, high: float) -> float:
    """Argument at which an increasing function meets the target (80 halvings)."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return (low + high) / 2


def _quantiles(ordered: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Column by column, the value of the sorted column below which ``share`` of its rows lie."""
    row = np.minimum((share * len(ordered)).astype(int), len(ordered) - 1)
    return ordered[row, np.arange(ordered.shape[1])]


def _round_to(expected: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers near ``expected``, scaled to ``total``: the largest remainders are rounded up."""
    scaled = expected * total / expected.sum()
    whole = np.floor(scaled).astype(int)
    up = np.argsort(-(scaled - whole), kind="stable")[: total - whole.sum()]
    whole[up] += 1
    return whole
