# Common part of the scripts that take reference values from R's survey package. Each script starts with
#
#   source("<this folder>/common.R")
#
# and is run as   Rscript tests/reference/make_<name>.R <shared folder> <out folder>
# It needs R with the package survey and its dependencies, nothing else; the tests themselves never need R. What is
# written: versions, SHA-256 digests of the inputs and of both scripts, and aggregate values with 17 significant digits.
# No record and no identifier of any input is written.

suppressPackageStartupMessages(library(survey))
options(survey.lonely.psu = "fail", warn = 1)

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("usage: Rscript make_<name>.R <shared folder> <out folder>")
shared <- arguments[1]
out <- arguments[2]
script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
level <- 0.95
tight <- list(epsilon = 1e-14, maxit = 100)

# ---- JSON and digests ----------------------------------------------------------------------------------------------

quoted <- function(text) paste0("\"", gsub("\"", "\\\"", gsub("\\", "\\\\", text, fixed = TRUE), fixed = TRUE), "\"")

atom <- function(x) {
  if (is.na(x)) "null"
  else if (is.character(x)) quoted(x)
  else if (is.logical(x)) tolower(as.character(x))
  else if (!is.finite(x)) stop("a value is infinite")
  else formatC(x, digits = 17, format = "g", width = 1)
}

json <- function(x, indent = "") {
  inner <- paste0(indent, " ")
  if (is.matrix(x)) return(json(lapply(seq_len(nrow(x)), function(i) I(as.vector(x[i, ]))), indent))
  if (is.list(x) && !is.null(names(x))) {
    parts <- mapply(function(name, value) paste0(inner, quoted(name), ": ", json(value, inner)), names(x), x)
    return(paste0("{\n", paste(parts, collapse = ",\n"), "\n", indent, "}"))
  }
  if (is.list(x)) {
    parts <- vapply(x, function(value) paste0(inner, json(value, inner)), "")
    return(paste0("[\n", paste(parts, collapse = ",\n"), "\n", indent, "]"))
  }
  if (length(x) == 1 && !inherits(x, "AsIs")) return(atom(x))
  paste0("[", paste(vapply(unclass(unname(x)), atom, ""), collapse = ", "), "]")
}

sha256 <- function(path) {
  tool <- if (nzchar(Sys.which("sha256sum"))) "sha256sum" else "shasum -a 256"
  substr(system(paste(tool, shQuote(path)), intern = TRUE), 1, 64)
}

save_values <- function(name, inputs, values) {
  head <- list(
    made_with = list(R = R.version.string, survey = as.character(packageVersion("survey"))),
    script = sha256(script),
    common = sha256(file.path(dirname(script), "common.R")),
    inputs = setNames(lapply(inputs, sha256), basename(unlist(inputs)))
  )
  connection <- file(file.path(out, paste0(name, ".json")), open = "wb", encoding = "UTF-8")
  writeLines(json(c(head, list(values = values))), connection, sep = "\n", useBytes = TRUE)
  close(connection)
}

# ---- what is taken from each estimate ------------------------------------------------------------------------------

plain <- function(x) unname(as.vector(x))

estimated <- function(stat, df) {
  limits <- confint(stat, level = level, df = df)
  list(value = I(plain(coef(stat))), covariance = unname(as.matrix(vcov(stat))),
       low = I(plain(limits[, 1])), high = I(plain(limits[, 2])), df = df)
}

share <- function(formula, design) {
  found <- svymean(formula, design)
  p <- plain(coef(found))
  row <- list(share = p, se = plain(SE(found)), low = NA, high = NA, n = nrow(design), df = degf(design))
  if (p > 0 && p < 1) {
    limits <- plain(attr(svyciprop(formula, design, method = "logit", level = level, control = tight), "ci"))
    row$low <- limits[1]
    row$high <- limits[2]
  }
  row
}

regression <- function(fit, terms, x) {
  test <- regTermTest(fit, terms, method = "Wald")
  at <- as.matrix(x) %*% coef(fit)
  se <- sqrt(diag(as.matrix(x) %*% vcov(fit) %*% t(as.matrix(x))))
  half <- qt(0.5 + level / 2, fit$df.residual) * se
  table <- summary(fit)$coefficients
  list(coefficients = I(plain(coef(fit))), covariance = unname(vcov(fit)), t = I(plain(table[, 3])),
       p = I(plain(table[, 4])), df = fit$df.residual, n = length(fit$y),
       wald = list(F = plain(test$Ftest), df = test$df, df_residual = test$ddf, p = plain(test$p)),
       predicted = I(plain(plogis(at))), predicted_low = I(plain(plogis(at - half))),
       predicted_high = I(plain(plogis(at + half))))
}
