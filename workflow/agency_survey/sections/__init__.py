"""One module a section of the report: pure functions from analysis tables to estimates, exhibits and wording."""
