# make report   build the report (sets up what it needs first)
# make test     set up what tests need and run them
# make help     all commands

PYTHON ?= python3
VENV   ?= .venv
CORES  ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
RUN    := $(if $(VENV),$(VENV)/bin/python,$(PYTHON))
export PYTHONPATH := $(CURDIR)/workflow

.PHONY: help report explain status changes accept archive verify compare test check quarto standin correct corrections lock wheels clean
.DEFAULT_GOAL := help

help:
	@echo "make report           build the whole report; reruns only what changed (CORES=4, LEMAS_DIR=folder; EXPLAIN=1, QUIET=1, VERBOSE=1)"
	@echo "make explain          say what a build would run at most, and why"
	@echo "make status           say whether the results are whole and current"
	@echo "make changes          say what moved since the accepted build, and what moved it (BASE=folder or package)"
	@echo "make accept           keep the current build as the base that make changes compares with"
	@echo "make archive          make the replication package in ./dist (FLAVOUR=public or restricted)"
	@echo "make verify           prove a package: checks, rebuild, comparison (ARCHIVE=file; QUICK=1, LEMAS_DIR=folder, OUT=folder)"
	@echo "make compare          say what moved in the report between two packages (A=file B=file)"
	@echo "make test             set up what tests need and run them (ARGS='-k ingest' to choose)"
	@echo "make check            format and lint checks"
	@echo "make quarto           add Quarto to the environment; later builds render with it"
	@echo "make standin          write the synthetic stand-in data anew (OUT=folder; SCALE=1000 for a thousand times the size)"
	@echo "make correct          show a record's values (FILE=part1 RECORD=id), or add a correction (see README)"
	@echo "make corrections      list the corrections and what each one moved (ID=C0001, QUICK=1)"
	@echo "make wheels           collect the packages for a machine without network, in ./wheels"
	@echo "make lock             compile requirements/*.in to pinned, hashed lists"
	@echo "make clean            remove everything that builds made, but not the environment"
	@echo "PYTHON=python3.12 names another Python; VENV= uses an activated conda environment instead of .venv"

report: setup-runtime
	@$(RUN) -m agency_survey.cli report --cores="$(CORES)" $(if $(QUIET),--mode=quiet,$(if $(VERBOSE),--mode=verbose)) $(if $(EXPLAIN),--explain)

explain status: setup-runtime
	@$(RUN) -m agency_survey.cli $@

test: setup-test
	@$(RUN) -m pytest -n logical --dist loadgroup $(ARGS)

check: setup-test
	@$(RUN) -m ruff format --check workflow tests
	@$(RUN) -m ruff check workflow tests
	@$(RUN) -m snakefmt --check Snakefile workflow/rules
	@$(RUN) -m snakemake --lint
	@$(RUN) -m codespell_lib

quarto: setup-runtime setup-quarto

standin: setup-runtime
	@$(RUN) -m agency_survey.cli standin $(if $(OUT),--out="$(OUT)") $(if $(SCALE),--scale="$(SCALE)")

# Variables of the command line are in the recipe's environment, which keeps quotes and blanks in them as typed.
given = $(if $(filter command,$(origin $(1))),--$(2)="$$$(1)")

correct: setup-runtime
	@$(RUN) -m agency_survey.cli correct $(call given,FILE,file) $(call given,RECORD,record) \
	  $(call given,VARIABLE,variable) $(call given,NEW,new) $(call given,OLD,old) $(call given,REASON,reason) \
	  $(call given,EVIDENCE,evidence) $(call given,BY,by) $(call given,DATE,date) $(call given,EXPIRES,expires) \
	  $(call given,ID,id)

corrections: setup-runtime
	@$(RUN) -m agency_survey.cli corrections $(call given,ID,id) $(if $(QUICK),--quick)

changes: setup-runtime
	@$(RUN) -m agency_survey.cli changes $(call given,BASE,base)

accept: setup-runtime
	@$(RUN) -m agency_survey.cli accept

archive: setup-runtime
	@$(RUN) -m agency_survey.cli archive $(call given,FLAVOUR,flavour)

verify: setup-runtime
	@$(RUN) -m agency_survey.cli verify $(call given,ARCHIVE,archive) --cores="$(CORES)" $(if $(QUICK),--quick) $(call given,OUT,out)

compare: setup-runtime
	@$(RUN) -m agency_survey.cli compare $(call given,A,first) $(call given,B,second)

# Packages for another machine of the same kind: copy ./wheels there before the first make.
wheels: setup-runtime
	@for list in build runtime test; do \
	  $(RUN) -m pip download --quiet --no-deps --no-build-isolation --require-hashes \
	    -r requirements/$$list.txt -d wheels || exit 1; done
	@echo "The packages are in ./wheels."

lock: setup-test
	@cd requirements && for list in runtime test; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $$list.in -o $$list.txt; done

clean:
	@rm -rf results logs benchmarks/*.tsv reports/_book .snakemake

setup-%:
	@$(if $(VENV),$(PYTHON) workflow/bootstrap.py $*)
