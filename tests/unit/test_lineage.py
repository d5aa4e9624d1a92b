"""Appendix E: the graph follows from what rules declare; tables, figure and wording follow from the graph and the files."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pandas as pd
import pytest
from render_book import make_root

from agency_survey.errors import InputError
from agency_survey.render import shown
from agency_survey.sections import lineage, lineage_exhibits, lineage_figure, lineage_graph
from agency_survey.sections.lineage_exhibits import Declared
from agency_survey.sections.lineage_graph import resolve

FIXED = {
    "read": {
        "script": "s.py",
        "lib": ["a.py"],
        "file": lambda w: [f"data/raw/{w.name}.csv"],
        "book": "config/{name}.yaml",
    },
    "clean": {
        "script": "s.py",
        "tables": ["results/read/x.parquet", "results/read/y.parquet"],
        "register": "data/fix.csv",
    },
    "one": {"clean": "results/clean/all.parquet", "pins": "requirements/runtime.txt", "schemas": ["a.json"]},
    "two": {"clean": "results/clean/all.parquet", "raw": "results/read/x.parquet", "outside": "/media/lemas/l.tsv"},
    "three": {"one": "results/one/numbers.json", "two": "results/two/numbers.json", "lost": lambda w: []},
    "render": {"numbers": "results/three/numbers.json", "sources": ["reports/a.qmd", "reports/b.css"]},
}
MADE = {
    "read": ["results/read/{name}.parquet"],
    "clean": ["results/clean/all.parquet"],
    "one": ["results/one/numbers.json", "results/one/tables/tbl-a.csv", "results/one/tables/tbl-a.md"],
    "two": ["results/two/numbers.json", "results/two/figures/fig-b.md", "results/two/text/c.md"],
    "three": ["results/three/numbers.json"],
    "render": ["reports/_book/index.html"],
}


@pytest.fixture
def graph() -> dict:
    return lineage_graph.described(resolve(FIXED, MADE), "/media/lemas")


def test_wildcards_functions_and_lists_are_followed_and_programs_left_out(graph):
    assert graph["read"]["reads"] == ["config/x.yaml", "config/y.yaml", "data/raw/x.csv", "data/raw/y.csv"]
    assert graph["read"]["files"] == 2
    assert graph["clean"] == {
        "needs": {"read": 2}, "reads": ["data/fix.csv"], "files": 1, "tables": 0, "figures": 0, "text": 0,
    }  # fmt: skip
    assert graph["one"]["reads"] == []
    assert (graph["one"]["tables"], graph["two"]["figures"], graph["two"]["text"]) == (1, 1, 1)
    assert graph["three"]["needs"] == {"one": 1, "two": 1}
    assert lineage_graph.repository_data(graph) == ["data/fix.csv", "data/raw/x.csv", "data/raw/y.csv"]


def test_the_machine_s_folder_and_the_names_of_sources_do_not_enter(graph):
    assert graph["two"]["reads"] == ["LEMAS_DIR/l.tsv"]
    assert graph["render"]["reads"] == ["reports/"]
    assert "/media" not in json.dumps(graph)


def test_another_program_leaves_the_graph_as_it_is(graph):
    edited = {rule: dict(inputs, script="other.py", lib=["b.py", "c.py"]) for rule, inputs in FIXED.items()}
    assert lineage_graph.described(resolve(edited, MADE), "/media/lemas") == graph


def random_needs(seed: int) -> dict[str, set[str]]:
    draw = random.Random(seed)
    names = [f"r{k:02}" for k in range(12)]
    return {name: {other for other in names[:k] if draw.random() < 0.3} for k, name in enumerate(names)}


def reach(needs: dict[str, set[str]], rule: str) -> set[str]:
    return {one for before in needs[rule] for one in {before, *reach(needs, before)}}


@pytest.mark.parametrize("seed", range(8))
def test_reduction_keeps_what_is_reached_with_the_fewest_lines(seed):
    needs = random_needs(seed)
    fewer = lineage_graph.reduced(needs)
    order = lineage_graph.order(needs)
    assert all(order.index(before) < order.index(rule) for rule in needs for before in needs[rule])
    for rule in needs:
        assert reach(fewer, rule) == reach(needs, rule)
        for one in fewer[rule]:
            without = {**fewer, rule: fewer[rule] - {one}}
            assert reach(without, rule) != reach(needs, rule)


def test_rules_that_need_one_another_are_refused():
    with pytest.raises(InputError, match="a, b need one another"):
        lineage_graph.order({"a": ["b"], "b": ["a"], "c": []})


@pytest.mark.parametrize("seed", range(8))
def test_nothing_overlaps_in_the_drawing_and_lines_run_forward(seed):
    needs = random_needs(seed)
    names = lineage_graph.order(needs)
    plain = {rule: {"needs": dict.fromkeys(needs[rule], 1), "reads": []} for rule in names}
    plain[names[0]]["reads"] = ["data/raw/a.csv"]
    plain[names[-1]]["reads"] = ["data/raw/b.csv", "config/x.yaml"]
    drawing = lineage_figure.drawn(plain, {rule: "1" for rule in names[5:9]})
    place = drawing.nodes.set_index("name")
    for edge in drawing.edges.itertuples():
        first, last = place.loc[edge.source], place.loc[edge.target]
        assert first["column"] < last["column"] or (first["column"] == last["column"] and first["row"] < last["row"])
        crossed = drawing.passing[edge.source, edge.target]
        assert set(crossed) == set(range(first["column"] + 1, last["column"]))
    for _, part in drawing.nodes.groupby("column"):
        for a, b in itertools.pairwise(sorted(part["row"])):
            assert b - a >= 1 - 1e-9
    main = place.loc[[rule for rule in names[5:9]], "column"].min()
    for (source, target), crossed in drawing.passing.items():
        for column, row in crossed.items():
            near = place.loc[place["column"] == column, "row"]
            assert column == main or (abs(near - row) >= 0.9 - 1e-9).all(), (source, target)
    said = lineage_figure.alternative(drawing)
    assert f"{names[-1]} from " in said or not needs[names[-1]]


def test_lines_of_files_that_are_read_through_another_rule_are_left_out(graph):
    drawing = lineage_figure.drawn(graph, {"one": "1", "two": "2"})
    assert set(zip(drawing.edges["source"], drawing.edges["target"], strict=True)) == {
        ("Survey returns", "read"), ("read", "clean"), ("clean", "one"), ("clean", "two"), ("one", "three"), ("two", "three"),
        ("three", "render"), ("LEMAS files (from users)", "two"), ("Chapters and style", "render"),
    }  # fmt: skip


def test_names_break_at_their_words():
    assert lineage_figure.label("investigation_prosecution") == "investigation_\nprosecution"
    assert lineage_figure.label("weight") == "weight"
    assert lineage_figure.label("LEMAS files (from users)") == "LEMAS files\n(from\nusers)"


def test_seeds_are_found_in_settings_and_modules(tmp_path):
    (tmp_path / "a.yaml").write_text("seed: 1\nb:\n  - {seed: 2, m: 3}\n  - seeds: 4\n")
    (tmp_path / "m.py").write_text("DRAWS, SEED = 5, 6\nOTHER = 7\n\ndef f():\n    SEED = 8\n")
    (tmp_path / "n.py").write_text("SEED = 9\n")
    found = lineage_graph.seeds([str(tmp_path / name) for name in ("m.py", "n.py", "a.yaml")])
    assert [(Path(one["file"]).name, one["key"], one["value"]) for one in found] == [
        ("a.yaml", "seed", 1), ("a.yaml", "b.0.seed", 2), ("m.py", "SEED", 6), ("n.py", "SEED", 9),
    ]  # fmt: skip


ENTRIES = [
    {
        "files": "data/raw/y.*",
        "title": "Y",
        "record": "a y",
        "describes": "synthetic",
        "license": "CC0",
        "citation": ["k1"],
    },
    {"files": "data/raw/x.*", "title": "X", "record": "an x", "describes": "synthetic", "license": "CC0"},
    {"files": "data/fix.csv", "title": "Fixes", "record": "a fix", "describes": "decisions", "license": "BY"},
]
FOUND = {path: lineage.Found(7, 100, "ab" * 32) for path in ("data/raw/x.csv", "data/raw/y.csv", "data/fix.csv")}


def test_data_files_come_in_the_register_s_order_with_their_readers(graph):
    table = lineage.files_table(graph, FOUND, ENTRIES, {"data/raw/x.csv": True, "data/raw/y.csv": True})
    assert list(table["file"]) == ["data/raw/y.csv", "data/raw/x.csv", "data/fix.csv"]
    assert list(table["read_by"]) == ["read", "read", "clean"]
    assert list(table["kind"]) == ["synthetic", "synthetic", "decisions"]
    assert list(table["license"]) == ["CC0", "CC0", "BY"]


def test_real_records_do_not_inherit_the_stand_in_s_license(graph):
    table = lineage.files_table(graph, FOUND, ENTRIES, {"data/raw/x.csv": False, "data/raw/y.csv": True}).set_index(
        "file"
    )
    assert table.loc["data/raw/x.csv", ["kind", "provided"]].tolist() == ["real", "no"]
    assert "to be stated in config/datasets.yaml" in table.loc["data/raw/x.csv", "license"]
    entries = [dict(ENTRIES[1], describes="real", license="By its owner"), *ENTRIES]
    table = lineage.files_table(graph, FOUND, entries, {"data/raw/x.csv": False}).set_index("file")
    assert table.loc["data/raw/x.csv", "license"] == "By its owner"


def test_a_data_file_without_an_entry_is_refused(graph):
    with pytest.raises(InputError, match=r"data/fix.csv has no entry \(config/datasets.yaml\)"):
        lineage.files_table(graph, FOUND, ENTRIES[:2], {})


CHAPTERS = [
    {"file": "index.qmd", "label": "", "title": "Preface", "fragments": ["results/one/text/c.md"], "numbers": ["n.a", "n.a"]},
    {
        "file": "01-a.qmd", "label": "1", "title": "A", "numbers": [],
        "fragments": ["results/one/tables/tbl-a.md", "results/two/figures/fig-b.md", "results/two/text/c.md"],
    },
    {"file": "02-b.qmd", "label": "2", "title": "B", "fragments": [], "numbers": []},
]  # fmt: skip
PRINTED = {"results/one/text/c.md": ["n.b"], "results/two/text/c.md": ["n.a", "n.c", "n.c"]}


def test_exhibits_map_to_rule_script_and_file():
    table = lineage.exhibits_table({}, CHAPTERS, PRINTED)
    row = table[table["id"] == "fig-b"].iloc[0]
    assert row.tolist() == [
        "01-a.qmd", "figure", "fig-b", "two", "workflow/scripts/two.py", "results/two/figures/fig-b.png", "reports/01-a.qmd",
    ]  # fmt: skip
    counts = lineage.by_chapter(table, CHAPTERS).set_index("chapter")
    assert counts.loc["index.qmd", ["tables", "figures", "texts", "numbers", "distinct"]].tolist() == [0, 0, 1, 3, 2]
    assert counts.loc["01-a.qmd", ["tables", "figures", "texts", "numbers", "distinct"]].tolist() == [1, 1, 1, 3, 2]
    assert counts["rules"].tolist() == ["one", "one two", ""]
    assert lineage.total(table, ["number"]) == 3
    assert set(table.loc[table["id"] == "n.c", "printed_in"]) == {"results/two/text/c.md"}


def test_rules_name_the_chapters_with_their_tables_and_figures(graph):
    table = lineage.rules_table(graph, CHAPTERS).set_index("rule")
    assert table.loc["one", "chapters"] == "01-a.qmd"
    assert table.loc["clean", "chapters"] == ""
    assert table.loc["two", "reads_files"] == "LEMAS_DIR/l.tsv"
    assert list(table.index)[-1] == "render"


def test_pins_are_read_and_those_that_the_project_names_marked():
    pinned = {
        "requirements/runtime.txt": "numpy==2.4.6 \\\n    --hash=sha256:0==1\nattrs==26.1.0\nPyYAML==6.0 ; python_version>'3'\n",
        "requirements/quarto.txt": "# x\nquarto-cli==1.9.38 \\\n",
    }
    table = lineage.software_table(pinned, "# what\nnumpy==2.4.6\npyyaml\n").set_index("package")
    assert table["version"].to_dict() == {"quarto-cli": "1.9.38", "attrs": "26.1.0", "numpy": "2.4.6", "PyYAML": "6.0"}
    assert table["asked"].to_dict() == {"quarto-cli": True, "attrs": False, "numpy": True, "PyYAML": True}
    with pytest.raises(InputError, match="No pinned package"):
        lineage.software_table({"requirements/runtime.txt": ""}, "")


ENTRY = {
    "wave": 2016, "title": "L", "study": "S 1", "version": "V1", "file": "l.tsv", "sha256": "cd" * 32,
    "obtain": "Ask.", "terms": "Mine.", "citation": "k",
}  # fmt: skip


def declared(graph: dict, state: str = "verified", synthetic: bool = True) -> Declared:
    return Declared(
        graph,
        CHAPTERS,
        lineage.files_table(graph, FOUND, ENTRIES, dict.fromkeys(["data/raw/x.csv", "data/raw/y.csv"], synthetic)),
        lineage.external_table([ENTRY], {"2016": state}, graph),
        lineage.software_table({"requirements/runtime.txt": "numpy==1.0\n"}, "numpy"),
        lineage.seeds_table(
            [{"file": "config/m.yaml", "key": "seed", "value": 3}], graph, {"config/m.yaml:seed": ["one"]}
        ),
        ">=3.11",
    )


def test_nothing_of_files_that_users_bring_enters_but_their_register(graph):
    """No count of records, no size and no digest of the file itself: only what the register says, and the state."""
    table = lineage.external_table([ENTRY], {"2016": "missing"}, graph)
    assert set(table.columns) == {*ENTRY, "state", "read_by"}
    assert table.loc[0, ["sha256", "state", "read_by"]].tolist() == ["cd" * 32, "missing", "two"]
    assert not lineage.files_table(graph, FOUND, ENTRIES, {})["file"].str.contains("LEMAS").any()


def test_words_follow_the_files(graph):
    assert "All records of the survey and of its frame are synthetic" in lineage_exhibits.data_text(declared(graph))
    assert "are real" in lineage_exhibits.data_text(declared(graph, synthetic=False))
    assert "all were at hand and verified" in lineage_exhibits.external_text(declared(graph).external)
    assert "none of them was at hand" in lineage_exhibits.external_text(declared(graph, "missing").external)
    none = pd.DataFrame(columns=declared(graph).external.columns)
    assert "no file that users bring" in lineage_exhibits.external_text(none)
    assert "Python ({{< num lineage.python >}})" in lineage_exhibits.software_text(declared(graph))


def test_the_appendix_counts_itself_and_gives_the_same_bytes_twice(graph, tmp_path):
    chapters = [
        *CHAPTERS,
        {"file": "E.qmd", "label": "E", "title": "E", "fragments": ["results/lineage/text/data.md"], "numbers": []},
    ]
    found = Declared(**{**vars(declared(graph)), "chapters": chapters})
    made = lineage_exhibits.appendix(found, PRINTED)
    assert made.numbers.numbers["lineage.numbers.places"]["value"] == 6 + 2
    assert made.numbers.numbers["lineage.rules"]["value"] == 6
    assert made.numbers.numbers["lineage.records"]["value"] == 21
    for name in ("a", "b"):
        lineage_exhibits.appendix(found, PRINTED).write(tmp_path / name)
    first, second = (
        {
            path.relative_to(tmp_path / name): path.read_bytes().replace(str(tmp_path / name).encode(), b"")
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("a", "b")
    )
    assert first == second
    assert len(first) == 6 * 2 + 3 + 3 + 1


def test_chapters_are_drawn_together():
    assert lineage_exhibits._listed(["2", "3", "4", "6", "7", "A"]) == "2 to 4, 6, 7, A"
    assert lineage_exhibits._listed([]) == "\N{EN DASH}"


def test_each_seed_outside_of_the_build_is_there():
    root = Path(__file__).resolve().parents[2]
    for name in lineage_exhibits.OUTSIDE:
        assert lineage_graph.seeds([str(root / name)])


def test_chapters_of_the_book_with_their_fragments_and_numbers(tmp_path):
    found = {one["file"]: one for one in shown.chapters(make_root(tmp_path / "root") / "reports")}
    assert [(one["file"], one["label"]) for one in found.values()] == [
        ("index.qmd", ""), ("01-introduction.qmd", "1"), ("02-methods.qmd", "2"), ("03-perceptions.qmd", "3"),
        ("references.qmd", ""), ("colophon.qmd", ""), ("a-questionnaire.qmd", "A"),
    ]  # fmt: skip
    assert found["02-methods.qmd"]["fragments"] == ["results/methods/tables/tbl-wide.md"]
    assert shown.texts(tmp_path / "root" / "reports", "methods") == []
    assert found["index.qmd"]["numbers"].count("perceptions.rare.all") == 2


class Held:
    """What Snakemake holds of a rule, as far as it is asked."""

    def __init__(self, lib: list[str], settings: object):
        self.input, self.params = {"lib": lib}, {"settings": settings}


def test_seeds_name_the_rules_that_draw_with_them():
    rules = {
        "sensitivity": Held([], {"sensitivity": {"seed": 1}}),
        "written": Held([], '{"sensitivity": 1}'),
        "weighting": Held(["workflow/m.py"], lambda wildcards: {"sensitivity": 1}),
        "other": Held([], {"insensitivity": 1}),
    }
    seeds = [
        {"file": "config/config.yaml", "key": "sensitivity.seed", "value": 1},
        {"file": "workflow/m.py", "key": "SEED", "value": 2},
        {"file": "config/models.yaml", "key": "seed", "value": 3},
    ]
    assert lineage_graph.drawn_by(seeds, rules) == {
        "config/config.yaml:sensitivity.seed": ["sensitivity", "written"],
        "workflow/m.py": ["weighting"],
    }


def test_codebooks_say_whether_records_are_synthetic(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/codebooks").mkdir(parents=True)
    path = tmp_path / "config/codebooks/part1.yaml"
    path.write_text("name: part1\nsynthetic: false # now real\nnote: 'synthetic: true'\n")
    assert lineage_graph.synthetic("part1") is False
    path.write_text("name: part1\nnote: 'synthetic: true'\n")
    with pytest.raises(InputError, match="does not say whether"):
        lineage_graph.synthetic("part1")


def test_texts_are_those_that_chapters_include_but_for_one_rule_s(tmp_path):
    root = make_root(tmp_path / "root")
    path = root / "reports" / "02-methods.qmd"
    lines = [
        f"{{{{< include results/{name}.md >}}}}" for name in ("b/text/z", "a/text/y", "lineage/text/x", "b/text/z")
    ]
    path.write_text(path.read_text() + "\n" + "\n\n".join(lines) + "\n")
    assert shown.texts(root / "reports", "lineage") == ["results/a/text/y.md", "results/b/text/z.md"]


def test_numbers_of_a_text_are_counted_by_place():
    text = "{{< num a.b >}} ({{< num a.b ci >}}), {{<  num  c >}} and {{{< num d >}}}"
    assert lineage.printed_numbers(text) == ["a.b", "a.b", "c"]
    assert shown.numbers_in(text) == ["a.b", "a.b", "c"]
