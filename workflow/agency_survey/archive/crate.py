"""The payload's description as a Workflow Run RO-Crate (provenance profile), by the library ``rocrate``; and its check.

Actions have no startTime and endTime here, though the profile recommends them: the true ones differ from run to run, the
package's bytes must not, and a made-up time would be false. The true times are in the file beside the package
(``…-run.json``), whose entries have the same identifiers, so that the two can be merged.
"""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path, PurePosixPath
from typing import Any

from agency_survey.archive import descriptions

METADATA = "ro-crate-metadata.json"
VERSION = "1.2"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
# The run profiles build on RO-Crate 1.1, whose demands a crate of 1.2 meets too.
DESCRIBED_BY = (
    "https://w3id.org/ro/crate/1.2",
    "https://w3id.org/ro/crate/1.1",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
COMPUTATION = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
DONE = "http://schema.org/CompletedActionStatus"
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
WORKFLOW = "Snakefile"
TYPES = {
    ".qmd": "text/markdown", ".md": "text/markdown", ".parquet": "application/vnd.apache.parquet", ".smk": "text/plain",
    ".yaml": "application/yaml", ".yml": "application/yaml", ".cff": "application/yaml", ".bib": "application/x-bibtex",
    ".toml": "application/toml", ".lua": "text/plain", ".typ": "text/plain", ".R": "text/plain", ".in": "text/plain",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".js": "text/javascript",
    ".py": "text/x-python", ".csv": "text/csv", ".json": "application/json", ".html": "text/html", ".css": "text/css",
    ".png": "image/png", ".pdf": "application/pdf", ".xml": "application/xml", ".txt": "text/plain",
}  # fmt: skip


def action_id(name: str) -> str:
    """Identifier of a job's action, the same in the package and in the file beside it."""
    return f"#job-{name}"


def build(folder: Path, kinds: dict[str, str], jobs: list[dict], about: dict[str, Any]) -> dict:
    """Metadata of the crate whose root is ``folder``. kinds : what each payload file is; jobs : stable records;
    about : name, description, version, date, license, authors, commit, external (by path: title and how to get it)."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)

    def add(ident: str, **properties: Any) -> ContextEntity:
        return crate.add(ContextEntity(crate, ident, properties=properties))

    root = crate.root_dataset
    for name, words in descriptions.LICENCES.items():
        add(descriptions.SPDX + name, **{"@type": "CreativeWork", "name": name, "description": f"licence of {words}"})
    for uri, name in PROFILES.items():
        add(uri, **{"@type": ["CreativeWork", "Profile"], "name": name, "version": uri.rsplit("/", 1)[1]})
    people = [
        add(f"#author-{n}", **{"@type": "Organization", "name": one}) for n, one in enumerate(about["authors"], 1)
    ]
    language = add(SNAKEMAKE, **{"@type": "ComputerLanguage", "name": "Snakemake", "version": about["snakemake"],
                                    "identifier": {"@id": "https://snakemake.readthedocs.io"}, "url": {"@id": "https://snakemake.readthedocs.io"}})  # fmt: skip
    add("https://snakemake.readthedocs.io", **{"@type": "WebSite", "name": "Snakemake"})
    python = add(
        "#python",
        **{
            "@type": "ComputerLanguage",
            "name": "Python",
            "version": about["python"],
            "url": {"@id": "https://www.python.org"},
        },
    )
    add("https://www.python.org", **{"@type": "WebSite", "name": "Python"})
    files = {name: _file(crate, folder, name, kind, about["license"]) for name, kind in sorted(kinds.items())}
    for path, known in about["external"].items():
        files[path] = add(f"#{path}", **{"@type": "CreativeWork", "name": known["title"], "description": known["obtain"], "sha256": known["sha256"],
                                         "conditionsOfAccess": known["terms"]})  # fmt: skip
    for name in files:
        if name.startswith("workflow/scripts/"):
            files[name]["programmingLanguage"] = python
        if name in ("README.md", "README.pdf"):
            files[name]["about"] = root
    actions = _workflow(crate, files[WORKFLOW], language, jobs, files, about | {"agent": people[0]}, add)
    root["name"], root["description"] = about["title"], about["description"]
    root["datePublished"], root["version"] = about["date"], about["version"]
    root["license"] = {"@id": descriptions.SPDX + about["license"]}
    root["author"] = people
    root["identifier"] = about["identifier"]
    root["conformsTo"] = [{"@id": uri} for uri in PROFILES]
    root["mainEntity"] = files[WORKFLOW]
    root["mentions"] = actions
    crate.metadata["conformsTo"] = [{"@id": uri} for uri in DESCRIBED_BY]
    crate.metadata.extra_contexts.append(CONTEXT)
    return _ordered(crate.metadata.generate())


def _file(crate, folder: Path, name: str, kind: str, licence: str):
    from rocrate.model.file import File

    path = folder / name
    ending = PurePosixPath(name).suffix
    properties = {
        "name": PurePosixPath(name).name,
        "description": kind,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": TYPES.get(ending) or mimetypes.guess_type(name)[0] or "text/plain",
    }
    if name == WORKFLOW:
        properties["@type"] = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    elif name.startswith("workflow/scripts/"):
        properties["@type"] = ["File", "SoftwareSourceCode"]
        properties["license"] = {"@id": descriptions.SPDX + licence}
        properties["version"] = "as packaged"
    return crate.add(File(crate, str(path), dest_path=name, properties=properties))


def _workflow(crate, workflow, language, jobs: list[dict], files: dict, about: dict, add) -> list:
    """The workflow with a step for each rule, and its run: one action for the whole, one for each job; returns them."""
    scripts = {job["rule"]: f"workflow/scripts/{job['rule']}.py" for job in jobs}
    rules = list(scripts)
    steps = {
        rule: add(
            f"#step-{rule}",
            **{"@type": "HowToStep", "name": rule, "position": str(n), "workExample": files[scripts[rule]]},
        )
        for n, rule in enumerate(rules, 1)
    }
    made = {name for job in jobs for name in job["outputs"]}
    data = [n for job in jobs for n in job["inputs"] if n not in made and (n.startswith(("data/", "LEMAS_DIR/")))]
    data = [files[name] for name in dict.fromkeys(data) if name in files]
    book = [files[name] for name in sorted(made) if name.startswith("reports/_book/") and name in files]
    ledger = [files[n] for n in ("results/ledger/numbers.json",) if n in files]
    put_in = add(
        "#input-data",
        **{
            "@type": "FormalParameter",
            "conformsTo": {"@id": PARAMETER},
            "additionalType": "File",
            "name": "data",
            "valueRequired": "True",
            "multipleValues": "True",
        },
    )
    put_out = add(
        "#output-book",
        **{
            "@type": "FormalParameter",
            "conformsTo": {"@id": PARAMETER},
            "additionalType": "File",
            "name": "book and numbers",
            "multipleValues": "True",
        },
    )
    for one in data:
        one["exampleOfWork"] = put_in
    for one in [*book, *ledger]:
        one["exampleOfWork"] = put_out
    workflow["name"], workflow["programmingLanguage"] = about["title"], language
    workflow["conformsTo"] = {"@id": COMPUTATION}
    workflow["license"] = {"@id": descriptions.SPDX + about["license"]}
    workflow["version"], workflow["sha256"] = about["version"], about["digests"][WORKFLOW]
    workflow["step"], workflow["input"], workflow["output"] = list(steps.values()), [put_in], [put_out]
    workflow["hasPart"] = [files[name] for name in scripts.values()]
    engine = add(
        "#engine",
        **{
            "@type": "SoftwareApplication",
            "name": "Snakemake",
            "version": about["snakemake"],
            "url": {"@id": "https://snakemake.readthedocs.io"},
        },
    )
    agent = about["agent"]
    actions = []
    controls = []
    for job in jobs:
        script = files[scripts[job["rule"]]]
        action = add(action_id(job["name"]), **{
            "@type": "CreateAction", "name": job["name"], "description": job["command"], "instrument": script, "agent": agent,
            "object": [files[name] for name in job["inputs"] if name in files],
            "result": [files[name] for name in job["outputs"] if name in files] or [_withheld(add, job)],
            "actionStatus": DONE,
        })  # fmt: skip
        actions.append(action)
        controls.append(
            add(
                f"#control-{job['name']}",
                **{
                    "@type": "ControlAction",
                    "name": f"step {job['rule']}",
                    "instrument": steps[job["rule"]],
                    "object": action,
                },
            )
        )
    run = add("#run", **{
        "@type": "CreateAction", "name": f"build of version {about['version']}", "instrument": workflow, "object": data,
        "description": "make report: everything from the raw files to the book", "result": [*book, *ledger], "agent": agent,
        "actionStatus": DONE,
    })  # fmt: skip
    organized = add(
        "#orchestration",
        **{
            "@type": "OrganizeAction",
            "name": "execution by Snakemake",
            "instrument": engine,
            "agent": agent,
            "object": controls,
            "result": run,
        },
    )
    return [run, organized, *actions]


def _withheld(add, job: dict):
    """Stands for outputs that are not in the package, such as records of files that may not be passed on."""
    return add(
        f"#withheld-{job['name']}",
        **{
            "@type": "CreativeWork",
            "name": f"outputs of {job['name']}",
            "description": "not in the package: " + ", ".join(job["outputs"]),
        },
    )


def _ordered(metadata: dict) -> dict:
    """The metadata with entities and lists of references in a fixed order; a list of one is written as the one."""
    head = {METADATA: 0, "./": 1}
    graph = sorted(metadata["@graph"], key=lambda one: (head.get(one["@id"], 2), one["@id"]))
    for one in graph:
        if isinstance(one.get("hasPart"), list):
            one["hasPart"] = sorted(one["hasPart"], key=lambda ref: ref["@id"])
        one |= {key: value[0] for key, value in one.items() if isinstance(value, list) and len(value) == 1}
    return {"@context": metadata["@context"], "@graph": graph}


def problems(text: str, names: set[str]) -> list[str]:
    """What of the profiles' requirements a crate's metadata does not meet. names : payload files."""
    try:
        metadata = json.loads(text)
        by_id = {one["@id"]: one for one in metadata["@graph"]}
    except (ValueError, KeyError, TypeError):
        return [f"{METADATA} is no JSON-LD document with a graph."]
    said = []
    if len(by_id) != len(metadata["@graph"]):
        said.append(f"{METADATA} describes something twice.")
    head, root = by_id.get(METADATA, {}), by_id.get("./", {})
    if _ids(head.get("about")) != ["./"] or not set(DESCRIBED_BY) <= set(_ids(head.get("conformsTo"))):
        said.append(f"{METADATA} does not describe itself as an RO-Crate.")
    said += [
        f"The crate's root has no {key}."
        for key in ("name", "description", "datePublished", "license")
        if not root.get(key)
    ]
    if "Dataset" not in _list(root.get("@type")):
        said.append("The crate's root is no Dataset.")
    said += [
        f"The crate does not conform to {name}."
        for uri, name in PROFILES.items()
        if uri not in _ids(root.get("conformsTo"))
    ]
    main = by_id.get(next(iter(_ids(root.get("mainEntity"))), ""), {})
    if not {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"} <= set(_list(main.get("@type"))):
        said.append("The crate's mainEntity is no workflow file.")
    said += [f"The workflow has no {key}." for key in ("programmingLanguage", "license", "step") if not main.get(key)]
    said += _graph_problems(by_id, main, root)
    listed = {ident for ident in by_id if "File" in _list(by_id[ident].get("@type"))}
    said += [f"{name} is described in {METADATA} and not in the package." for name in sorted(listed - names)]
    said += [f"{name} is not described in {METADATA}." for name in sorted(names - listed - {METADATA})]
    said += [
        f"{name} is a file of the crate that its root does not have as a part."
        for name in sorted(listed - set(_ids(root.get("hasPart"))))
    ][:5]
    return said


def _graph_problems(by_id: dict[str, dict], main: dict, root: dict) -> list[str]:
    said = []
    actions = {i: one for i, one in by_id.items() if "CreateAction" in _list(one.get("@type"))}
    if not any(main.get("@id") in _ids(one.get("instrument")) for one in actions.values()):
        said.append("No action is a run of the workflow.")
    said += [
        f"The crate's root does not mention the action {one}."
        for one in sorted(set(actions) - set(_ids(root.get("mentions"))))
    ][:5]
    for ident, one in actions.items():
        said += [
            f"The action {ident} has no {key}." for key in ("instrument", "object", "result") if not _ids(one.get(key))
        ]
    controlled = {
        ref for one in by_id.values() if "ControlAction" in _list(one.get("@type")) for ref in _ids(one.get("object"))
    }
    said += [
        f"The action {ident} is of no step."
        for ident, one in actions.items()
        if main.get("@id") not in _ids(one.get("instrument")) and ident not in controlled
    ]
    if not any("OrganizeAction" in _list(one.get("@type")) for one in by_id.values()):
        said.append("No action organizes the run.")
    lost = sorted(
        {ref for one in by_id.values() for key, value in one.items() if key != "@type" for ref in _ids(value)}
        - set(by_id)
    )
    lost = [ref for ref in lost if not ref.startswith(("http://", "https://"))]
    return said + [f"{METADATA} refers to {ref}, which it does not describe." for ref in lost]


def _list(value: Any) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]


def _ids(value: Any) -> list[str]:
    return [one["@id"] for one in _list(value) if isinstance(one, dict) and "@id" in one]


def run_entries(measured: dict, package: str) -> dict:
    """The measured part of the run as JSON-LD with the identifiers of the package's actions."""
    graph = [
        {"@id": action_id(job["name"]), "@type": "CreateAction", "startTime": job["start"], "endTime": job["end"],
         "seconds": job["seconds"], "peak_mb": job["peak_mb"]}
        for job in measured["jobs"]
    ]  # fmt: skip
    return {
        "@context": f"https://w3id.org/ro/crate/{VERSION}/context",
        "package": package,
        "machine": measured["machine"],
        "@graph": graph,
    }
