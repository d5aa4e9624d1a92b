"""How well a model fits, and what it hangs on: pseudo R2, AUC, goodness of fit, variance inflation, influence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey import distributions
from agency_survey.errors import InputError
from agency_survey.estimate import Estimate, Test
from agency_survey.models.fit import Fit, singular
from agency_survey.models.glm import Glm, deviance
from agency_survey.models.newton import maximise
from agency_survey.models.rows import crossproduct

TIED = 12  # decimal places to which equal fitted probabilities agree


def pseudo_r2(fit: Fit) -> dict[str, float]:
    """Cox-Snell and Nagelkerke R2 under the design (Lumley 2017), against the model of the intercept and the offset.

    1 - exp(2 (l0 - l1) / N) with l the weighted log-likelihoods and N the sum of weights, and that over its largest
    value 1 - exp(2 l0 / N). As R survey's ``psrsq``, which for Poisson models takes minus half the null deviance as l0
    in the latter.
    Raises InputError for linear models, for which the log-likelihood of a discrete outcome does not exist.
    """
    model = fit.model
    if model is None or fit.family in ("gaussian", "firth binomial", "margins"):
        raise InputError("Pseudo R2 exists for models of discrete outcomes fitted by likelihood", fix="Use another fit")
    rows = model.rows
    null = model.on(rows.keeping([]) if fit.family == "proportional odds" else rows.constant())
    b = maximise(null)
    size = rows.weight.sum()
    low = null.value(b)
    largest = -deviance(null, b) / 2 if fit.family == "poisson" else low
    cox_snell = -np.expm1(2 * (low - model.value(fit.coefficients)) / size)
    return {"cox_snell": float(cox_snell), "nagelkerke": float(cox_snell / -np.expm1(2 * largest / size))}


def _logistic(fit: Fit, what: str) -> tuple[Glm, np.ndarray]:
    """(model, fitted probabilities (m,)) of a logistic fit."""
    if fit.model is None or fit.family not in ("binomial", "firth binomial"):
        raise InputError(f"{what} is for logistic models", fix="Fit one with models.logistic")
    model = fit.model
    return model, model.kind.mean(model.eta(fit.coefficients))


def auc(fit: Fit) -> Estimate:
    """Weighted area under the ROC curve of a logistic fit: share of pairs of a 1 and a 0 in which the 1 has more.

    Ties count half, and each pair has the product of its weights (Yao, Li and Graubard 2015). The variance is
    linearised with the predictions taken as given: it leaves out that the coefficients were estimated.
    """
    model, p = _logistic(fit, "The AUC")
    rows, one = model.rows, model.y == 1
    _, at = np.unique(p.round(TIED), return_inverse=True)
    ones, zeros = np.bincount(at, rows.weight * one), np.bincount(at, rows.weight * ~one)
    below = (np.cumsum(zeros) - zeros / 2) / zeros.sum()  # share of the zeros that lie below each prediction
    above = (ones.sum() - np.cumsum(ones) + ones / 2) / ones.sum()
    value = float(ones @ below / ones.sum())
    own = np.where(one, (below[at] - value) / ones.sum(), (above[at] - value) / zeros.sum())
    scores = rows.spread((rows.weight * own)[:, None])
    df = rows.design.degrees_of_freedom(rows.inside)
    return Estimate(
        value=np.array([value]),
        covariance=rows.design.covariance(scores),
        n=np.array([fit.n]),
        df=np.array([df]),
        scores=scores,
    )


def archer_lemeshow(fit: Fit, groups: int = 10) -> Test:
    """F-adjusted mean residual test of the fit of a logistic model (Archer and Lemeshow 2006).

    Rows are grouped by their fitted probability, each group with about the same sum of weights: the group is that of
    the share of weight at or below the row's probability; where many rows share one value there are fewer groups.
    W = M' V^-1 M with M the mean residuals of the g groups and V their covariance under the design;
    (f - g + 2) / (f g) W is referred to F(g - 1, f - g + 2), f the design's degrees of freedom.
    Raises InputError where fewer than two groups are left, or the design has too few degrees of freedom.
    """
    model, p = _logistic(fit, "The Archer-Lemeshow test")
    rows = model.rows
    _, at = np.unique(p.round(TIED), return_inverse=True)
    share = np.cumsum(np.bincount(at, rows.weight)) / rows.weight.sum()
    used, group = np.unique(np.ceil(groups * share - 1e-9)[at], return_inverse=True)
    groups = len(used)
    size = np.bincount(group, rows.weight)
    f = rows.design.degrees_of_freedom(rows.inside)
    if groups < 2 or f - groups + 2 <= 0:
        raise InputError(
            f"The design has too few degrees of freedom, or the probabilities too few values, for {groups} groups",
            fix="Ask for another number",
        )
    residual = model.y - p
    mean = np.bincount(group, rows.weight * residual, groups) / size
    weight = rows.weight / size[group]
    scores = np.zeros((len(p), groups))
    scores[np.arange(len(p)), group] = weight * (residual - mean[group])
    covariance = rows.design.covariance(rows.spread(scores))
    if singular(covariance):
        raise InputError("The mean residuals of the groups have a singular covariance", fix="Ask for fewer groups")
    wald = float(mean @ np.linalg.solve(covariance, mean))
    statistic = (f - groups + 2) / (f * groups) * wald
    return Test(
        statistic, groups - 1, f - groups + 2, float(distributions.f_tail(statistic, groups - 1, f - groups + 2))
    )


def variance_inflation(fit: Fit) -> pd.Series:
    """Variance inflation factor of each column under the design (Liao and Valliant 2012).

    The variance of the coefficient over the one it would have, with the same weights and residuals, were its column
    (less its mean) orthogonal to all others. Liao and Valliant treat linear models; for logistic and Poisson models the
    same ratio is taken with the working weights w v(mu). An intercept has none.
    """
    model = fit.model
    if not isinstance(model, Glm) or fit.family == "firth binomial":
        raise InputError("Variance inflation is for linear, logistic and Poisson models", fix="Use one of these")
    rows = model.rows
    mu = model.kind.mean(model.eta(fit.coefficients))
    working = rows.weight * model.kind.variance(mu)
    constant = [bool((column == column[0]).all()) for column in rows.x.T]
    centred = rows.x - (working @ rows.x / working.sum() if any(constant) else 0.0)
    residual = rows.weight * (model.y - mu)
    alone = rows.design.variance(rows.spread(centred * residual[:, None]))
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = alone / (working @ centred**2) ** 2
        return pd.Series(np.where(constant, np.nan, np.diag(fit.covariance) / alone), rows.names)


def influence(fit: Fit) -> pd.DataFrame:
    """Leverage of each row used, and one-step change of each coefficient when the row is dropped.

    Rows are numbered by their position in the design. leverage : diagonal of the hat matrix of the last step with
    weights w v(mu), as R's ``hatvalues``; the others : A^-1 x w (y - mu) / (1 - leverage), the estimate less the one
    after one Newton step without the row (Pregibon 1981). R's ``dfbeta`` has the deviance residual in place of y - mu,
    which is the same for linear models only. Raises InputError for models with more than one linear predictor.
    """
    model = fit.model
    if not isinstance(model, Glm) or fit.family == "firth binomial":
        raise InputError("Influence is for linear, logistic and Poisson models", fix="Use one of these")
    rows = model.rows
    mu = model.kind.mean(model.eta(fit.coefficients))
    working = rows.weight * model.kind.variance(mu)
    inverse = np.linalg.inv(crossproduct(rows.x, working))
    towards = rows.x @ inverse
    leverage = working * np.einsum("ij,ij->i", towards, rows.x)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = towards * (rows.weight * (model.y - mu) / (1 - leverage))[:, None]
    found = pd.DataFrame(change, index=np.flatnonzero(rows.inside), columns=rows.names)
    found.insert(0, "leverage", leverage)
    return found
