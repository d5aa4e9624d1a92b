# The first reference values: stratified element designs (California schools, a small design of our own, LEMAS).
#
#   Rscript tests/reference/make_reference.R <shared folder> <out folder>
#
# Writes api.json, synthetic.json and lemas.json.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))

# ---- the samples of California schools -----------------------------------------------------------------------------

api_file <- file.path(shared, "reference", "api", "apistrat.csv")
api <- read.csv(api_file)
api$awarded <- as.numeric(api$awards == "Yes")
api$wide <- as.numeric(api$sch.wide == "Yes")
api_values <- function(design) {
  by_awards <- svyby(~api00, ~awards, design, svymean, covmat = TRUE)
  difference <- svycontrast(by_awards, c(-1, 1))
  by_both <- svyby(~api00 + meals, ~both, design, svymean, covmat = TRUE)
  few <- subset(design, meals < 60)
  x <- cbind(1, c(10, 50), c(40, 80), c(15, 30))
  list(
    degf = degf(design), degf_few_meals = degf(few),
    total_enroll = estimated(svytotal(~enroll, design), degf(design)),
    totals = estimated(svytotal(~enroll + api.stu, design), degf(design)),
    total_few_meals = estimated(svytotal(~enroll, few), degf(few)),
    means = estimated(svymean(~api00 + api99 + meals, design), degf(design)),
    mean_few_meals = estimated(svymean(~api00, few), degf(few)),
    ratio = estimated(svyratio(~api.stu, ~enroll, design), degf(design)),
    ratio_few_meals = estimated(svyratio(~api.stu, ~enroll, few), degf(few)),
    proportions_awards = estimated(svymean(~awards, design), degf(design)),
    awarded = share(~awarded, design), awarded_few_meals = share(~awarded, few), wide = share(~wide, design),
    by_awards = list(value = I(plain(coef(by_awards))), covariance = unname(vcov(by_awards))),
    by_awards_difference = list(value = plain(coef(difference)), se = plain(SE(difference))),
    by_both = list(value = I(plain(coef(by_both))), covariance = unname(vcov(by_both))),
    logit = regression(svyglm(wide ~ ell + meals + mobility, design, family = quasibinomial(), control = tight),
                       ~ ell + mobility, x),
    logit_few_meals = regression(svyglm(wide ~ ell + meals + mobility, few, family = quasibinomial(), control = tight),
                                 ~ ell + mobility, x)
  )
}
save_values("api", list(api_file), list(
  fpc = api_values(svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = api)),
  no_fpc = api_values(svydesign(id = ~1, strata = ~stype, weights = ~pw, data = api))
))

# ---- a small design with certainty strata, one of them a lone agency -----------------------------------------------

synthetic_file <- file.path(dirname(script), "synthetic.csv")
synthetic <- read.csv(synthetic_file)
synthetic$logx <- log(synthetic$x)
design <- svydesign(id = ~1, strata = ~stratum, weights = ~weight, fpc = ~population, data = synthetic)
groups <- svyby(~y, ~group, design, svymean, covmat = TRUE)
poststratified <- postStratify(design, ~group, data.frame(group = c("a", "b", "c"), Freq = c(250, 300, 200)))
certain <- subset(design, stratum %in% c("capital", "certain"))
with_capital <- subset(design, stratum %in% c("capital", "south large"))
save_values("synthetic", list(synthetic_file), list(
  degf = degf(design),
  total = estimated(svytotal(~y + x, design), degf(design)),
  mean = estimated(svymean(~y, design), degf(design)),
  ratio = estimated(svyratio(~y, ~x, design), degf(design)),
  share = share(~z, design),
  certain = estimated(svytotal(~y, certain), degf(certain)),
  with_capital = estimated(svymean(~y, with_capital), degf(with_capital)),
  groups = list(value = I(plain(coef(groups))), covariance = unname(vcov(groups)),
                degf = I(vapply(c("a", "b", "c"), function(g) degf(subset(design, group == g)), 0))),
  logit = regression(svyglm(z ~ logx, design, family = quasibinomial(), control = tight), ~logx,
                     cbind(1, c(2, 4))),
  poststratified_weights_by_group = I(plain(tapply(weights(poststratified), synthetic$group, function(w) w[1])) /
                                       plain(tapply(synthetic$weight, synthetic$group, function(w) w[1]))),
  kish = 1 + mean((synthetic$weight - mean(synthetic$weight))^2) / mean(synthetic$weight)^2
))

# ---- LEMAS ---------------------------------------------------------------------------------------------------------

lemas_file <- function(wave) file.path(shared, "data", "lemas", paste0("lemas_", wave, ".tsv"))
lemas <- function(wave, columns) {
  raw <- read.delim(lemas_file(wave), quote = "", colClasses = "character", strip.white = TRUE,
                    fileEncoding = "latin1", check.names = FALSE)[columns]
  for (name in setdiff(columns, c("STATE", "RESPTYPE"))) raw[[name]] <- as.numeric(raw[[name]])
  raw
}
known <- function(x, codes, highest = Inf) ifelse(x %in% codes | x > highest, NA, x)

