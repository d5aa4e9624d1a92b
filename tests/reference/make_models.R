# Reference values of the regression models.
#
#   Rscript tests/reference/make_models.R <shared folder> <out folder>
#
# Writes models.json. Where the package stops early, its own functions are run with tighter limits: ``saddle`` finds its
# root to 1e-15 instead of 1e-8, ``svyolr`` maximises further, ``svymle`` is run again from a Newton step.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))

survey <- asNamespace("survey")
changed <- function(name, from, to) {
  text <- deparse(get(name, survey), width.cutoff = 500)
  stopifnot(any(grepl(from, text, fixed = TRUE)))
  eval(parse(text = gsub(from, to, text, fixed = TRUE)), survey)
}
assignInNamespace("saddle", changed("saddle", "tol = 1e-08", "tol = 1e-15"), "survey")
# the Hessian is regular, so that the package MASS is not needed for its inverse
registerS3method("svyolr", "survey.design2", changed("svyolr.survey.design2", "MASS::ginv", "solve"), survey)

# ---- generalised linear models -------------------------------------------------------------------------------------

fit_glm <- function(formula, design, family) {
  environment(formula) <- environment()  # where regTermTest evaluates the smaller model
  eval(bquote(svyglm(.(formula), design, family = family, control = tight)))
}

ratio_test <- function(fit, terms) {
  test <- regTermTest(fit, terms, method = "LRT")
  other <- regTermTest(fit, terms, method = "LRT", lrt.approximation = "satterthwaite")
  list(chisq = plain(test$chisq), df = test$df, df_residual = test$ddf, p = plain(test$p),
       p_satterthwaite = plain(other$p), lambda = I(sort(Re(plain(test$lambda)), decreasing = TRUE)))
}

coefficients_of <- function(fit, values = coef(fit), df = fit$df.residual) {
  half <- qt(0.5 + level / 2, df) * sqrt(diag(vcov(fit)))
  list(coefficients = I(plain(values)), covariance = unname(vcov(fit)), df = df,
       ratios = cbind(plain(exp(values)), plain(exp(values - half)), plain(exp(values + half))))
}

glm_values <- function(formula, design, family, terms) {
  fit <- fit_glm(formula, design, family)
  wald <- regTermTest(fit, terms)
  found <- c(coefficients_of(fit), list(
    n = length(fit$y), vif = vif(fit), lrt = ratio_test(fit, terms),
    wald = list(F = plain(wald$Ftest), df = wald$df, df_residual = wald$ddf, p = plain(wald$p))))
  if (family$family == "gaussian") {
    found$ratios <- NULL
  } else {
    found$psrsq <- I(c(psrsq(fit, "Cox-Snell"), suppressWarnings(psrsq(fit, "Nagelkerke"))))
  }
  found
}

variance_of <- function(scores, design) {
  # covariance of totals of unweighted linearised scores, through svytotal
  scores <- as.matrix(scores)
  names <- paste0("score", seq_len(ncol(scores)))
  for (k in seq_along(names)) design$variables[[names[k]]] <- scores[, k]
  unname(as.matrix(vcov(svytotal(make.formula(names), design))))
}

vif <- function(fit) {
  # Liao and Valliant 2012: the variance over the one with a column that is orthogonal to all others, by auxiliary lm
  design <- fit$survey.design
  x <- model.matrix(fit)
  w <- weights(design)
  mu <- fitted(fit)
  working <- w * fit$family$variance(mu)
  found <- vapply(seq_len(ncol(x))[-1], function(k) {
    # the residual of an auxiliary regression on the intercept alone, then on all other columns
    alone <- resid(lm(x[, k] ~ 1, weights = working))
    other <- resid(lm(x[, k] ~ x[, -k] - 1, weights = working))
    v <- diag(variance_of(cbind(alone, other) * (fit$y - mu), design))
    v[2] / sum(working * other^2)^2 / (v[1] / sum(working * alone^2)^2)
  }, 0)
  I(found)
}

