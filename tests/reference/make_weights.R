# Weights and calibration-aware variances: post-stratification, raking, calibration, trimming.
#
#   Rscript tests/reference/make_weights.R <shared folder> <out folder>
#
# Writes weights.json. Known totals are part of the output, so that the tests calibrate to the same.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))
options(survey.adjust.domain.lonely = FALSE)

# ---- what is taken from each calibrated design ---------------------------------------------------------------------

spread <- function(w) {
  list(sum = sum(w), smallest = min(w), largest = max(w), squares = sum(w^2), moment = sum(w * seq_along(w)))
}
taken <- function(design, y, ratio, inside) {
  part <- design[inside, ]
  df <- degf(design)
  both <- function(d, df) {
    list(means = estimated(svymean(y, d), df), totals = estimated(svytotal(y, d), df),
         ratio = estimated(svyratio(ratio[[1]], ratio[[2]], d), df))
  }
  list(weights = spread(weights(design)), all = both(design, df), domain = both(part, degf(part)))
}
counts <- function(name, values) {
  found <- data.frame(names(values), unname(values))
  setNames(found, c(name, "Freq"))
}
listed <- function(margins) lapply(margins, as.list)
exact <- 1e-13  # R's own limits on the misfit; at its default 1e-7 the weights differ in the eighth digit

every_method <- function(design, y, ratio, inside, cell, margins, formula, totals, sigma2) {
  look <- function(d) taken(d, y, ratio, inside)
  margin_formulas <- lapply(names(margins), function(name) as.formula(paste0("~", name)))
  raked <- rake(design, margin_formulas, mapply(counts, names(margins), margins, SIMPLIFY = FALSE),
                control = list(maxit = 1000, epsilon = 1e-14))
  dummies <- as.formula(paste("~", paste(names(margins), collapse = "+")))
  all <- colnames(model.matrix(dummies, model.frame(design)))
  first <- margins[[1]]
  margin_totals <- setNames(vapply(all, function(name) {
    if (name == "(Intercept)") return(sum(first))
    for (margin in names(margins)) {
      level <- sub(paste0("^", margin), "", name)
      if (startsWith(name, margin) && level %in% names(margins[[margin]])) return(margins[[margin]][[level]])
    }
    stop(name)
  }, 0), all)
  gen <- function(method, ...) calibrate(design, formula, totals, calfun = method, epsilon = exact, maxit = 200, ...)
  free <- range((weights(gen("linear")) / weights(design))[weights(design) > 0])
  bounds <- 1 + 0.95 * (free - 1) # so that both ends cut something off
  list(
    margins = listed(margins), totals = as.list(totals), bounds = I(bounds),
    plain = look(design),
    poststratified = look(postStratify(design, as.formula(paste0("~", cell)), counts(cell, margins[[cell]]))),
    raked = look(raked),
    raking_on_margins = look(calibrate(design, dummies, margin_totals, calfun = "raking", epsilon = exact, maxit = 200)),
    linear = look(gen("linear")),
    linear_bounded = look(gen("linear", bounds = bounds)),
    linear_sigma2 = look(gen("linear", variance = sigma2)),
    raking = look(gen("raking")),
    raking_sigma2 = look(gen("raking", variance = sigma2)),
    logit = look(gen("logit", bounds = bounds))
  )
}

# ---- the samples of California schools -----------------------------------------------------------------------------