bounds <- c(0, 2500, 10000, 25000, 50000, 100000, 250000, Inf)
class_names <- c("Under 2,500", "2,500 to 9,999", "10,000 to 24,999", "25,000 to 49,999", "50,000 to 99,999",
                 "100,000 to 249,999", "250,000 and over")
type_names <- c("Local police", "Sheriffs' offices", "State agencies")
regions <- list(
  Northeast = c("CT", "ME", "MA", "NH", "NJ", "NY", "PA", "RI", "VT"),
  Midwest = c("IA", "IL", "IN", "KS", "MI", "MN", "MO", "ND", "NE", "OH", "SD", "WI"),
  South = c("AL", "AR", "DC", "DE", "FL", "GA", "KY", "LA", "MD", "MS", "NC", "OK", "SC", "TN", "TX", "VA", "WV"),
  West = c("AK", "AZ", "CA", "CO", "HI", "ID", "MT", "NM", "NV", "OR", "UT", "WA", "WY")
)
region_of <- setNames(rep(names(regions), lengths(regions)), unlist(regions))

wave_table <- function(state, type, stratum, weight, population, sworn) {
  found <- data.frame(type = factor(type_names[type], type_names), stratum = stratum, weight = weight,
                      region = factor(region_of[state], names(regions)), sworn = sworn)
  # outside the codebook's range: read as missing
  found$population <- ifelse(found$type == "State agencies" | population < 1, NA, population)
  found$class <- cut(found$population, bounds, class_names, right = FALSE)
  found
}
designed <- function(table) {
  table <- table[table$weight > 0, ]
  table$size <- ave(table$weight, table$stratum, FUN = sum)
  # a sum of rounded weights may fall short of the count of a certainty stratum in its last digits
  table$size <- pmax(table$size, ave(table$weight, table$stratum, FUN = length))
  svydesign(id = ~1, strata = ~stratum, weights = ~weight, fpc = ~size, data = table)
}
answered <- function(table, answer) {
  answer <- known(answer, c(-8, -9))
  for (k in 1:5) table[[paste0("a", k)]] <- as.numeric(answer == k)
  table$a6 <- as.numeric(answer %in% 1:2)
  table$answer <- answer
  table
}
domains <- function(design) {
  v <- design$variables
  found <- list("All agencies" = rep(TRUE, nrow(v)))
  for (column in c("type", "class", "region")) for (name in levels(v[[column]])) found[[name]] <- v[[column]] %in% name
  found
}
shares <- function(design) {
  rows <- list()
  inside <- domains(design)
  for (name in names(inside)) {
    part <- subset(design, inside[[name]] & !is.na(design$variables$answer))
    for (k in 1:6) {
      rows[[length(rows) + 1]] <- c(list(domain = name, answer = k),
                                    share(as.formula(paste0("~a", k)), part))
    }
  }
  rows
}
sworn <- function(design) {
  inside <- c("All agencies", type_names)
  lapply(setNames(inside, inside), function(name) {
    part <- subset(design, domains(design)[[name]])
    found <- svytotal(~sworn, part)
    list(total = plain(coef(found)), se = plain(SE(found)), n = nrow(part))
  })
}

raw <- lemas(2020, c("STATE", "AGENCYSAMPTYPE", "STRATA", "SAMPLINGWEIGHT", "COMPLETE", "PRIMARYPOP2020",
                     "ISSU_ADDR_HUMTRF", "FTSWORN"))
of_eligible <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE != -8), raw$STRATA, sum)
of_respondents <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE == 1), raw$STRATA, sum)
factor_2020 <- of_eligible / of_respondents
weight <- ifelse(raw$COMPLETE == 1, raw$SAMPLINGWEIGHT * factor_2020[as.character(raw$STRATA)], 0)
table_2020 <- wave_table(raw$STATE, c("1" = 2, "3" = 1, "4" = 1, "5" = 3)[as.character(raw$AGENCYSAMPTYPE)],
                         raw$STRATA, plain(weight), known(raw$PRIMARYPOP2020, c(-8, -9)),
                         known(raw$FTSWORN, c(-8, -9)))
design_2020 <- designed(answered(table_2020, raw$ISSU_ADDR_HUMTRF))

raw <- lemas(2016, c("STATE", "AGENCYTYPE", "STRATA", "FINALWGT", "POPSERVED", "ISSU_ADDR_HUMTRF", "FTSWORN"))
table_2016 <- wave_table(raw$STATE, raw$AGENCYTYPE, raw$STRATA, raw$FINALWGT, known(raw$POPSERVED, c(-8, -9)),
                         known(raw$FTSWORN, c(-8, -9)))
design_2016 <- designed(answered(table_2016, raw$ISSU_ADDR_HUMTRF))

