# Replicate weights: jackknife, balanced repeated replication, Fay, bootstraps.
#
#   Rscript tests/reference/make_replicates.R <shared folder> <out folder>
#
# Writes replicates.json.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))

api_file <- function(name) file.path(shared, "reference", "api", paste0(name, ".csv"))
clus1 <- read.csv(api_file("apiclus1"))
clus2 <- read.csv(api_file("apiclus2"))
stratified <- read.csv(api_file("apistrat"))
cases_file <- file.path(dirname(script), "cases.csv")
cases <- read.csv(cases_file)
set.seed(20220101)

two <- function(stat) list(value = I(plain(coef(stat))), covariance = unname(as.matrix(vcov(stat))))
answers <- function(design, formula, above, below, model) {
  list(total = two(svytotal(formula, design)), mean = two(svymean(formula, design)),
       ratio = two(svyratio(above, below, design)),
       logit = two(svyglm(model, design, family = quasibinomial(), control = tight)), df = degf(design))
}
of_schools <- function(design) answers(design, ~api00 + meals, ~api00, ~api99, I(awards == "Yes") ~ meals)
of_cases <- function(design) answers(design, ~victims + charged, ~minors, ~victims, charged ~ hours)
raked <- function(design) {
  margins <- list(data.frame(awards = c("No", "Yes"), Freq = c(2000, 4100)),
                  data.frame(both = c("No", "Yes"), Freq = c(2200, 3900)))
  found <- rake(design, list(~awards, ~both), margins, control = list(maxit = 200, epsilon = 1e-13))
  list(total = two(svytotal(~api00 + meals, found)), mean = two(svymean(~api00 + meals, found)))
}
post <- function(design) {
  found <- postStratify(design, ~awards, data.frame(awards = c("No", "Yes"), Freq = c(2000, 4100)))
  list(total = two(svytotal(~api00 + meals, found)), mean = two(svymean(~api00 + meals, found)))
}

# ---- jackknife -------------------------------------------------------------------------------------------------------

found <- list()
one <- list(fpc = svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = clus1),
            no_fpc = svydesign(id = ~dnum, weights = ~pw, data = clus1))
found$jk1 <- lapply(one, function(design) of_schools(as.svrepdesign(design, type = "JK1")))
found$jk1$mse <- of_schools(as.svrepdesign(one$fpc, type = "JK1", mse = TRUE))
found$post <- post(as.svrepdesign(one$fpc, type = "JK1"))
found$raked <- raked(as.svrepdesign(one$fpc, type = "JK1"))
schools <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = stratified)
agencies <- svydesign(id = ~agency, strata = ~stratum, weights = ~weight, fpc = ~agencies, data = cases)
found$jkn <- list(
  schools = of_schools(as.svrepdesign(schools, type = "JKn")),
  mse = of_schools(as.svrepdesign(schools, type = "JKn", mse = TRUE)),
  cases = of_cases(as.svrepdesign(agencies, type = "JKn"))
)
for (rule in c("adjust", "average", "certainty", "remove")) {
  options(survey.lonely.psu = rule)
  design <- svydesign(id = ~agency, strata = ~stratum, weights = ~weight, data = cases)
  found$jkn[[rule]] <- of_cases(as.svrepdesign(design, type = "JKn"))
}
options(survey.lonely.psu = "fail")

# ---- balanced repeated replication -----------------------------------------------------------------------------------

pairs <- stratified[1:48, ]
pairs$stratum <- rep(1:24, each = 2)
paired <- svydesign(id = ~1, strata = ~stratum, weights = ~pw, data = pairs)
split <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = stratified)
signs <- function(matrix) apply(ifelse(matrix == 0, "-", "+"), 1, paste, collapse = "")
found$brr <- list(
  matrix_pairs = I(signs(survey:::hadamard(24))), matrix_split = I(signs(survey:::hadamard(100))),
  pairs = of_schools(as.svrepdesign(paired, type = "BRR")),
  pairs_mse = of_schools(as.svrepdesign(paired, type = "BRR", mse = TRUE)),
  fay = of_schools(as.svrepdesign(paired, type = "Fay", fay.rho = 0.3)),
  split = of_schools(as.svrepdesign(split, type = "BRR")),
  split_fay = of_schools(as.svrepdesign(split, type = "Fay", fay.rho = 0.5))
)

# ---- bootstraps: R's factors and what R makes of them ----------------------------------------------------------------

two_stage <- svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = clus2)
levels_of <- function(design) I(sort(unique(round(as.vector(weights(design, type = "replication")), 10))))
multistage <- as.svrepdesign(two_stage, type = "mrbbootstrap", replicates = 12, compress = FALSE)
many <- as.svrepdesign(two_stage, type = "mrbbootstrap", replicates = 300)
of_eight <- svydesign(id = ~1, strata = ~stratum, weights = ~pw, data = transform(pairs, stratum = (stratum - 1) %/% 4))
rescaled <- as.svrepdesign(of_eight, type = "subbootstrap", replicates = 500)
factors <- function(design) unname(as.matrix(weights(design, type = "replication")))
found$multistage <- c(of_schools(multistage), list(factors = factors(multistage), levels = levels_of(many),
                                                   scale = I(multistage$scale * multistage$rscales)))
found$rescaled <- list(levels = levels_of(rescaled), scale = I(rescaled$scale * rescaled$rscales[1:2]))

# ---- LEMAS 2020: the jackknife with certainty strata -----------------------------------------------------------------

lemas_file <- file.path(shared, "data", "lemas", "lemas_2020.tsv")
raw <- read.delim(lemas_file, quote = "", colClasses = "character", strip.white = TRUE, fileEncoding = "latin1",
                  check.names = FALSE)[c("STRATA", "SAMPLINGWEIGHT", "COMPLETE", "FTSWORN", "AGENCYSAMPTYPE")]
for (name in names(raw)) raw[[name]] <- as.numeric(raw[[name]])
ratio <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE != -8), raw$STRATA, sum) /
  tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE == 1), raw$STRATA, sum)
raw <- transform(raw[raw$COMPLETE == 1, ], weight = SAMPLINGWEIGHT * plain(ratio[as.character(STRATA)]))
# sums of rounded weights that are the count of a certainty stratum but for their last digits are that count
count <- ave(raw$weight, raw$STRATA, FUN = length)
raw$size <- ave(raw$weight, raw$STRATA, FUN = sum)
raw$size <- ifelse(abs(raw$size / count - 1) < 1e-6, count, raw$size)
lemas <- svydesign(id = ~1, strata = ~STRATA, weights = ~weight, fpc = ~size, data = raw)
jackknife <- as.svrepdesign(lemas, type = "JKn")
found$lemas <- list(total = two(svytotal(~FTSWORN, jackknife)), mean = two(svymean(~FTSWORN, jackknife)),
                    replicates = ncol(jackknife$repweights))

save_values("replicates", list(api_file("apiclus1"), api_file("apiclus2"), api_file("apistrat"), cases_file,
                            lemas_file), found)
