# Clusters, stages, corrections as rates, lonely strata, domains and two phases.
#
#   Rscript tests/reference/make_design.R <shared folder> <out folder>
#
# Writes design.json.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))

api_file <- function(name) file.path(shared, "reference", "api", paste0(name, ".csv"))
clus1 <- read.csv(api_file("apiclus1"))
clus2 <- read.csv(api_file("apiclus2"))
schools <- read.csv(api_file("apistrat"))
cases_file <- file.path(dirname(script), "cases.csv")
cases <- read.csv(cases_file)
synthetic_file <- file.path(dirname(script), "synthetic.csv")
synthetic <- read.csv(synthetic_file)

two <- function(stat) list(value = I(plain(coef(stat))), covariance = unname(as.matrix(vcov(stat))))
answers <- function(design, formula, above, below, domain) {
  part <- subset(design, domain)
  list(total = two(svytotal(formula, design)), mean = two(svymean(formula, design)),
       ratio = two(svyratio(above, below, design)), domain_total = two(svytotal(formula, part)),
       domain_mean = two(svymean(formula, part)), df = degf(design), domain_df = degf(part))
}

# ---- clusters ------------------------------------------------------------------------------------------------------

api <- function(design, rows) answers(design, ~api00 + api99 + stu, ~api00, ~api99, rows$meals < 50)
# api.stu is the number of pupils tested; enroll is missing for two schools of apiclus2
clus1$stu <- clus1$api.stu
clus2$stu <- clus2$api.stu
clus1$rate <- 15 / 757
clus2$rate1 <- 40 / 757
clus2$rate2 <- ave(clus2$snum, clus2$dnum, FUN = length) / clus2$fpc2
found <- list(
  clus1 = api(svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = clus1), clus1),
  clus1_rate = api(svydesign(id = ~dnum, weights = ~pw, fpc = ~rate, data = clus1), clus1),
  clus1_no_fpc = api(svydesign(id = ~dnum, weights = ~pw, data = clus1), clus1),
  clus2 = api(svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = clus2), clus2),
  clus2_rate = api(svydesign(id = ~dnum + snum, weights = ~pw, fpc = ~rate1 + rate2, data = clus2), clus2),
  clus2_no_fpc = api(svydesign(id = ~dnum + snum, weights = ~pw, data = clus2), clus2)
)

of_cases <- function(design) answers(design, ~victims + hours + charged, ~minors, ~victims, cases$kind == "labour")
found$cases_one <- of_cases(svydesign(id = ~agency, strata = ~stratum, weights = ~weight, fpc = ~agencies,
                                      data = cases))
found$cases_two <- of_cases(svydesign(id = ~agency + case, strata = ~stratum, weights = ~weight,
                                      fpc = ~agencies + cases, data = cases))
# strata of cases within agencies: the region of the case, with made-up sizes (more than the cases in the sample)
cases$inner <- 1 + 2 * ave(cases$victims, cases$agency, cases$region, FUN = length)
options(survey.lonely.psu = "adjust")
found$cases_inner_strata <- of_cases(svydesign(id = ~agency + case, strata = ~stratum + region, weights = ~weight,
                                               fpc = ~agencies + inner, data = cases))
options(survey.lonely.psu = "fail")

# the agencies numbered within strata: nest = TRUE
cases$number <- ave(as.numeric(factor(cases$agency)), cases$stratum, FUN = function(x) match(x, unique(x)))
found$cases_nested <- of_cases(svydesign(id = ~number + case, strata = ~stratum, weights = ~weight,
                                         fpc = ~agencies + cases, data = cases, nest = TRUE))

# ---- lonely strata -------------------------------------------------------------------------------------------------

lonely <- list()
cases$more <- cases$cases + 1
for (rule in c("adjust", "average", "certainty", "remove")) {
  options(survey.lonely.psu = rule)
  one <- svydesign(id = ~agency, strata = ~stratum, weights = ~weight, data = cases)
  without <- svydesign(id = ~1, strata = ~stratum, weights = ~weight, data = synthetic)
  lonely[[rule]] <- list(
    cases = of_cases(one),
    synthetic = answers(without, ~y + x, ~y, ~x, synthetic$stratum != "capital"),
    outside = two(svytotal(~victims + charged, subset(one, stratum %in% c("east urban", "west urban"))))
  )
  if (rule != "average") {  # R's average is not a number where a cluster has one unit
    lonely[[rule]]$second <- of_cases(svydesign(id = ~agency + case, strata = ~stratum, weights = ~weight,
                                                fpc = ~agencies + more, data = cases))
  }
}
options(survey.lonely.psu = "fail")
found$lonely <- lonely

# ---- two phases ----------------------------------------------------------------------------------------------------
# survey 4.1-1 reads the stratum sizes of the first phase from the wrong rows (Dcheck_subset is given those of all rows
# with the strata of the second phase), so its answer depends on the order of the rows where the strata differ in size.
# The first phases compared here are unstratified or have strata of one size; for the others the double sum over all
# pairs of rows is written out below.

