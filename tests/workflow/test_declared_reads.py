"""Whatever a job reads inside the project is declared: else a change of it would rerun nothing. All jobs of a whole build."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest

from agency_survey import jobs

pytestmark = pytest.mark.build
# Runs at the start of every Python of the build; notes the files that it opens to read.
HOOK = """
import atexit, json, os, sys
if os.environ.get("READS"):
    found = set()
    def note(event, args):
        if event == "open" and isinstance(args[0], str) and not args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            found.add(os.path.abspath(args[0]))
    def keep():
        with open(os.path.join(os.environ["READS"], f"{os.getpid()}.json"), "w") as stream:
            json.dump([sys.argv, sorted(found)], stream)
    atexit.register(keep)
    sys.addaudithook(note)
"""


def test_every_file_that_a_job_reads_is_among_its_inputs(fresh, tmp_path):
    hook, reads = tmp_path / "hook", tmp_path / "reads"
    hook.mkdir()
    reads.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK)
    path = os.pathsep.join([str(fresh.folder / "workflow"), str(hook)])
    done = fresh.report("--cores", "2", PYTHONPATH=path, READS=str(reads))
    assert done.returncode == 0, done.stderr
    records = [json.loads(one.read_text()) for one in (fresh.folder / jobs.FOLDER).glob("[!_]*.json")]
    # The command of a record names the LEMAS files by LEMAS_DIR; a process, where they are.
    folder = str(fresh.lemas) if fresh.lemas else "no such folder"
    by_command = {tuple(shlex.split(one["command"].split(" 2> ")[0])[1:]): one for one in records}
    seen = {}
    for one in reads.glob("*.json"):
        argv, names = json.loads(one.read_text())
        record = by_command.get(tuple(word.replace(folder, jobs.EXTERNAL) for word in argv))
        if record is None:
            continue  # the build itself
        inside = {_source(os.path.relpath(name, fresh.folder)) for name in names if name.startswith(f"{fresh.folder}/")}
        inside = {name for name in inside if (fresh.folder / name).is_file()}  # no folders, nothing temporary
        seen[".".join([record["rule"], *record["wildcards"]])] = inside - record["inputs"].keys()
        assert len(inside) > 3, f"the reads of {record['rule']} were not seen"
    assert seen.keys() == {".".join([one["rule"], *one["wildcards"]]) for one in records}
    assert {name: sorted(some) for name, some in seen.items() if some} == {}


def _source(name: str) -> str:
    """The module of a compiled file."""
    return re.sub(r"__pycache__/([^/.]+)\.[^/]*\.pyc$", r"\1.py", name)
