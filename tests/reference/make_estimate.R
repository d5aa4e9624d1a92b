# Values for estimates by domain, intervals, quantiles, design effects, cross-tables and tests of hypotheses.
#
#   Rscript tests/reference/make_estimate.R <shared folder> <out folder>
#
# Writes estimate.json: the same quantities on each design of R's school samples (stratified, one- and two-stage
# cluster), the small stratified design, the case file (one and two stages) and LEMAS 2020.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))

here <- function(name) file.path(dirname(script), name)
api_file <- function(name) file.path(shared, "reference", "api", name)

# ---- one set of quantities for any design --------------------------------------------------------------------------
# Variables: y, x numbers, u is y without ties, z is 0 or 1, d an ordered factor of domains, a a factor of answers.

joint <- function(by, design) {
  list(value = I(plain(coef(by))), covariance = unname(as.matrix(vcov(by))))
}

by_domain <- function(design) {
  levels <- levels(design$variables$d)
  part <- function(level) subset(design, d == level)
  list(
    means = joint(svyby(~y + x, ~d, design, svymean, covmat = TRUE)),
    totals = joint(svyby(~y + x, ~d, design, svytotal, covmat = TRUE)),
    shares = joint(svyby(~a, ~d, design, svymean, covmat = TRUE)),
    ratios = list(value = I(vapply(levels, function(l) plain(coef(svyratio(~y, ~x, part(l)))), 0)),
                  se = I(vapply(levels, function(l) plain(SE(svyratio(~y, ~x, part(l)))), 0))),
    n = I(vapply(levels, function(l) nrow(part(l)), 0)),
    df = I(vapply(levels, function(l) degf(part(l)), 0)),
    deff = I(plain(vapply(levels, function(l) plain(deff(svymean(~y + x, part(l), deff = TRUE))),
                          c(0, 0)))),
    deff_total = I(plain(vapply(levels, function(l) {
      plain(deff(svytotal(~y + x, part(l), deff = "replace")))
    }, c(0, 0))))
  )
}

limits_of_share <- function(design) {
  df <- degf(design)
  limits <- function(method) {
    I(plain(attr(svyciprop(~z, design, method = method, level = level, control = tight), "ci")))
  }
  list(beta = limits("beta"), asin = limits("asin"), t = limits("mean"), df = df)
}

quantiles <- function(design, probabilities = c(0.1, 0.25, 0.5, 0.9)) {
  one <- function(formula, design, rule) {
    found <- svyquantile(formula, design, probabilities, qrule = rule, interval.type = "mean")[[1]]
    list(value = I(plain(found[, 1])), low = I(plain(found[, 2])), high = I(plain(found[, 3])),
         se = I(plain(found[, 4])))
  }
  first <- subset(design, d == levels(d)[1])
  math <- list(math = one(~y, design, "math"), math_first = one(~y, first, "math"))
  # a quantile of u tells a row's number: not of LEMAS
  if ("STRATA" %in% names(design$variables)) math
  else c(math, list(hf7 = one(~u, design, "hf7"), hf7_first = one(~u, first, "hf7")))
}

design_effects <- function(design) {
  kinds <- list(without = TRUE, with = "replace")
  lapply(kinds, function(kind) {
    list(mean = I(plain(deff(svymean(~y + x, design, deff = kind)))),
         share = plain(deff(svymean(~z, design, deff = kind))),
         total = I(plain(deff(svytotal(~y + x, design, deff = kind)))),
         ratio = plain(deff(svyratio(~y, ~x, design, deff = kind))))
  })
}

table_tests <- function(design) {
  tests <- lapply(c(F = "F", Chisq = "Chisq", Wald = "Wald", adjWald = "adjWald"), function(statistic) {
    found <- suppressWarnings(svychisq(~ d + a, design, statistic = statistic))
    list(statistic = plain(found$statistic), df = I(plain(found$parameter)), p = plain(found$p.value))
  })
  rows <- svyby(~a, ~d, design, svymean, covmat = TRUE)
  columns <- svyby(~d, ~a, design, svymean, covmat = TRUE)
  cells <- svymean(~interaction(a, d), design)
  c(tests, list(rows = joint(rows), columns = joint(columns),
                cells = list(value = I(plain(coef(cells))), covariance = unname(as.matrix(vcov(cells))))))
}

