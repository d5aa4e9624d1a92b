"""The graph of rules: who reads what from whom, worked out from the inputs and outputs that the rules declare.

Standard library only: the rules file imports this when Snakemake plans the build.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agency_survey.errors import InputError

CODE = ("script", "lib", "pins", "schemas")  # inputs that are program and not data; they do not enter the graph
EXTERNAL = "LEMAS_DIR"
DATA = ("data/", "benchmarks/")


@dataclass
class Rule:
    """One rule: needs (rule -> files read of it), reads (files that no rule makes), makes (files), shows (its exhibits)."""

    needs: dict[str, set[str]] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    makes: set[str] = field(default_factory=set)


def _flat(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def _pattern(output: str) -> re.Pattern:
    """Regular expression of the files that an output with wildcards stands for."""
    parts = re.split(r"\{(\w+)[^{}]*\}", str(output))
    return re.compile("".join(re.escape(part) if k % 2 == 0 else f"(?P<{part}>[^/]+?)" for k, part in enumerate(parts)))


def _asked(value: Any, wildcards: dict[str, str]) -> list[str]:
    """Files of one declared input under wildcards; functions are asked."""
    if callable(value):
        value = value(SimpleNamespace(**wildcards))
    return [re.sub(r"\{(\w+)[^{}]*\}", lambda match: wildcards[match[1]], str(one)) for one in _flat(value)]


def resolve(inputs: Mapping[str, Mapping[str, Any]], outputs: Mapping[str, Iterable[str]]) -> dict[str, Rule]:
    """Graph of the rules, each with all files that it reads and makes in this build.

    inputs : rule -> name of the input -> path, list of paths, or function of the wildcards; outputs : rule -> paths, with
    {wildcards} where one rule makes several. Rules with wildcards make what others ask of them.
    """
    fixed = {str(path): rule for rule, paths in outputs.items() for path in paths if "{" not in str(path)}
    loose = [(_pattern(path), rule) for rule, paths in outputs.items() for path in paths if "{" in str(path)]
    found = {rule: Rule() for rule in outputs}
    done: set[tuple] = set()
    queue: list[tuple[str, dict]] = [
        (rule, {}) for rule, paths in outputs.items() if not any("{" in str(p) for p in paths)
    ]
    while queue:
        rule, wildcards = queue.pop()
        if (key := (rule, *sorted(wildcards.items()))) in done:
            continue
        done.add(key)
        found[rule].makes |= {path for output in outputs[rule] for path in _asked(output, wildcards)}
        for name, value in inputs[rule].items():
            for path in _asked(value, wildcards) if name not in CODE else ():
                maker, given = fixed.get(path), {}
                for pattern, other in loose if maker is None else ():
                    if match := pattern.fullmatch(path):
                        maker, given = other, match.groupdict()
                        break
                if maker is None:
                    found[rule].reads.add(path)
                else:
                    found[rule].needs.setdefault(maker, set()).add(path)
                    queue.append((maker, given))
    return found


def described(found: dict[str, Rule], external: str) -> dict[str, dict]:
    """The graph as plain data in a fixed order, for a rule's settings.

    Exhibits are counted; of the book's sources only the folder is named; files below ``external`` (the folder of files that users
    bring) under the name that does not depend on the machine.
    """
    plain = {}
    for rule in sorted(found):
        one = found[rule]
        reads = {
            f"{EXTERNAL}/{path[len(external) :].lstrip('/')}" if path.startswith(external) else path
            for path in one.reads
        }
        reads = {"reports/" if path.startswith("reports/") else path for path in reads}
        plain[rule] = {
            "needs": {maker: len(files) for maker, files in sorted(one.needs.items())},
            "reads": sorted(reads),
            "files": len(one.makes),
            **{kind: _exhibits(one.makes, kind) for kind in ("tables", "figures", "text")},
        }
    return plain


def _exhibits(made: set[str], kind: str) -> int:
    """Number of a rule's tables, figures or texts."""
    return sum(1 for path in made if re.match(rf"results/[^/]+/{kind}/[^/]+\.md$", path))


def graph_of(rules: Any, names: Iterable[str], external: str) -> dict[str, dict]:
    """``described`` graph of some of the rules that Snakemake holds as attributes of ``rules``; all are known once the build is
    planned."""
    found = {name: getattr(rules, name) for name in names}
    inputs = {name: dict(rule.input.items()) for name, rule in found.items()}
    return described(resolve(inputs, {name: list(rule.output) for name, rule in found.items()}), external)