binomial_extras <- function(formula, design) {
  fit <- fit_glm(formula, design, quasibinomial())
  design <- fit$survey.design
  p <- plain(fitted(fit))
  y <- plain(fit$y)
  w <- plain(weights(design))
  # area under the curve over all pairs
  wins <- outer(p[y == 1], p[y == 0], ">") + outer(p[y == 1], p[y == 0], "==") / 2
  w1 <- w[y == 1]
  w0 <- w[y == 0]
  area <- sum(outer(w1, w0) * wins) / (sum(w1) * sum(w0))
  score <- numeric(length(y))
  score[y == 1] <- (drop(wins %*% w0) / sum(w0) - area) / sum(w1)
  score[y == 0] <- (drop(t(wins) %*% w1) / sum(w1) - area) / sum(w0)
  # mean residuals of ten groups
  share <- vapply(p, function(value) sum(w[p <= value]) / sum(w), 0)
  design <- update(design, residual = y - p, group = factor(ceiling(10 * share - 1e-9)))
  means <- svyby(~residual, ~group, design, svymean, covmat = TRUE)
  f <- degf(design)
  wald <- drop(coef(means) %*% solve(vcov(means), coef(means)))
  statistic <- (f - 10 + 2) / (f * 10) * wald
  # R's dfbeta takes deviance residuals; Pregibon's one-step change is one iteration without the row
  x <- model.matrix(fit)
  without <- vapply(1:40, function(i) {
    step <- suppressWarnings(glm.fit(x[-i, ], y[-i], w[-i] / mean(w), start = coef(fit), family = quasibinomial(),
                                     control = list(maxit = 1)))
    coef(fit) - step$coefficients
  }, coef(fit))
  list(auc = area, auc_se = sqrt(variance_of(score, design)[1, 1]),
       archer_lemeshow = list(F = statistic, df_residual = f - 8, p = pf(statistic, 9, f - 8, lower.tail = FALSE)),
       leverage = I(plain(hatvalues(fit))), dfbeta = unname(t(without)))
}

# ---- margins -------------------------------------------------------------------------------------------------------

# effects: function of the coefficients that gives a matrix of one column an effect and one row an observation
margin_values <- function(fit, effects) {
  design <- fit$survey.design
  w <- weights(design)
  each <- effects(coef(fit))
  value <- colSums(w * each) / sum(w)
  slope <- numDeriv::jacobian(function(b) colSums(w * effects(b)) / sum(w), coef(fit))
  fixed <- slope %*% vcov(fit) %*% t(slope)
  of_rows <- sweep(each, 2, value) / sum(w)
  influence <- (model.matrix(fit) * (fit$y - fitted(fit))) %*% (fit$naive.cov / mean(w))
  list(value = I(plain(value)), fixed = unname(fixed),
       added = unname(fixed) + variance_of(of_rows, design),
       sampled = variance_of(of_rows + influence %*% t(slope), design))
}

# ---- models by svymle: scores and second derivatives of all parameters ---------------------------------------------

mle <- function(loglike, gradient, design, formulas, start, columns) {
  for (round in 1:3) {
    found <- svymle(loglike, gradient, design, formulas, start = start, method = "BFGS",
                    control = list(reltol = 1e-16, maxit = 2000, ndeps = rep(2e-6, length(start))))
    start <- plain(found$par + found$invinf %*% colSums(found$scores))
  }
  half <- qt(0.5 + level / 2, degf(design) + 1 - columns) * sqrt(diag(found$sandwich))
  list(coefficients = I(plain(found$par)), covariance = unname(found$sandwich), df = degf(design) + 1 - columns,
       ratios = cbind(plain(exp(found$par)), plain(exp(found$par - half)), plain(exp(found$par + half))))
}

negative_binomial <- function(formula, design) {
  start <- c(coef(fit_glm(formula, design, quasipoisson())), 0)
  mle(function(y, eta, lt) dnbinom(y, size = exp(lt), mu = exp(eta), log = TRUE),
      function(y, eta, lt) {
        mu <- exp(eta)
        theta <- exp(lt)
        cbind(theta * (y - mu) / (theta + mu),
              theta * (digamma(y + theta) - digamma(theta) + log(theta / (theta + mu)) + (mu - y) / (theta + mu)))
      }, design, list(eta = formula, lt = ~1), start, length(start) - 1)
}