api_file <- function(name) file.path(shared, "reference", "api", paste0(name, ".csv"))
api <- function(name) {
  found <- read.csv(api_file(name))
  found$wide <- found$sch.wide
  found
}
schools <- list(
  apistrat = svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = api("apistrat")),
  apiclus1 = svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = api("apiclus1")),
  apiclus2 = svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = api("apiclus2"))
)
# the population that these were drawn from: 6,194 schools
school_margins <- list(stype = c(E = 4421, H = 755, M = 1018), wide = c(No = 1072, Yes = 5122))
school_totals <- c("(Intercept)" = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
school_values <- lapply(schools, function(design) {
  every_method(design, ~api00 + ell, list(~ell, ~meals), design$variables$meals < 60, "stype",
               school_margins, ~stype + api99, school_totals, design$variables$meals + 1)
})

trimming <- lapply(schools, function(design) {
  # the weights of a calibrated design differ by school, as those of a trimmed one should
  raked <- calibrate(design, ~stype + api99, school_totals, calfun = "raking", epsilon = exact)
  cap <- unname(quantile(weights(raked), 0.85))
  list(cap = cap, before = spread(weights(raked)), once = spread(weights(trimWeights(raked, upper = cap))),
       strict = spread(weights(trimWeights(raked, upper = cap, strict = TRUE))))
})

# ---- two steps: post-stratified, then calibrated -------------------------------------------------------------------

two_steps <- calibrate(postStratify(schools$apiclus1, ~stype, counts("stype", school_margins$stype)), ~api99 + meals,
                       c("(Intercept)" = 6194, api99 = 3800000, meals = 305000))
two_steps <- taken(two_steps, ~api00 + ell, list(~ell, ~meals), two_steps$variables$meals < 60)

# ---- cases clustered by agency -------------------------------------------------------------------------------------

cases_file <- file.path(dirname(script), "cases.csv")
cases <- read.csv(cases_file)
design <- svydesign(id = ~agency + case, strata = ~stratum, weights = ~weight, fpc = ~agencies + cases, data = cases)
case_values <- every_method(design, ~victims + minors, list(~minors, ~victims), cases$kind == "sex", "kind",
                            list(kind = c(both = 26, labour = 310, sex = 294), outcome = c(dropped = 190, plea = 250, trial = 190)),
                            ~kind + hours, c("(Intercept)" = 630, kindlabour = 310, kindsex = 294, hours = 4300),
                            cases$victims + 1)

# ---- a small design with certainty strata --------------------------------------------------------------------------

synthetic_file <- file.path(dirname(script), "synthetic.csv")
synthetic <- read.csv(synthetic_file)
synthetic$answer <- c("no", "yes")[synthetic$z + 1]
synthetic$yz <- synthetic$y * synthetic$z
design <- svydesign(id = ~1, strata = ~stratum, weights = ~weight, fpc = ~population, data = synthetic)
synthetic_values <- every_method(design, ~y + yz, list(~y, ~x), synthetic$group != "a", "group",
                                 list(group = c(a = 220, b = 340, c = 193), answer = c(no = 310, yes = 443)),
                                 ~group + x, c("(Intercept)" = 753, groupb = 340, groupc = 193, x = 24000),
                                 synthetic$x)

# ---- LEMAS 2020 ----------------------------------------------------------------------------------------------------

lemas_file <- file.path(shared, "data", "lemas", "lemas_2020.tsv")
columns <- c("STATE", "AGENCYSAMPTYPE", "STRATA", "SAMPLINGWEIGHT", "COMPLETE", "ISSU_ADDR_HUMTRF", "FTSWORN")
raw <- read.delim(lemas_file, quote = "", colClasses = "character", strip.white = TRUE, fileEncoding = "latin1",
                  check.names = FALSE)[columns]
for (name in setdiff(columns, "STATE")) raw[[name]] <- as.numeric(raw[[name]])
regions <- list(
  Northeast = c("CT", "ME", "MA", "NH", "NJ", "NY", "PA", "RI", "VT"),
  Midwest = c("IA", "IL", "IN", "KS", "MI", "MN", "MO", "ND", "NE", "OH", "SD", "WI"),
  South = c("AL", "AR", "DC", "DE", "FL", "GA", "KY", "LA", "MD", "MS", "NC", "OK", "SC", "TN", "TX", "VA", "WV"),
  West = c("AK", "AZ", "CA", "CO", "HI", "ID", "MT", "NM", "NV", "OR", "UT", "WA", "WY")
)
raw$region <- setNames(rep(names(regions), lengths(regions)), unlist(regions))[raw$STATE]
raw$type <- c("1" = "Sheriffs' offices", "3" = "Local police", "4" = "Local police",
              "5" = "State agencies")[as.character(raw$AGENCYSAMPTYPE)]
of_eligible <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE != -8), raw$STRATA, sum)
of_respondents <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE == 1), raw$STRATA, sum)
agencies <- raw[raw$COMPLETE == 1, ]
agencies$weight <- agencies$SAMPLINGWEIGHT * as.vector((of_eligible / of_respondents)[as.character(agencies$STRATA)])
agencies$size <- pmax(ave(agencies$weight, agencies$STRATA, FUN = sum), ave(agencies$weight, agencies$STRATA, FUN = length))
agencies$prepared <- as.numeric(agencies$ISSU_ADDR_HUMTRF %in% 1:2)
agencies$one <- 1
agencies$log_sworn <- log(agencies$FTSWORN + 1)
design <- svydesign(id = ~1, strata = ~STRATA, weights = ~weight, fpc = ~size, data = agencies)
by_region <- round(svytable(~region, design) * c(1.05, 0.97, 1.02, 0.99))
by_type <- round(svytable(~type, design) * c(1.01, 0.98, 1))
by_type["Local police"] <- by_type["Local police"] + sum(by_region) - sum(by_type)
by <- function(table) setNames(as.vector(table), names(table))
calibration <- c("(Intercept)" = sum(by_region), by(by_region)[-1], log_sworn = 40000)
names(calibration)[2:4] <- paste0("region", names(calibration)[2:4])
lemas_values <- every_method(design, ~FTSWORN + prepared, list(~FTSWORN, ~one), agencies$type == "Local police",
                             "region", list(region = by(by_region), type = by(by_type)), ~region + log_sworn, calibration,
                             agencies$FTSWORN + 1)

save_values("weights", list(api_file("apistrat"), api_file("apiclus1"), api_file("apiclus2"), cases_file, synthetic_file,
                            lemas_file),
            list(schools = school_values, trimming = trimming, two_steps = two_steps, cases = case_values,
                 synthetic = synthetic_values, lemas = lemas_values))
