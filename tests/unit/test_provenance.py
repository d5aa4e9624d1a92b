"""Records of jobs against files: which jobs are stale, which only may be, and why."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from agency_survey import provenance
from agency_survey.errors import InputError
from agency_survey.jobs import Job, _in_order
from agency_survey.provenance import Cause, Records


def job(rule: str, inputs: str, outputs: str, settings: dict | None = None, wildcards: tuple[str, ...] = ()) -> Job:
    given = f" --settings '{json.dumps(settings)}'" if settings is not None else ""
    return Job(rule, wildcards, tuple(inputs.split()), tuple(outputs.split()), f"python {rule}.py{given}")


CLEAN = job("clean", "raw.csv code.py", "results/clean/all.csv")
WEIGHT = job("weight", "results/clean/all.csv", "results/weight/w.csv", {"cap": 3, "raking": {"size": True}})
SECTION = job("section", "results/weight/w.csv text.md", "results/section/numbers.json")
RENDER = job("render", "results/section/numbers.json", "results/render/book.html")
JOBS = [CLEAN, WEIGHT, SECTION, RENDER]


class Folder:
    """A project folder whose jobs copy their inputs' text in capitals."""

    def __init__(self, root):
        self.root = root
        for name in ("raw.csv", "code.py", "text.md"):
            self.write(name, f"content of {name}")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def records(self) -> Records:
        return Records(self.root, SimpleNamespace(path=lambda name: os.path.join(self.root, name)))

    def run(self, *found: Job) -> None:
        records = self.records()
        for one in found:
            before = records.inputs(one)
            for name in one.outputs:
                self.write(name, name + "".join((self.root / part).read_text().upper() for part in one.inputs))
            records.keep(one, before, "as asked", 0.1)

    def states(self, found=JOBS) -> str:
        """First letters of the jobs' states, in order: 'cspp'."""
        return "".join(state[0] for state in self.records().compare(list(found)).state.values())


@pytest.fixture
def folder(tmp_path) -> Folder:
    made = Folder(tmp_path)
    made.run(*JOBS)
    return made


def test_what_was_just_built_is_current(folder):
    assert folder.states() == "cccc"


def test_times_do_not_count(folder):
    for path in folder.root.rglob("*"):
        os.utime(path, (1, 1) if path.name == "raw.csv" else None)
    assert folder.states() == "cccc"


def test_a_changed_input_makes_its_job_stale_and_what_follows_possibly_stale(folder):
    folder.write("raw.csv", "corrected")
    assert folder.states() == "sppp"
    assert folder.records().compare(JOBS).causes["clean"] == [Cause("changed", "raw.csv")]


def test_a_job_whose_outputs_come_out_the_same_ends_the_chain(folder):
    folder.write("code.py", "CONTENT OF CODE.PY")  # the job writes capitals, so its output does not change
    assert folder.states() == "sppp"
    folder.run(CLEAN)
    assert folder.states() == "cccc"


def test_a_changed_output_goes_on_to_the_next_job_only(folder):
    folder.write("raw.csv", "corrected")
    folder.run(CLEAN)
    assert folder.states() == "cspp"


def test_ready_are_stale_jobs_that_wait_for_nothing_unsure(folder):
    folder.write("raw.csv", "corrected")
    folder.write("text.md", "new prose")
    state = folder.records().compare(JOBS)
    assert folder.states() == "spsp"
    assert [one.name for one in state.ready()] == ["clean"]  # the section waits to see whether weights change
    folder.write("raw.csv", "content of raw.csv")
    assert [one.name for one in folder.records().compare(JOBS).ready()] == ["section"]


def test_without_any_record_all_jobs_are_ready_at_once(tmp_path):
    folder = Folder(tmp_path)
    assert folder.states() == "ssss"
    assert len(folder.records().compare(JOBS).ready()) == 4


def test_altered_and_deleted_outputs_are_made_again_and_nothing_else(folder):
    whole = (folder.root / "results/weight/w.csv").read_bytes()
    folder.write("results/weight/w.csv", "tampered")
    assert folder.states() == "cspp"
    assert folder.records().compare(JOBS).causes["weight"] == [Cause("altered", "results/weight/w.csv")]
    (folder.root / "results/weight/w.csv").unlink()
    assert folder.records().compare(JOBS).causes["weight"] == [Cause("missing", "results/weight/w.csv")]
    folder.run(WEIGHT)
    assert (folder.root / "results/weight/w.csv").read_bytes() == whole
    assert folder.states() == "cccc"