multinomial <- function(formula, design, levels) {
  # the outcome is a code 0, 1, ... of the levels; the first is the reference
  equations <- paste0("e", seq_len(levels - 1))
  right <- formula[-2]
  formulas <- setNames(c(list(formula), rep(list(right), levels - 2)), equations)
  p <- ncol(model.matrix(right, model.frame(design)))
  etas <- function(...) cbind(0, ...)
  loglike <- function(y, ...) {
    eta <- do.call(etas, lapply(list(...), drop))
    eta[cbind(seq_along(y), y + 1)] - log(rowSums(exp(eta)))
  }
  gradient <- function(y, ...) {
    eta <- do.call(etas, lapply(list(...), drop))
    (outer(y, seq_len(levels) - 1, "==") - exp(eta) / rowSums(exp(eta)))[, -1]
  }
  as_named <- function(f) {
    # svymle matches the names of the arguments with those of the formulas
    arguments <- setNames(rep(list(quote(expr = )), levels), c("y", equations))
    call <- as.call(c(quote(f), lapply(c("y", equations), as.name)))
    as.function(c(arguments, call), envir = list2env(list(f = f)))
  }
  mle(as_named(loglike), as_named(gradient), design, formulas, rep(0, p * (levels - 1)), p)
}

proportional_odds <- function(formula, design, terms, parameters) {
  # weights of mean 1, because svyolr divides its deviance by the mean weight but not its Hessian, which spoils the
  # likelihood-ratio test of regTermTest (see svyolr_lrt below)
  environment(formula) <- environment()
  design$prob <- design$prob * mean(1 / design$prob)
  control <- list(reltol = 1e-16, maxit = 2000, ndeps = rep(2e-6, parameters))
  fit <- eval(bquote(svyolr(.(formula), .(design), control = control)))
  wald <- regTermTest(fit, terms)
  smaller <- update(formula, as.formula(paste(". ~ . -", paste(attr(terms(terms), "term.labels"), collapse = " - "))))
  control$ndeps <- control$ndeps[seq_len(parameters - wald$df)]
  null <- svyolr(smaller, design, control = control)
  chisq <- deviance(null) - deviance(fit)
  index <- match(names(coef(fit)), setdiff(names(coef(fit)), names(coef(null))), 0) > 0
  lambda <- eigen(solve(solve(fit$Hessian)[index, index]) %*% vcov(fit)[index, index], only.values = TRUE)$values
  p <- function(method) pFsum(chisq, rep(1, length(lambda)), lambda, fit$df.residual, FALSE, method)
  c(coefficients_of(fit), list(
    wald = list(F = plain(wald$Ftest), df = wald$df, df_residual = wald$ddf, p = plain(wald$p)),
    lrt = list(chisq = chisq, df = length(lambda), df_residual = fit$df.residual, p = p("saddlepoint"),
               p_satterthwaite = p("satterthwaite"), lambda = I(sort(Re(lambda), decreasing = TRUE)))))
}

# ---- Firth's penalised likelihood, maximised by brute force --------------------------------------------------------

firth <- function(formula, design) {
  frame <- model.frame(design)
  x <- model.matrix(formula, frame)
  y <- model.response(model.frame(formula, frame))
  w <- weights(design)
  scale <- mean(w)
  penalised <- function(b) {
    eta <- drop(x %*% b)
    mu <- plogis(eta)
    information <- t(x) %*% (x * (w / scale * mu * (1 - mu)))
    sum(w / scale * (y * eta - log1p(exp(eta)))) + determinant(information)$modulus[1] / 2
  }
  control <- list(fnscale = -1, reltol = 1e-14, maxit = 1000)
  b <- optim(rep(0, ncol(x)), penalised, method = "BFGS", control = control)$par
  for (round in 1:3) b <- plain(b - solve(numDeriv::hessian(penalised, b), numDeriv::grad(penalised, b)))
  mu <- plogis(drop(x %*% b))
  v <- w / scale * mu * (1 - mu)
  root <- x * sqrt(v)
  inverse <- solve(crossprod(root))
  hat <- rowSums((root %*% inverse) * root)
  scores <- x * (w / scale * (y - mu) + hat * (0.5 - mu)) * scale / w
  bread <- inverse / scale
  list(coefficients = I(b), covariance = bread %*% variance_of(scores, design) %*% bread)
}

# ---- California schools --------------------------------------------------------------------------------------------

