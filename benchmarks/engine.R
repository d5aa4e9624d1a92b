# One step of the engine benchmark with R's survey package, in a process of its own: called by engine.py as
#   Rscript engine.R <folder with the columns> <step> <seconds to spend>
# Prints one line of JSON like engine_worker.py.

suppressPackageStartupMessages(library(survey))
options(digits = 15)
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
step <- arguments[2]
budget <- as.numeric(arguments[3])

memory <- function(field) {
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

ys <- paste0("y", 1:20)
xs <- paste0("y", 1:10)
margins <- c("m1", "m2", "m3")
of <- list("set-up" = c(), "means by domain" = c(ys, "domain"), "totals" = ys, "Rao-Scott" = c("row", "column"),
           "logistic" = c(xs, "outcome"), "raking" = margins, "bootstrap" = ys)
codes <- c("stratum", "psu", "domain", "row", "column", margins)

empty <- memory("VmRSS")
size <- 0
columns <- list()
for (name in c("weight", "stratum", "psu", of[[step]])) {
  path <- file.path(folder, paste0(name, ".bin"))
  value <- readBin(path, "double", n = file.size(path) / 8)
  size <- size + 8 * length(value) / 2^20
  columns[[name]] <- if (name %in% codes) as.integer(value) else value
}
data <- as.data.frame(columns)
rm(columns, value)

set_up <- function() svydesign(id = ~psu, strata = ~stratum, weights = ~weight, data = data, nest = TRUE)
both <- function(stat) c(coef(stat), SE(stat))
if (step != "set-up") design <- set_up()
y <- reformulate(ys)
known <- function(name) {
  count <- as.data.frame(table(data[[name]]))
  names(count) <- c(name, "Freq")
  count[[name]] <- as.integer(as.character(count[[name]]))
  count$Freq <- count$Freq * sum(data$weight) / nrow(data)
  count
}
if (step == "raking") totals <- lapply(margins, known)

run <- switch(step,
  "set-up" = set_up,
  "means by domain" = function() svyby(y, ~domain, design, svymean),
  "totals" = function() svytotal(y, design),
  "Rao-Scott" = function() svychisq(~ row + column, design, statistic = "F"),
  "logistic" = function() svyglm(reformulate(xs, "outcome"), design, family = quasibinomial()),
  "raking" = function() rake(design, lapply(margins, reformulate), totals, control = list(maxit = 1000, epsilon = 1e-10)),
  "bootstrap" = function() {
    set.seed(1)
    svymean(y, as.svrepdesign(design, type = "subbootstrap", replicates = 500))
  })
values <- switch(step,
  "set-up" = function(d) degf(d),
  "means by domain" = function(r) c(unlist(r[1, ys]), unlist(SE(r)[1, ])),
  "totals" = both,
  "Rao-Scott" = function(r) r$statistic,
  "logistic" = both,
  "raking" = function(d) sum(weights(d)^2),
  "bootstrap" = both)

invisible(gc())
cat("5", file = "/proc/self/clear_refs")
seconds <- c()
while (length(seconds) == 0 || (length(seconds) < 7 && sum(seconds) < budget)) {
  result <- NULL
  seconds <- c(seconds, system.time(result <- run())[["elapsed"]])
}
peak <- memory("VmHWM") - empty
list_of <- function(x) paste0("[", paste(formatC(as.numeric(x), digits = 17, format = "g", width = 1), collapse = ", "), "]")
cat(sprintf('{"seconds": %s, "peak": %f, "data": %f, "version": "%s", "check": %s}\n', list_of(seconds), peak, size,
            paste(packageVersion("survey"), "in R", getRversion()), list_of(values(result))))