mean_tests <- function(design) {
  design <- update(design, group = as.numeric(z), score = as.numeric(d), fd = factor(d))
  two <- svyttest(y ~ group, design)
  one <- svyttest(y ~ 0, design)
  intercept <- svyglm(y ~ 1, design)
  line <- summary(svyglm(y ~ score, design))$coefficients[2, ]
  share_line <- svyglm(z ~ score, design)
  equal <- regTermTest(svyglm(y ~ fd, design), ~fd, method = "Wald")
  means <- svyby(~y, ~d, design, svymean, covmat = TRUE)
  away <- seq_along(coef(means)) - mean(seq_along(coef(means)))
  contrast <- svycontrast(means, away / sum(away^2))
  rank <- function(formula, test) {
    found <- svyranktest(formula, design, test = test)
    # several groups: R hands back the chi-squared as parameter and its degrees of freedom as statistic
    if (is.null(found$ddf)) list(statistic = plain(found$statistic), df = plain(found$parameter), p = plain(found$p.value))
    else list(statistic = plain(found$parameter) / plain(found$statistic), df = plain(found$ddf),
              p = plain(found$p.value))
  }
  kinds <- c(wilcoxon = "wilcoxon", normal = "vanderWaerden", median = "median")
  list(
    two = list(value = plain(two$estimate), t = plain(two$statistic), df = plain(two$parameter),
               p = plain(two$p.value), limits = I(plain(two$conf.int))),
    one = list(t = plain(one$statistic), df = plain(one$parameter), p = plain(one$p.value)),
    intercept = list(t = plain(summary(intercept)$coefficients[3]), df = intercept$df.residual,
                     p = plain(summary(intercept)$coefficients[4])),
    slope = I(plain(line)), slope_df = degf(design) - 1,
    slope_limits = I(plain(confint(svyglm(y ~ score, design))[2, ])),
    share_slope = I(plain(summary(share_line)$coefficients[2, ])),
    equal = list(F = plain(equal$Ftest), df = equal$df, df_residual = equal$ddf, p = plain(equal$p)),
    contrast = I(c(plain(coef(contrast)), plain(SE(contrast)))),
    ranks_two = lapply(kinds, function(test) rank(u ~ group, test)),
    ranks_all = lapply(kinds, function(test) rank(u ~ fd, test))
  )
}

everything <- function(design) {
  part <- subset(design, w)
  list(by = by_domain(design), interval = limits_of_share(design), interval_part = limits_of_share(part),
       quantile = quantiles(design), deff = design_effects(design), table = table_tests(design),
       table_part = table_tests(part), means = mean_tests(design), means_part = mean_tests(part))
}

untied <- function(data) data$y + seq_len(nrow(data)) / 1e6

# ---- designs -------------------------------------------------------------------------------------------------------

schools <- function(name) {
  data <- read.csv(api_file(name))
  data$y <- data$api00
  data$x <- data$api99
  data$z <- as.numeric(data$awards == "Yes")
  data$d <- cut(data$meals, c(-1, 25, 50, 101), c("low", "middle", "high"))
  data$a <- factor(paste(data$sch.wide, data$comp.imp), c("No No", "Yes No", "Yes Yes"))
  data$w <- data$mobility >= 10
  data <- data[!is.na(data$a), ]
  data$u <- untied(data)
  data
}
stratified <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = schools("apistrat.csv"))
unlimited <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = schools("apistrat.csv"))
clus1 <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = schools("apiclus1.csv"))
clus2 <- svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = schools("apiclus2.csv"))

rows <- read.csv(here("synthetic.csv"))
rows$d <- factor(rows$group)
rows$a <- factor(rows$z)
rows$w <- rows$x > 6
rows$u <- untied(rows)
synthetic <- svydesign(id = ~1, strata = ~stratum, weights = ~weight, fpc = ~population, data = rows)

cases <- read.csv(here("cases.csv"))
cases$y <- cases$hours
cases$x <- cases$victims
cases$z <- cases$charged
cases$d <- factor(cases$kind, c("sex", "labour", "both"))
cases$a <- factor(cases$outcome, c("dropped", "plea", "trial"))
cases$w <- cases$victims > 1
cases$u <- untied(cases)
one_stage <- svydesign(id = ~agency, strata = ~stratum, weights = ~weight, fpc = ~agencies, data = cases)
two_stages <- svydesign(id = ~agency + case, strata = ~stratum, weights = ~weight, fpc = ~agencies + cases,
                        data = cases)

lemas_file <- file.path(shared, "data", "lemas", "lemas_2020.tsv")
raw <- read.delim(lemas_file, quote = "", colClasses = "character", strip.white = TRUE, fileEncoding = "latin1",
                  check.names = FALSE)