file_of <- function(name) file.path(shared, "reference", "api", paste0(name, ".csv"))
schools <- lapply(setNames(nm = c("apistrat", "apiclus1", "apiclus2")), function(name) {
  table <- read.csv(file_of(name))
  table$wide <- as.numeric(table$sch.wide == "Yes")
  table
})
designs <- list(
  apistrat = svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = schools$apistrat),
  apiclus1 = svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = schools$apiclus1),
  apiclus2 = svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = schools$apiclus2)
)
of_schools <- function(design) {
  few <- subset(design, meals < 60)
  known <- subset(design, !is.na(enroll) & !is.na(api.stu))
  list(
    linear = glm_values(api00 ~ ell + meals + stype, design, gaussian(), ~ meals + stype),
    linear_domain = glm_values(api00 ~ ell + meals + mobility, few, gaussian(), ~ell),
    logistic = glm_values(wide ~ ell + meals + mobility, design, quasibinomial(), ~ ell + mobility),
    logistic_domain = glm_values(wide ~ ell + mobility, few, quasibinomial(), ~ell),
    poisson = glm_values(api.stu ~ ell + stype + offset(log(enroll)), known, quasipoisson(), ~stype),
    negative_binomial = negative_binomial(enroll ~ meals + stype, known)
  )
}
found <- lapply(designs, of_schools)
found$apistrat$extras <- binomial_extras(wide ~ ell + meals + mobility, designs$apistrat)
found$apiclus2$extras <- binomial_extras(wide ~ ell + meals + mobility, designs$apiclus2)

sizes <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
found$apiclus1$poststratified <- glm_values(wide ~ ell + meals, postStratify(designs$apiclus1, ~stype, sizes),
                                            quasibinomial(), ~ell)

line <- fit_glm(api00 ~ ell + meals + stype, designs$apistrat, gaussian())
found$apistrat$linear_dfbeta <- unname(influence(line, do.coef = TRUE)$coefficients[1:40, ])

adjusted <- svyglm(wide ~ ell + meals, designs$apistrat, family = quasibinomial(), control = tight)
means <- svypredmeans(adjusted, ~stype, predictat = factor(c("E", "H", "M")))
found$apistrat$svypredmeans <- list(value = I(plain(coef(means))), added = unname(vcov(means)),
                                    fixed = unname(attr(vcov(means), "parts")[[1]]))
mixed <- fit_glm(wide ~ ell + meals + stype, designs$apiclus1, quasibinomial())
with_type <- function(type) {
  x <- model.matrix(mixed)
  x[, "stypeH"] <- type == "H"
  x[, "stypeM"] <- type == "M"
  x
}
found$apiclus1$predicted <- margin_values(mixed, function(b) {
  vapply(c("E", "H", "M"), function(type) plogis(drop(with_type(type) %*% b)), numeric(nrow(model.matrix(mixed))))
})
found$apiclus1$effects <- margin_values(mixed, function(b) {
  p <- plogis(drop(model.matrix(mixed) %*% b))
  base <- plogis(drop(with_type("E") %*% b))
  cbind(p * (1 - p) * b[2], p * (1 - p) * b[3], plogis(drop(with_type("H") %*% b)) - base,
        plogis(drop(with_type("M") %*% b)) - base)
})

# ---- cases clustered by agency, with a lone certainty stratum ------------------------------------------------------

cases_file <- file.path(dirname(script), "cases.csv")
cases <- read.csv(cases_file)
cases$outcome <- factor(cases$outcome, c("dropped", "plea", "trial"))
cases$kinds <- match(cases$kind, c("sex", "labour", "both")) - 1
cases$flag <- as.numeric(cases$charged == 0 & cases$hours < 3)  # never charged: it separates
of_cases <- function(design) {
  north <- subset(design, region == "north")
  list(
    logistic = glm_values(charged ~ hours + region + victims, design, quasibinomial(), ~ hours + victims),
    linear = glm_values(hours ~ victims + region, design, gaussian(), ~ victims + region),
    poisson = glm_values(victims ~ hours + kind, design, quasipoisson(), ~kind),
    poisson_offset = glm_values(minors ~ hours + region + offset(log(victims)), design, quasipoisson(), ~region),
    negative_binomial = negative_binomial(I(floor(hours)) ~ victims + region, design),
    multinomial = multinomial(kinds ~ hours + region, design, 3),
    multinomial_domain = multinomial(kinds ~ hours, north, 3),
    proportional_odds = proportional_odds(outcome ~ hours + region + victims, design, ~ hours + region, 5),
    proportional_odds_domain = proportional_odds(outcome ~ hours + victims, north, ~hours, 4),
    firth = firth(charged ~ hours + region, design),
    firth_separated = firth(charged ~ hours + flag, design)
  )
}
found$cases_one <- of_cases(svydesign(id = ~agency, strata = ~stratum, weights = ~weight, fpc = ~agencies,
                                      data = cases))
