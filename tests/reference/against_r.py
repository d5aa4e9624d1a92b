"""What the reference files hold of each estimate, compared piece by piece."""

import numpy as np
import pandas as pd

from agency_survey import models

ITERATED = 1e-6


def check_estimate(agree, group: str, found, wanted: dict) -> None:
    """Values, covariance, t limits and degrees of freedom of an Estimate."""
    agree(group + " values", found.value, wanted["value"])
    agree.covariance(group + " covariances", found.covariance, wanted["covariance"])
    agree(group + " limits", found.interval(), np.column_stack([wanted["low"], wanted["high"]]))
    assert set(found.df) == {wanted["df"]}


def check_share(agree, group: str, found, at: int, wanted: dict) -> None:
    """Share, standard error, logit limits (iterated in R), agencies and degrees of freedom of one share."""
    agree(group + " shares", found.value[at], wanted["share"])
    agree(group + " standard errors", found.se[at], wanted["se"])
    limits = found.interval(0.95, "logit")[at]
    if wanted["low"] is None:
        assert np.isnan(limits).all()
    elif wanted["se"] > 0:
        agree(group + " logit limits", limits, [wanted["low"], wanted["high"]], ITERATED)
    assert (found.n[at], found.df[at]) == (wanted["n"], wanted["df"])


def check_fit(agree, group: str, fit: models.Fit, wanted: dict, terms: list[str], x) -> None:
    """Coefficients, covariance, t, p, Wald test and predictions of a logistic regression."""
    agree(group + " coefficients", fit.coefficients, wanted["coefficients"], ITERATED)
    agree.covariance(group + " covariances", fit.covariance, wanted["covariance"], ITERATED)
    table: pd.DataFrame = fit.table()
    agree(group + " t", table["t"], wanted["t"], ITERATED)
    agree(group + " p", table["p"], wanted["p"], ITERATED)
    assert (fit.n, fit.df) == (wanted["n"], wanted["df"])
    test = fit.wald(terms)
    agree(group + " Wald tests", [test.statistic, test.p], [wanted["wald"]["F"], wanted["wald"]["p"]], ITERATED)
    assert (test.df, test.df_residual) == (wanted["wald"]["df"], wanted["wald"]["df_residual"])
    predicted = np.stack(fit.predict(x))
    theirs = [wanted["predicted"], wanted["predicted_low"], wanted["predicted_high"]]
    agree(group + " predictions", predicted, theirs, ITERATED)
