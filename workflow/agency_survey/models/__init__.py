"""Regression under the design: pseudo-maximum likelihood with linearised (sandwich) variances (Binder 1983).

Every model is fitted by ``models.<family>(design, y, x, domain)`` and returns a ``Fit``; x is a table of named columns,
its intercept included, as ``design_matrix`` builds it.
"""

from agency_survey.models.categories import multinomial, proportional_odds
from agency_survey.models.counts import negative_binomial
from agency_survey.models.diagnostics import archer_lemeshow, auc, influence, pseudo_r2, variance_inflation
from agency_survey.models.firth import firth_logistic
from agency_survey.models.fit import Fit
from agency_survey.models.glm import linear, logistic, poisson
from agency_survey.models.margins import average_marginal_effects, predicted_margins
from agency_survey.models.rao_scott import LikelihoodRatioTest
from agency_survey.models.terms import Terms, design_matrix, model_terms

__all__ = [
    "Fit",
    "LikelihoodRatioTest",
    "Terms",
    "archer_lemeshow",
    "auc",
    "average_marginal_effects",
    "design_matrix",
    "firth_logistic",
    "influence",
    "linear",
    "logistic",
    "model_terms",
    "multinomial",
    "negative_binomial",
    "poisson",
    "predicted_margins",
    "proportional_odds",
    "pseudo_r2",
    "variance_inflation",
]
