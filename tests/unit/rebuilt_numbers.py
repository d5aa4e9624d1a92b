"""Made-up numbers of the sections that agree with the published figures, for tests to spoil."""

from pathlib import Path

from agency_survey import schema

REGISTRY = schema.load(Path(__file__).resolve().parents[2] / "config/rebuilt.yaml", "rebuilt")


def number(value, low=None, high=None, ci="\N{EN DASH}"):
    return {"value": value, "low": low, "high": high, "text": {"value": str(value), "ci": ci}}


SURVEY = {
    "survey-methods.sample.random": number(3000),
    "survey-methods.sample.large-missed": number(0),
    "survey-methods.sample.partners-missed": number(0),
    "survey-methods.sample.mailed": number(3191),
    "survey-methods.outcome.complete": number(1903),
    "survey-methods.rate.complete.all-mailed-surveys": number(1903 / 3191),
    "survey-methods.sample.supplements": number(191),
    "survey-methods.year": number("2007"),
}
SHARES = {
    "P029": 0.9, "P031": 0.76, "P032": 0.17, "P033": 0.09, "P034": 0.04, "P036": 0.01, "P037": 0.07, "P040": 0.07, "P041": 0.58,
    "P043": 0.71, "P048": 0.91, "P049": 0.63, "P050": 0.7, "P053": 0.62,
}  # fmt: skip


def agreeable() -> dict[str, dict]:
    """Numbers of which all agree that can: shares by figure with an interval of two points, directions well above."""
    made = dict(SURVEY)
    for entry in REGISTRY:
        for at, ident in enumerate(entry.get("numbers", [])):
            share = SHARES.get(entry["figure"])
            if share is not None:
                made.setdefault(ident, number(share, share - 0.02, share + 0.02, "an interval"))
            elif entry["compare"] == "first":
                made.setdefault(ident, number(0.7 - 0.4 * (at > 0), 0.65 - 0.4 * (at > 0), 0.75 - 0.4 * (at > 0)))
            else:
                made.setdefault(ident, number(2.0, 1.5, 2.5))
    return made