phases <- function(design) {
  total <- svytotal(~api00 + stu, design)
  part <- attr(attr(total, "var"), "phases")
  list(total = list(value = I(plain(coef(total))), covariance = unname(as.matrix(part$phase1 + part$phase2)),
                    first = unname(as.matrix(part$phase1)), second = unname(as.matrix(part$phase2))),
       mean = two(svymean(~api00 + stu, design)), ratio = two(svyratio(~api00, ~api99, design)), df = degf(design))
}
schools$stu <- schools$api.stu
schools$size <- 6194
schools$answered <- seq_len(nrow(schools)) %% 5 != 0 & schools$meals %% 7 != 0
even <- schools[ave(schools$pw, schools$stype, FUN = seq_along) <= 50, ]
clus1$answered <- seq_len(nrow(clus1)) %% 4 != 0
clus1$class <- clus1$awards
clus2$answered <- seq_len(nrow(clus2)) %% 6 != 0
found$phases <- list(
  element = phases(twophase(id = list(~1, ~1), strata = list(NULL, ~stype), fpc = list(~size, NULL),
                            subset = ~answered, data = schools, method = "full")),
  stratified = phases(twophase(id = list(~1, ~1), strata = list(~stype, ~awards), fpc = list(~fpc, NULL),
                               subset = ~answered, data = even, method = "full")),
  clusters = phases(twophase(id = list(~dnum, ~1), strata = list(NULL, ~class), fpc = list(~fpc, NULL),
                             subset = ~answered, data = clus1, method = "full"))
)
first_of <- function(data) {
  total <- svytotal(~api00, twophase(id = list(~1, ~1), strata = list(~stype, ~awards), fpc = list(~fpc, NULL),
                                     subset = ~answered, data = data, method = "full"))
  attr(attr(total, "var"), "phases")$phase1[1, 1]
}
checks <- function(stratum, size, drawn) {  # (p_kl - p_k p_l) / p_kl of stratified simple random samples
  missed <- 1 - drawn / size
  outer(seq_along(stratum), seq_along(stratum), function(k, l) {
    ifelse(stratum[k] != stratum[l], 0, ifelse(k == l, missed[k], -missed[k] / (drawn[k] - 1)))
  })
}
schools$drawn <- ave(schools$fpc, schools$stype, FUN = length)
schools$class <- ave(schools$fpc, schools$awards, FUN = length)
part <- schools[schools$answered, ]
part$rate <- ave(part$fpc, part$awards, FUN = length) / part$class
z <- part$fpc / part$drawn / part$rate * part$api00
first <- checks(part$stype, part$fpc, part$drawn)
second <- checks(part$awards, part$class, part$rate * part$class)
found$phases$unequal <- list(
  first = sum(outer(z, z) * first * (1 - second)), second = sum(outer(z, z) * second),
  of_package = I(c(first_of(schools), first_of(schools[order(schools$snum), ])))
)

# ---- LEMAS 2020: states within strata as clusters --------------------------------------------------------------------

lemas_file <- file.path(shared, "data", "lemas", "lemas_2020.tsv")
raw <- read.delim(lemas_file, quote = "", colClasses = "character", strip.white = TRUE, fileEncoding = "latin1",
                  check.names = FALSE)[c("STATE", "STRATA", "SAMPLINGWEIGHT", "COMPLETE", "FTSWORN")]
for (name in setdiff(names(raw), "STATE")) raw[[name]] <- as.numeric(raw[[name]])
ratio <- tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE != -8), raw$STRATA, sum) /
  tapply(raw$SAMPLINGWEIGHT * (raw$COMPLETE == 1), raw$STRATA, sum)
raw <- transform(raw[raw$COMPLETE == 1, ], weight = SAMPLINGWEIGHT * plain(ratio[as.character(STRATA)]))
raw$south <- raw$STATE %in% c("AL", "FL", "GA", "MS", "NC", "SC", "TN", "TX")
raw$size <- pmax(ave(raw$weight, raw$STRATA, FUN = sum), ave(raw$weight, raw$STRATA, FUN = length))
raw$rate <- ave(raw$weight, raw$STRATA, FUN = length) / raw$size
of_lemas <- function(design) {
  part <- subset(design, south)
  list(total = two(svytotal(~FTSWORN, design)), mean = two(svymean(~FTSWORN, design)), df = degf(design),
       domain_total = two(svytotal(~FTSWORN, part)), domain_mean = two(svymean(~FTSWORN, part)), domain_df = degf(part))
}
options(survey.lonely.psu = "adjust")
found$lemas <- list(
  states = of_lemas(svydesign(id = ~STATE, strata = ~STRATA, weights = ~weight, data = raw, nest = TRUE)),
  rates = of_lemas(svydesign(id = ~1, strata = ~STRATA, weights = ~weight, fpc = ~rate, data = raw))
)

save_values("design", list(api_file("apiclus1"), api_file("apiclus2"), api_file("apistrat"), cases_file, synthetic_file,
                           lemas_file), found)
