"""Public-use microdata of real survey records: without direct identifiers, recoded as ``config/disclosure.yaml`` says, each
recode logged; a file goes into the package only where enough agencies share each combination of quasi-identifiers (k) and
differ in what is sensitive (l). The report says of every file how far it is from that.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from agency_survey import codebook, files, schema
from agency_survey.disclosure import microdata
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError

FOLDER = "public_use"
PARTS = ("part1", "part2", "part3")
AGENCY = "agency_id"
WEIGHT = "weight"  # as good as a quasi-identifier: it tells the weighting class
LOG = ("file", "variable", "action", "setting", "records_changed", "values_before", "values_after")


def make(root: Path) -> dict[str, str]:
    """Payload files of public-use records by path: the report (JSON, Markdown), the log of recodes, and the files that pass."""
    rules = Rules.of(schema.load(root / "config/disclosure.yaml", "disclosure"))
    books = codebook.load_survey(root / "config/codebooks")
    known = {n: v.disclosure for book in books.values() for n, v in book.variables.items()} | {
        WEIGHT: "quasi_identifier"
    }
    lost = [one["variable"] for one in rules.recodes if one["variable"] not in known]
    if lost:
        raise InputError(
            f"A recode names the variable '{lost[0]}', which no codebook has", "config/disclosure.yaml", "Correct it"
        )
    made, reports, log = {}, {}, []
    for part in PARTS:
        roles = known | {name: one.disclosure for name, one in books[part].variables.items()}
        released, report, changed = released_file(_joined(root, part), roles, rules)
        reports[f"{part}.csv"] = report
        log += [{"file": f"{part}.csv", **line} for line in changed]
        if report["passes"]:
            made[f"{FOLDER}/{part}.csv"] = released.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    made[f"{FOLDER}/report.json"] = json.dumps(reports, indent=1, sort_keys=True) + "\n"
    made[f"{FOLDER}/report.md"] = markdown(reports, log)
    made[f"{FOLDER}/recodes.csv"] = _log(log)
    return made


def _joined(root: Path, part: str) -> pd.DataFrame:
    """Clean answers of a part with what the frame and the mailing tell of the agency, and its weight."""
    paths = sorted((root / "results/clean").glob(f"{part}.*.parquet"))
    if not paths:
        raise InputError(f"There are no clean records of {part}", "results/clean", "Run `make report`")
    table = files.read_parquet(paths[0])
    for path in paths[1:]:
        other = files.read_parquet(path)
        keys = [AGENCY, *(["case_number"] if "case_number" in table else [])]
        table = table.merge(other[[*keys, *(n for n in other if n not in table)]], on=keys, how="left", validate="1:1")
    agencies = files.read_parquet(root / "results/weight/sample.parquet")
    books = codebook.load_survey(root / "config/codebooks")
    told = [n for book in ("frame", "disposition") for n in books[book].variables if n in agencies and n not in table]
    return table.merge(agencies[[AGENCY, *told, WEIGHT]], on=AGENCY, how="left", validate="m:1")


def released_file(table: pd.DataFrame, roles: dict[str, str], rules: Rules) -> tuple[pd.DataFrame, dict, list[dict]]:
    """(the file to publish, its report, the log of recodes). roles : disclosure role of each variable.

    k counts agencies, not records: several cases of one agency protect nobody. Rows are in the order of what they show.
    """
    table = table.loc[:, [n for n in table if not n.endswith("__missing") or table[n].notna().any()]]
    gone = {"action": "drop", "setting": "direct identifier", "after": 0}
    log = [
        {"variable": n, **gone, "before": int(table[n].nunique()), "changed": int(table[n].notna().sum())}
        for n in table
        if roles.get(n) == "direct_identifier"
    ]
    agency = table[AGENCY]
    direct = {n for n in table if roles.get(n.removesuffix("__missing")) == "direct_identifier"}
    quasi = [n for n in table if roles.get(n) == "quasi_identifier"]
    table = table.drop(columns=[*direct, *(f"{n}__missing" for n in quasi if f"{n}__missing" in table)])
    table, changed = microdata.recode(table, [one for one in rules.recodes if one["variable"] in table])
    quasi = [n for n in quasi if n in table]
    sensitive = [n for n in table if roles.get(n) == "sensitive"]
    report = microdata.report(table, quasi, sensitive, rules)
    units = microdata.report(table[~agency.duplicated()], quasi, [], rules)
    report |= {"agencies": units["records"], "k": units["k"], "below_k": units["below_k"], "alone": units["alone"]}
    report["without"] = units["without"]
    few = units["reasons"] and [
        f"{units['below_k']:,} agencies share their quasi-identifiers with fewer than {rules.k}"
    ]
    report["reasons"] = [*few, *(one for one in report["reasons"] if " values of " in one)]
    report["passes"] = not report["reasons"]
    order = table.astype("object").where(table.notna(), "").astype(str)
    return table.loc[order.sort_values(list(order)).index].reset_index(drop=True), report, [*log, *changed]


def _log(log: list[dict]) -> str:
    rows = [
        (
            one["file"],
            one["variable"],
            one["action"],
            json.dumps(one["setting"]),
            one["changed"],
            one["before"],
            one["after"],
        )
        for one in log
    ]
    return pd.DataFrame(rows, columns=list(LOG)).to_csv(index=False, lineterminator="\n")


def markdown(reports: dict[str, dict], log: list[dict]) -> str:
    """The report for people."""
    lines = ["# Public-use microdata: k-anonymity and l-diversity", ""]
    for name, one in reports.items():
        verdict = "published" if one["passes"] else "not published"
        lines += [
            f"## {name}: {verdict}", "",
            f"- {one['records']:,} records of {one['agencies']:,} agencies; quasi-identifiers: {', '.join(one['quasi_identifiers'])}.",
            f"- k = {one['k']:,} ({one['k_required']} needed): {one['below_k']:,} agencies below, {one['alone']:,} of them alone.",
            f"- l = {min(one['l'].values(), default=0)} ({one['l_required']} needed), the least over {len(one['l'])} sensitive variables.",
        ]  # fmt: skip
        if not one["passes"]:
            best = sorted(one["without"].items(), key=lambda item: item[1])[:3]
            lines += [f"- {reason}." for reason in one["reasons"][:5]]
            if len(one["reasons"]) > 5:
                lines.append(f"- and {len(one['reasons']) - 5} more reasons in report.json.")
            said = "; ".join(f"without {variable} {count:,} agencies stay below k" for variable, count in best)
            lines.append(f"- To publish it, recode more in `config/disclosure.yaml` (`microdata.recodes`): {said}.")
        lines.append("")
    lines += ["## Recodes", "", "| File | Variable | Action | Setting | Records changed |", "|---|---|---|---|---|"]
    lines += [
        f"| {one['file']} | {one['variable']} | {one['action']} | {json.dumps(one['setting'])} | {one['changed']:,} |"
        for one in log
    ]
    return "\n".join(lines) + "\n"
