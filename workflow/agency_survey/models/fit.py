"""What every model returns: coefficients with their covariance, tests and predictions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from agency_survey import distributions
from agency_survey.columns import checked_level, numbers
from agency_survey.errors import InputError
from agency_survey.estimate import Test
from agency_survey.models.newton import Model, maximise
from agency_survey.models.rao_scott import LikelihoodRatioTest, likelihood_ratio
from agency_survey.models.terms import belongs

INVERSE_LINK = {
    "gaussian": lambda eta: eta,
    "binomial": lambda eta: 1 / (1 + np.exp(-eta)),
    "poisson": np.exp,
    "negative binomial": np.exp,
}


def singular(covariance: np.ndarray) -> bool:
    """Whether some combination has no variance, judged on the scale of correlations."""
    root = np.sqrt(np.diag(covariance))
    if not root.all():
        return True
    return bool(np.linalg.matrix_rank(covariance / np.outer(root, root), hermitian=True) < len(root))


@dataclass(frozen=True)
class Fit:
    """A fitted model: coefficients (q,), covariance (q, q), residual degrees of freedom, agencies used.

    family : gaussian, binomial, poisson, negative binomial, multinomial, proportional odds, firth binomial, or margins.
    columns : (q,) column of x that each coefficient belongs to ("" for thresholds and dispersion); default ``names``.
    bread : (q, q) inverse information. model : the likelihood, for scores and for tests that fit it again.
    influence : (n, q) ``scores`` of what has no model to work them out from, the margins.
    """

    names: list[str]
    coefficients: np.ndarray
    covariance: np.ndarray
    df: int
    n: int
    family: str = "binomial"
    columns: list[str] | None = None
    bread: np.ndarray | None = field(default=None, repr=False)
    model: Model | None = field(default=None, repr=False)
    influence: np.ndarray | None = field(default=None, repr=False)

    @property
    def se(self) -> np.ndarray:
        """Standard errors (q,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def scores(self) -> np.ndarray:
        """Influence functions (n, q), weighted: their design covariance is ``covariance`` (Binder 1983).

        Worked out at each call, since they may be as large as the data.
        """
        if self.influence is not None:
            return self.influence
        if self.model is None:
            raise InputError("This fit keeps no scores", fix="Fit it with agency_survey.models")
        return _estimating(self.model, self.coefficients) @ self.bread

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Coefficient, standard error, t, p and limits for each term."""
        checked_level(level)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self.coefficients / self.se
        half = distributions.t_quantile(0.5 + level / 2, self.df) * self.se
        return pd.DataFrame(
            {
                "term": self.names,
                "coefficient": self.coefficients,
                "se": self.se,
                "t": t,
                "p": 2 * distributions.t_tail(np.abs(t), self.df),
                "low": self.coefficients - half,
                "high": self.coefficients + half,
            }
        )

    def ratios(self, level: float = 0.95) -> pd.DataFrame:
        """exp(coefficient) with limits: odds ratios, rate ratios, or relative risk ratios of categories."""
        if self.family in ("gaussian", "margins"):
            raise InputError("A linear model has no ratios", fix="Read its coefficients")
        table = self.table(level)
        return pd.DataFrame(
            {"term": table["term"], "ratio": np.exp(table["coefficient"])}
            | {name: np.exp(table[name]) for name in ("low", "high")}
        )

    def positions(self, terms: list[str]) -> list[int]:
        """Positions of the coefficients that the terms name: a coefficient, a column, or all levels of a variable."""
        columns = self.names if self.columns is None else self.columns
        found: list[int] = []
        for term in terms:
            at = [k for k, name in enumerate(self.names) if name == term]
            at = at or [k for k, column in enumerate(columns) if column and belongs(column, term)]
            if not at:
                raise InputError(f"The model has no term {term}", fix=f"Its coefficients are {', '.join(self.names)}")
            found += [k for k in at if k not in found]
        return found

    def _tested(self, terms: list[str]) -> list[int]:
        if isinstance(terms, str) or not len(terms):
            raise InputError(f"The terms of a test are no list of names: {terms!r}", fix="Give a list of one or more")
        return self.positions(terms)

    def wald(self, terms: list[str]) -> Test:
        """Wald F test that the named coefficients are all zero (as R survey's ``regTermTest``)."""
        at = self._tested(terms)
        b, covariance = self.coefficients[at], self.covariance[np.ix_(at, at)]
        if singular(covariance):
            raise InputError(
                f"The covariance of {', '.join(terms)} is singular", fix="Test fewer terms: the design is too small"
            )
        statistic = float(b @ np.linalg.solve(covariance, b)) / len(at)
        return Test(statistic, len(at), self.df, float(distributions.f_tail(statistic, len(at), self.df)))

    def lrt(self, terms: list[str], method: str = "saddlepoint") -> LikelihoodRatioTest:
        """Rao-Scott likelihood-ratio test that the coefficients of the columns named are all zero.

        As R survey's ``regTermTest(method = "LRT")``: see ``rao_scott.likelihood_ratio``.
        """
        if self.model is None or self.family == "firth binomial":
            raise InputError("This fit has no likelihood to compare", fix="Use the Wald test")
        at = self._tested(terms)
        columns = {self.columns[k] for k in at}
        whole = [k for k, column in enumerate(self.columns) if column in columns]
        if "" in columns or sorted(at) != whole:
            raise InputError("A likelihood-ratio test leaves out whole columns only", fix="Name columns or variables")
        rows = self.model.rows
        small = self.model.on(rows.keeping([k for k, name in enumerate(rows.names) if name not in columns]))
        statistic = 2 * (self.model.value(self.coefficients) - small.value(maximise(small)))
        return likelihood_ratio(statistic, self.bread * rows.scale, self.covariance, at, self.df, method)

    def predict(self, x, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predicted means (m,), for a logistic model probabilities, with limits for rows x (m, p), at offset 0.

        A DataFrame is taken by the names of its columns.
        Limits by the delta method on the scale of the linear predictor. Raises InputError for models of categories.
        """
        family = self.family.removeprefix("firth ")
        if family not in INVERSE_LINK:
            raise InputError(f"A {family} fit has no single prediction", fix="Use predicted_margins")
        columns = self.names if self.model is None else self.model.rows.names
        p = len(columns)
        if isinstance(x, pd.DataFrame):
            lost = [name for name in columns if name not in x]
            if lost:
                raise InputError(f"The rows to predict have no column {', '.join(lost)}", fix="Build them as the fit's")
            x = x[columns]
        x = numbers(x, "A row to predict")
        if x.ndim != 2 or x.shape[1] != p:
            raise InputError(f"The rows to predict have not the {p} columns of the fit", fix="Build them as the fit's")
        centre = x @ self.coefficients[:p]
        spread = np.einsum("ij,jk,ik->i", x, self.covariance[:p, :p], x)
        half = distributions.t_quantile(0.5 + level / 2, self.df) * np.sqrt(spread)
        return tuple(INVERSE_LINK[family](v) for v in (centre, centre - half, centre + half))


def _estimating(model: Model, b: np.ndarray) -> np.ndarray:
    """Weighted estimating functions (n, q) on all rows of the design."""
    found = model.estimating(b)
    found *= model.rows.scale
    return model.rows.spread(found)


def fitted(model: Model) -> Fit:
    """Fit a model: sandwich covariance A^-1 B A^-1 (Binder 1983), A the information, B the covariance of the scores.

    Degrees of freedom: the design's in the domain + 1 - p for p columns with an intercept, as R's ``svyglm``;
    thresholds count as one intercept (as ``svyolr``), a dispersion not at all, equations of several categories once.
    """
    b = maximise(model)
    rows = model.rows
    bread = np.linalg.inv(model.derivatives(b)[2]) / rows.scale
    covariance = bread @ rows.design.covariance(_estimating(model, b)) @ bread
    used = len({column for column in model.columns if column})
    thresholds = model.family == "proportional odds"
    df = rows.design.degrees_of_freedom(rows.inside) + 1 - used - thresholds
    count = int(rows.inside.sum())
    return Fit(model.names, b, covariance, df, count, model.family, model.columns, bread, model)