# what svyolr's own likelihood-ratio test says with the weights as they are, and with weights of mean 1
found$svyolr_lrt <- lapply(list(raw = cases$weight, scaled = cases$weight / mean(cases$weight)), function(weight) {
  design <- svydesign(id = ~agency, strata = ~stratum, weights = weight, fpc = ~agencies, data = cases)
  formula <- outcome ~ hours + region + victims
  fit <- eval(bquote(svyolr(.(formula), .(design))))
  test <- regTermTest(fit, ~ hours + region, method = "LRT")
  list(chisq = plain(test$chisq), lambda = I(sort(Re(plain(test$lambda)), decreasing = TRUE)), p = plain(test$p))
})
found$cases_two <- of_cases(svydesign(id = ~agency + case, strata = ~stratum, weights = ~weight,
                                      fpc = ~agencies + cases, data = cases))

# ---- a small design with certainty strata --------------------------------------------------------------------------

synthetic_file <- file.path(dirname(script), "synthetic.csv")
synthetic <- read.csv(synthetic_file)
design <- svydesign(id = ~1, strata = ~stratum, weights = ~weight, fpc = ~population, data = synthetic)
found$synthetic <- list(
  linear = glm_values(y ~ x + group, design, gaussian(), ~group),
  logistic = glm_values(z ~ log(x) + group, design, quasibinomial(), ~group),
  firth = firth(z ~ log(x) + group, design)
)

# ---- LEMAS 2020 ----------------------------------------------------------------------------------------------------

lemas_file <- file.path(shared, "data", "lemas", "lemas_2020.tsv")
raw <- read.delim(lemas_file, quote = "", colClasses = "character", strip.white = TRUE, fileEncoding = "latin1",
                  check.names = FALSE)
raw <- raw[c("AGENCYSAMPTYPE", "STRATA", "SAMPLINGWEIGHT", "COMPLETE", "PRIMARYPOP2020", "ISSU_ADDR_HUMTRF", "FTSWORN")]
raw[] <- lapply(raw, as.numeric)
of_eligible <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE != -8), raw$STRATA, sum)
of_respondents <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE == 1), raw$STRATA, sum)
raw$weight <- ifelse(raw$COMPLETE == 1,
                     raw$SAMPLINGWEIGHT * (of_eligible / of_respondents)[as.character(raw$STRATA)], 0)
raw <- raw[raw$weight > 0, ]
raw$size <- pmax(ave(raw$weight, raw$STRATA, FUN = sum), ave(raw$weight, raw$STRATA, FUN = length))
raw$answer <- ifelse(raw$ISSU_ADDR_HUMTRF %in% 1:5, raw$ISSU_ADDR_HUMTRF, NA)
raw$ordered <- factor(raw$answer)
raw$code <- raw$answer - 1
raw$sheriff <- as.numeric(raw$AGENCYSAMPTYPE == 1)
raw$log2_population <- log2(ifelse(raw$PRIMARYPOP2020 < 1, NA, raw$PRIMARYPOP2020))
raw$sworn <- ifelse(raw$FTSWORN < 0, NA, raw$FTSWORN)
design <- svydesign(id = ~1, strata = ~STRATA, weights = ~weight, fpc = ~size, data = raw)
answered <- subset(design, !is.na(answer) & !is.na(log2_population) & AGENCYSAMPTYPE != 5)
counted <- subset(design, !is.na(sworn) & !is.na(log2_population) & AGENCYSAMPTYPE != 5)
found$lemas <- list(
  linear = glm_values(log1p(sworn) ~ sheriff + log2_population, counted, gaussian(), ~sheriff),
  poisson = glm_values(sworn ~ sheriff + log2_population, counted, quasipoisson(), ~sheriff),
  negative_binomial = negative_binomial(sworn ~ sheriff + log2_population, counted),
  multinomial = multinomial(code ~ sheriff + log2_population, answered, 5),
  proportional_odds = proportional_odds(ordered ~ sheriff + log2_population, answered, ~sheriff, 6)
)

save_values("models", list(file_of("apistrat"), file_of("apiclus1"), file_of("apiclus2"), cases_file, synthetic_file,
                           lemas_file), found)