numbers <- c("AGENCYSAMPTYPE", "STRATA", "SAMPLINGWEIGHT", "COMPLETE", "ISSU_ADDR_HUMTRF", "FTSWORN")
raw <- as.data.frame(lapply(raw[numbers], as.numeric))
of_eligible <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE != -8), raw$STRATA, sum)
of_respondents <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE == 1), raw$STRATA, sum)
raw$weight <- plain(raw$SAMPLINGWEIGHT * (of_eligible / of_respondents)[as.character(raw$STRATA)])
raw <- raw[raw$COMPLETE == 1 & raw$weight > 0, ]
raw$size <- ave(raw$weight, raw$STRATA, FUN = sum)
raw$size <- pmax(raw$size, ave(raw$weight, raw$STRATA, FUN = length))
raw$d <- factor(c("1" = "sheriff", "3" = "local", "4" = "local", "5" = "state")[as.character(raw$AGENCYSAMPTYPE)],
                c("local", "sheriff", "state"))
answer <- ifelse(raw$ISSU_ADDR_HUMTRF %in% c(-8, -9), NA, raw$ISSU_ADDR_HUMTRF)
raw$y <- raw$FTSWORN
raw$x <- as.numeric(raw$weight > 0)
raw$keep <- !is.na(answer) & !(raw$FTSWORN %in% c(-8, -9)) & !is.na(raw$FTSWORN)
raw$z <- as.numeric(answer <= 2)
raw$a <- factor(answer)
raw$w <- raw$FTSWORN >= 10
lemas <- svydesign(id = ~1, strata = ~STRATA, weights = ~weight, fpc = ~size, data = raw)
lemas <- subset(lemas, keep)
lemas <- update(lemas, x = 1 + (y %% 7), u = y + seq_len(nrow(lemas)) / 1e6)

# ---- single things -------------------------------------------------------------------------------------------------

# values missing in some rows, variable by variable
holes <- svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = read.csv(api_file("apiclus2.csv")))
known <- lapply(c(E = "E", H = "H", M = "M"), function(type) {
  part <- subset(holes, stype == type & !is.na(enroll))
  found <- svymean(~enroll, part)
  list(value = plain(coef(found)), se = plain(SE(found)), n = nrow(part), df = degf(part))
})

# two waves that share their schools: one stacked design with the school as cluster
one <- schools("apistrat.csv")
both <- rbind(data.frame(wave = 0, y = one$api99, one[c("snum", "stype", "pw", "fpc")]),
              data.frame(wave = 1, y = one$api00, one[c("snum", "stype", "pw", "fpc")]))
both <- both[-c(3, 250, 251), ]
stacked <- svydesign(id = ~snum, strata = ~stype, weights = ~pw, fpc = ~fpc, data = both)
waves <- svyby(~y, ~wave, stacked, svymean, covmat = TRUE)
moved <- svycontrast(waves, c(-1, 1))

# where this package goes its own way
small <- svyquantile(~y, stratified, 0.001, qrule = "math")[[1]]
tied <- data.frame(y = c(1, 2, 2, 3, 3, 4, 5, 6), w = c(1, 1, 5, 2, 1, 3, 1, 2), g = c(0, 0, 1, 1, 0, 1, 0, 1))
rank_of <- function(data) plain(svyranktest(y ~ g, svydesign(id = ~1, weights = ~w, data = data))$statistic)

p <- c(0.011, 0.02, 0.03, 0.04, 0.001, 0.5, 0.04, 0.9)
save_values("estimate", list(api_file("apistrat.csv"), api_file("apiclus1.csv"), api_file("apiclus2.csv"),
                             here("synthetic.csv"), here("cases.csv"), lemas_file), list(
  apistrat = everything(stratified), apistrat_no_fpc = everything(unlimited), apiclus1 = everything(clus1),
  apiclus2 = everything(clus2), synthetic = everything(synthetic), cases_one_stage = everything(one_stage),
  cases_two_stages = everything(two_stages), lemas_2020 = everything(lemas),
  known = known,
  stacked = list(value = plain(coef(moved)), se = plain(SE(moved))),
  smallest = list(r = plain(small[, 1]), sorted = I(sort(stratified$variables$y)[1:2])),
  tied_ranks = list(one_order = rank_of(tied), other_order = rank_of(tied[c(1, 3, 2, 5, 4, 6:8), ])),
  adjusted = list(p = I(p), holm = I(p.adjust(p, "holm")), bh = I(p.adjust(p, "BH")),
                  with_missing = I(p.adjust(c(NA, p), "holm")))
))