raw <- lemas(2007, c("STATE", "AGCYTYPE", "LPDSAMPGRP", "FINALWT_PAGE1", "FINALWT_PAGE2ON", "POPULATION", "SWNFTEMP",
                     "FTHUMTRFOFF", "PTHUMTRFOFF"))
type <- c("1" = 2, "3" = 1, "5" = 3)[as.character(raw$AGCYTYPE)]
stratum <- ifelse(type == 1, paste("local", raw$LPDSAMPGRP),
                  ifelse(type == 3, "state", ifelse(raw$FINALWT_PAGE1 < 2, "sheriff certain", "sheriff other")))
lost <- c(888888, 999999)
table_2007 <- wave_table(raw$STATE, type, stratum, raw$FINALWT_PAGE1, raw$POPULATION, known(raw$SWNFTEMP, lost))
full <- known(raw$FTHUMTRFOFF, lost, 5000)
part <- known(raw$PTHUMTRFOFF, lost, 5000)
table_2007$task_force <- as.numeric(full + part > 0)
table_2007$doubtful <- full %in% 8:9 | part %in% 8:9
design_2007 <- designed(table_2007)
page_two <- designed(transform(table_2007, weight = raw$FINALWT_PAGE2ON))
task_force <- function(design) {
  inside <- domains(design)
  lapply(names(inside), function(name) {
    c(list(domain = name), share(~task_force, subset(design, inside[[name]] & !is.na(design$variables$task_force))))
  })
}

# Change: both waves as one design with strata by wave, so that the covariance comes from the package.
common <- c("type", "class", "region", "answer", paste0("a", 1:6), "stratum", "weight", "size")
both <- rbind(cbind(wave = 2016, design_2016$variables[common]), cbind(wave = 2020, design_2020$variables[common]))
both$stratum <- paste(both$wave, both$stratum)
both <- svydesign(id = ~1, strata = ~stratum, weights = ~weight, fpc = ~size, data = both)
sets <- domains(both)
change <- list()
for (name in names(sets)) {
  part <- subset(both, sets[[name]] & !is.na(both$variables$answer))
  found <- svyby(~a1 + a2 + a3 + a4 + a5 + a6, ~wave, part, svymean, covmat = TRUE)
  df <- vapply(c(2016, 2020), function(year) degf(part[part$variables$wave == year, ]), 0)
  for (k in 1:6) {
    weights_k <- rep(0, 12)
    weights_k[c(2 * k - 1, 2 * k)] <- c(-1, 1)
    moved <- svycontrast(found, weights_k)
    v <- diag(vcov(found))[c(2 * k - 1, 2 * k)]
    se <- plain(SE(moved))
    welch <- sum(v)^2 / sum(v^2 / df)
    change[[length(change) + 1]] <- list(
      domain = name, answer = k, change = plain(coef(moved)), se = se, df = plain(welch),
      p = plain(2 * pt(-abs(coef(moved) / se), welch)),
      low = plain(coef(moved)) - qt(0.5 + level / 2, welch) * se,
      high = plain(coef(moved)) + qt(0.5 + level / 2, welch) * se)
  }
  if (name == "All agencies") {
    pick <- lapply(1:4, function(k) replace(rep(0, 12), c(2 * k - 1, 2 * k), c(-1, 1)))
    moved <- svycontrast(found, setNames(pick, paste0("d", 1:4)))
    ddf <- min(df) - 3
    statistic <- drop(coef(moved) %*% solve(vcov(moved), coef(moved))) / 4
    overall <- list(F = plain(statistic), df = 4, df_residual = ddf,
                    p = pf(plain(statistic), 4, ddf, lower.tail = FALSE))
  }
}

prepared <- subset(design_2020, !is.na(answer) & !is.na(population) & type != "State agencies")
prepared <- update(prepared, sheriff = as.numeric(type == "Sheriffs' offices"), log2_population = log2(population))
fit <- svyglm(a6 ~ sheriff + log2_population, prepared, family = quasibinomial(), control = tight)
without_doubtful <- subset(design_2007, !is.na(task_force) & !doubtful)

save_values("lemas", lapply(c(2007, 2016, 2020), lemas_file), list(
  degf = list("2007" = degf(design_2007), "2016" = degf(design_2016), "2020" = degf(design_2020)),
  factors_2020 = lapply(split(factor_2020, names(factor_2020)), plain),
  sworn = list("2007" = sworn(design_2007), "2007 page 2" = sworn(page_two), "2016" = sworn(design_2016),
               "2020" = sworn(design_2020)),
  answers = list("2016" = shares(design_2016), "2020" = shares(design_2020)),
  task_force_2007 = task_force(design_2007),
  task_force_2007_without_doubtful = list(
    share = plain(coef(svymean(~task_force, without_doubtful))), agencies = sum(design_2007$variables$doubtful)),
  change = change,
  change_overall = overall,
  logit_2020 = regression(fit, ~ sheriff + log2_population, cbind(1, c(0, 1, 0), log2(c(1e3, 1e3, 1e6))))
))