def test_a_setting_is_named_with_its_old_and_new_value(folder):
    other = job("weight", "results/clean/all.csv", "results/weight/w.csv", {"cap": 3, "raking": {"size": False}})
    state = folder.records().compare([CLEAN, other, SECTION, RENDER])
    assert state.causes["weight"] == [Cause("setting", "raking.size", "true", "false")]
    assert state.causes["weight"][0].words() == "setting raking.size: true to false"


def test_new_and_lost_inputs_are_causes(folder):
    folder.write("more.csv", "more")
    more = job("clean", "raw.csv more.csv", "results/clean/all.csv")
    causes = folder.records().compare([more, WEIGHT, SECTION, RENDER]).causes["clean"]
    assert causes == [Cause("removed", "code.py"), Cause("added", "more.csv")]


def test_a_damaged_record_only_makes_its_job_run_again(folder):
    (folder.root / "results/provenance/weight.json").write_text("{cut")
    assert folder.states() == "cspp"


def test_an_input_that_changes_while_its_job_runs_leaves_no_record(folder):
    records = folder.records()
    before = records.inputs(CLEAN)
    folder.write("raw.csv", "saved by somebody in the meantime")
    records.keep(CLEAN, before, "as asked", 0.1)
    assert folder.states() == "sppp"
    assert not (folder.root / "results/provenance/clean.json").exists()


def test_results_of_rules_that_are_gone_are_removed(folder):
    removed = folder.records().forget([CLEAN, WEIGHT])
    assert removed == ["results/render/book.html", "results/section/numbers.json"]
    assert not (folder.root / "results/section/numbers.json").exists()
    assert not (folder.root / "results/provenance/section.json").exists()
    renamed = job("weight", "results/clean/all.csv", "results/weight/weights.csv")
    assert folder.records().forget([CLEAN, renamed]) == ["results/weight/w.csv"]


def test_a_job_that_snakemake_left_out_for_want_of_an_input_is_refused_with_the_input(folder):
    (folder.root / "raw.csv").unlink()
    with pytest.raises(InputError, match=r"rule clean needs files that are not there: raw\.csv"):
        folder.records().whole([WEIGHT, SECTION, RENDER])


def test_digest_of_all_changes_with_any_output_and_not_with_times(folder):
    first = folder.records().digest_of_all(JOBS)
    folder.run(*JOBS)
    assert folder.records().digest_of_all(JOBS) == first
    folder.write("text.md", "other words")
    folder.run(SECTION, RENDER)
    assert folder.records().digest_of_all(JOBS) != first


def test_status_says_when_no_build_has_finished(tmp_path):
    assert provenance.status(tmp_path) == ["No build has finished here; `make report` builds or goes on."]


def test_jobs_are_put_after_those_that_they_read():
    assert [one.name for one in _in_order([RENDER, SECTION, WEIGHT, CLEAN])] == ["clean", "weight", "section", "render"]


def test_reasons_name_every_file_for_the_record_and_what_fits_on_a_line_of_the_terminal():
    names = [f"workflow/agency_survey/disclosure/{name}.py" for name in ("rules", "watch", "published", "catalogue")]
    causes = [Cause("changed", name) for name in names] + [Cause("missing", "results/perceptions/numbers.json")]
    said = provenance.reason(causes)
    assert all(cause.what in said for cause in causes)
    assert said.endswith("catalogue.py changed; results/perceptions/numbers.json is not there")
    assert provenance.brief(causes) == "rules.py, watch.py and published.py changed; 2 more"
    assert provenance.brief(causes[:1]) == "rules.py changed"
    assert provenance.brief(causes[-1:]) == "perceptions/numbers.json is not there"
    both = [Cause("missing", "a.md"), Cause("missing", "b.md"), Cause("setting", "level", "0.9", "0.95")]
    assert provenance.brief(both) == "a.md and b.md are not there; setting level: 0.9 to 0.95"
    assert len(provenance.brief([Cause("changed", "x" * 20 + str(at)) for at in range(9)])) <= 58


def test_many_lost_results_of_a_job_are_counted(folder):
    job = Job("section", (), (), tuple(f"results/section/{name}" for name in "abcd"), "x")
    state = provenance.State([job], {"section": "stale"}, {"section": [Cause("missing", name) for name in job.outputs]})
    (line,) = provenance._said(state)
    assert line == "4 results are not there, among them results/section/a and results/section/b"