def settings(
    rules: Any,
    names: list[str],
    external: str,
    raw: dict[str, str],
    chapters: list[dict],
    register: list[dict],
    seeded: list[str],
) -> dict[str, Any]:
    """What the workflow declares, as plain data: graph, chapters, register of files that users bring, whether records are
    synthetic, seeds and who draws with them, Python versions.

    names : all rules; external : folder of files that users bring; raw : codebook -> file of the survey; seeded : files to
    look for seeds in.
    """
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = seeds(seeded)
    return {
        "graph": graph_of(rules, names, external),
        "chapters": chapters,
        "register": [dict(entry) for entry in register],
        "synthetic": {path: synthetic(name) for name, path in raw.items()},
        "seeds": found,
        "drawn_by": drawn_by(found, {name: getattr(rules, name) for name in names}),
        "python": project["requires-python"],
    }


def repository_data(graph: dict[str, dict]) -> list[str]:
    """Data files of the repository that rules read and no rule makes."""
    return sorted({path for one in graph.values() for path in one["reads"] if path.startswith(DATA)})


def synthetic(name: str) -> bool:
    """What the codebook of a file of the survey says of its records; read by one line, as the whole takes long to parse."""
    path = Path(f"config/codebooks/{name}.yaml")
    found = re.search(r"^synthetic:\s*(true|false)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise InputError("The codebook does not say whether the records are synthetic", str(path), "Add `synthetic:`")
    return found[1] == "true"


def drawn_by(seeds: list[dict], rules: Mapping[str, Any]) -> dict[str, list[str]]:
    """Rules that are given each seed: by 'file:key' those with the setting, by file those whose program imports a module.

    rules : rule -> what Snakemake holds of it (inputs, params).
    """
    found = {}
    for one in seeds:
        top = one["key"].split(".")[0]
        given = {name: rule.params.get("settings") for name, rule in rules.items()}
        if one["file"] == "config/config.yaml":
            names = [
                name
                for name, value in given.items()
                if not callable(value) and re.search(rf"['\"]{top}['\"]", str(value or ""))
            ]
            found[f"{one['file']}:{one['key']}"] = names
        elif names := [name for name, rule in rules.items() if one["file"] in rule.input.get("lib", [])]:
            found[one["file"]] = names
    return found


def order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Rules, each after those that it needs, alphabetically where that leaves a choice."""
    left, done = {rule: set(needs[rule]) for rule in sorted(needs)}, []
    while left:
        ready = next((rule for rule, before in left.items() if not before - set(done)), None)
        if ready is None:
            raise InputError(f"The rules {', '.join(left)} need one another", fix="Take an input out of one of them")
        done.append(ready)
        del left[ready]
    return done


def ancestors(needs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """All rules that each rule needs, directly or not."""
    beyond: dict[str, set[str]] = {}
    for rule in order(needs):
        beyond[rule] = set().union(*({before, *beyond[before]} for before in needs[rule]))
    return beyond


def reduced(needs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Direct needs only: a rule that is also reached through another need is left out (transitive reduction)."""
    beyond = ancestors(needs)
    return {
        rule: {one for one in before if not any(one in beyond[other] for other in before if other != one)}
        for rule, before in ((rule, set(before)) for rule, before in needs.items())
    }


def columns(needs: Mapping[str, Iterable[str]], sections: Iterable[str]) -> dict[str, int]:
    """Column of each rule in a drawing from left to right, after all that it needs; but sections stand in one column, and
    those that read other sections in the next one."""
    sections = set(sections)
    place: dict[str, int] = {}
    for rule in order(needs):
        place[rule] = max((place[before] + 1 for before in needs[rule]), default=0)
    first = {rule for rule in sections if not sections & set(needs[rule])}
    aligned = max((place[rule] for rule in first), default=0)
    for rule in order(needs):
        after = max((place[before] + 1 for before in needs[rule]), default=0)
        place[rule] = aligned + (rule not in first) if rule in sections else after
    return place


def seeds(paths: Iterable[str]) -> list[dict[str, Any]]:
    """Seeds of random numbers in settings files (keys named seed) and modules (the constant SEED): file, key, value."""
    import yaml

    found = []
    for path in sorted(paths):
        text = Path(path).read_text(encoding="utf-8")
        if path.endswith(".py") and "SEED" in text:
            found += [{"file": path, "key": "SEED", "value": value} for value in _constants(ast.parse(text))]
        elif path.endswith(".yaml") and "seed" in text:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            found += [{"file": path, **one} for one in _keyed(yaml.load(text, loader))]
    return found


def _constants(tree: ast.Module) -> list[int]:
    """Values of module constants named SEED, also in an assignment of several names."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets[0], node.value
            several = isinstance(targets, ast.Tuple) and isinstance(value, ast.Tuple)
            pairs = zip(targets.elts, value.elts, strict=True) if several else [(targets, value)]
            found += [ast.literal_eval(v) for t, v in pairs if isinstance(t, ast.Name) and t.id == "SEED"]
    return found


def _keyed(data: Any, path: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = []
    for key, value in items:
        if key == "seed" and isinstance(value, int):
            found.append({"key": ".".join([*path, "seed"]), "value": value})
        found += _keyed(value, (*path, str(key)))
    return found
