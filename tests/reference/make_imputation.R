# Reference values for Rubin's rules. Beyond what common.R needs: the packages mitools (pooled values, covariances,
# infinite degrees of freedom), mice (Barnard and Rubin's degrees of freedom) and mitml (the test D1).
# Five completed copies of R's stratified sample of schools are made by rule, not by chance, so that the tests can make
# the same ones: in every second row the enrolment, the share of mobile pupils and the score are moved by a sine.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))), "common.R"))
suppressPackageStartupMessages({
  library(mitools)
  library(mice)
  library(mitml)
})

path <- file.path(shared, "reference", "api", "apistrat.csv")
schools <- read.csv(path)
i <- seq_len(nrow(schools))
moved <- i %% 2 == 0
copies <- lapply(1:5, function(j) {
  copy <- schools
  copy$enroll <- ifelse(moved, schools$enroll * (1 + 0.9 * sin(i * j)), schools$enroll)
  copy$mobility <- ifelse(moved, schools$mobility + 20 * sin(2 * i * j), schools$mobility)
  copy$api00 <- ifelse(moved, schools$api00 + 200 * sin(3 * i * j), schools$api00)
  copy$wide <- as.numeric(schools$sch.wide == "Yes")
  copy
})
design <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = imputationList(copies))
complete <- degf(design$designs[[1]])

pooled <- function(fits, df) {
  q <- lapply(fits, coef)
  u <- lapply(fits, function(fit) as.matrix(vcov(fit)))
  all <- MIcombine(q, u)
  k <- length(q[[1]])
  name <- paste0("q", seq_len(k))
  each <- lapply(seq_len(k), function(at) {
    mice::pool.scalar(sapply(q, `[`, at), sapply(u, function(v) v[at, at]), n = df, k = 0)
  })
  d1 <- function(at, df.com) {
    qhat <- sapply(q, function(v) setNames(v, name))
    if (k == 1) qhat <- matrix(qhat, 1, dimnames = list(name, NULL))
    uhat <- array(unlist(u), c(k, k, length(q)), dimnames = list(name, name, NULL))
    test <- testConstraints(qhat = qhat, uhat = uhat, constraints = name[at], method = "D1", df.com = df.com)$test
    list(F = test[1, 1], df = test[1, 2], df_residual = test[1, 3], p = test[1, 4])
  }
  tested <- seq_len(k)[-1]
  if (!length(tested)) tested <- 1
  list(value = I(plain(coef(all))), covariance = unname(as.matrix(vcov(all))), infinite_df = I(plain(all$df)),
       infinite_missing = I(plain(all$missinfo)), df = I(sapply(each, `[[`, "df")),
       missing = I(sapply(each, `[[`, "fmi")), increase = I(sapply(each, `[[`, "r")),
       complete_df = df, tested = I(tested - 1), d1 = d1(tested, df), d1_infinite = d1(tested, NULL))
}

logit <- with(design, svyglm(wide ~ mobility + ell + meals, family = quasibinomial(), control = tight))
values <- list(
  means = pooled(with(design, svymean(~ enroll + mobility + api00)), complete),
  totals = pooled(with(design, svytotal(~ enroll + mobility)), complete),
  ratio = pooled(with(design, svyratio(~api.stu, ~enroll)), complete),
  logit = pooled(logit, logit[[1]]$df.residual),
  versions = list(mitools = as.character(packageVersion("mitools")), mice = as.character(packageVersion("mice")),
                  mitml = as.character(packageVersion("mitml")))
)
save_values("imputation", list(path), values)
