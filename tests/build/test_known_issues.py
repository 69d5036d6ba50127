"""Known issues: counted apart, judged at the run's own time, the same in every build."""

import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
from areas import make_area, run, test
from calling import called
from crawl import crawl, pages
from shards import read_shard
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.model import RunKey
from mtsite.record import load

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
PARITY = "ERROR: parity mismatch on lane 7"
LOST = "ERROR: link lost"
RULES = """
[[known]]
title = "Parity is <not> modelled yet"
pattern = 'parity (error|mismatch)'
until = 2023-11-15
link = "https://bugs.example/4711?a=1&b=2"
owner = "ann"
why = "See **there**. <script>alert(1)</script>"

[[known]]
title = "Never seen"
test = "nothing%"

[[known]]
title = "Link of the second board"
test = "b"
target = "u/%"
"""


def failing(name: str, line: str, **rest: object) -> object:
    return test(name, status="FAIL", log=f"go\n{line}\n", **rest)


def write_rules(site: TestSite, text: str, name: str = "chips.toml") -> None:
    (site.root / "annotations").mkdir(exist_ok=True)
    (site.root / "annotations" / name).write_text(text, encoding="utf-8")


def make(root: Path) -> TestSite:
    """Two runs a day apart: 2023-11-14 and -15; a third two days later."""
    area = make_area(root, "chips")
    area.add_run(run("u/v", "w1", [failing("a", PARITY), test("b"), failing("c", LOST)]))
    area.add_run(run("u/v", "w2", [failing("a", PARITY), failing("b", LOST), failing("c", LOST)]))
    area.runs_made += 1
    area.add_run(run("u/v", "w4", [failing("a", PARITY), failing("b", LOST), test("c")]))
    (root / "home").mkdir()
    return make_site(root / "home", area)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    site = make(tmp_path_factory.mktemp("known"))
    write_rules(site, RULES)
    site.build()
    return site


def page(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text()


def lead(site: TestSite, runname: str) -> str:
    found = re.search(r'<p class="lead">(.*?)</p>', page(site, f"chips/u/v/{runname}/index.html"))
    assert found
    return re.sub(r"<[^>]+>", "", found[1])


def test_the_sentence_counts_them_apart(built: TestSite) -> None:
    assert lead(built, "w2") == "3 of 3 tests failed. Against w1: 2 known, 1 still failing."
    assert lead(built, "w1").startswith("2 of 3 tests failed. 1 known.")


def test_a_run_after_the_last_day_fails_again_and_says_so(built: TestSite) -> None:
    assert lead(built, "w4") == (
        "2 of 3 tests failed. Against w2: 1 known, 1 still failing, 1 fixed."
    )
    said = page(built, "chips/u/v/w4/a/index.html")
    assert "Was a known issue:" in said
    assert "ended on 2023-11-15: counts as failing again" in said


def test_the_page_of_a_test_says_what_is_known(built: TestSite) -> None:
    said = page(built, "chips/u/v/w2/a/index.html")
    assert (
        'href="https://bugs.example/4711?a=1&amp;b=2" rel="noreferrer">Parity is &lt;not&gt;'
        in said
    )
    assert "ann, until 2023-11-15" in said
    assert "<strong>there</strong>" in said
    assert "<script>alert" not in said


def test_the_row_of_a_run_is_marked_and_comes_last(built: TestSite) -> None:
    rows = re.findall(r'<tr class="v-F".*?</tr>', page(built, "chips/u/v/w2/index.html"), re.DOTALL)
    assert [re.search(r'data-c="(\w+)"', row)[1] for row in rows] == ["still", "known", "known"]
    assert 'class="tag" href="https://bugs.example/4711' in rows[1] + rows[2]


def test_lists_feeds_and_twins_count_them(built: TestSite) -> None:
    twin = json.loads(page(built, "chips/u/v/w2/index.json"))
    assert (twin["new"], twin["known"], twin["still"]) == (0, 2, 1)
    told = {one["testname"]: one["known"] for one in twin["tests"]}
    assert told["a"][0]["until"] == "2023-11-15"
    assert told["c"] == []
    node = json.loads(page(built, "chips/index.json"))
    assert (node["known"], node["newest"]["known"]) == (1, 1)
    assert "2 known, 1 still failing." in page(built, "chips/u/v/feed.xml")
    assert "2 known" in page(built, "chips/u/v/index.html")
    shard = page(built, urls.run_values(RunKey("chips", ("u", "v"), "w2")))
    assert shard.replace("\\", "").count('[],"",1]') == 2


def test_the_cells_of_the_grid_tell_them_until_they_are_over(built: TestSite) -> None:
    told = read_shard((built.tree / "chips/u/v/_runs/cells.js").read_bytes())
    found = {
        (told["runs"][why[0]], name): told["texts"][why[5]]
        for name, _, _, reasons in told["tests"]
        for why in reasons
        if len(why) > 5
    }
    assert found == {
        ("w1", "a"): "Parity is <not> modelled yet",
        ("w2", "a"): "Parity is <not> modelled yet",
        ("w2", "b"): "Link of the second board",
        ("w4", "b"): "Link of the second board",
    }


def test_all_rules_are_listed_those_that_need_a_look_first(built: TestSite) -> None:
    said = page(built, "_clusters/known.html")
    assert "3 rules for failures that somebody knows of; 1 ended" in said
    assert said.index("Parity is") < said.index("Never seen") < said.index("Link of the second")
    assert "2 failures in 2 runs, 1 failure in 1 run after it ended" in said
    assert "fits no failure of this site" in said
    assert "annotations/chips.toml:2" in said
    assert 'href="known.html"' in page(built, "_clusters/index.html")
    assert crawl(built.tree, pages(built.tree)).dead == []


def copy_of(built: TestSite, tmp_path: Path) -> TestSite:
    shutil.copytree(built.root, tmp_path / "home")
    return TestSite(tmp_path / "home")


def test_a_clean_build_gives_the_same(built: TestSite, tmp_path: Path) -> None:
    assert difference(built.tree, built.build_clean(tmp_path / "clean")) == []


def test_an_edit_changes_the_pages_that_it_is_about(built: TestSite, tmp_path: Path) -> None:
    site = copy_of(built, tmp_path)
    site.build()
    before = files_of(site.tree)
    write_rules(
        site, RULES.replace('test = "nothing%"', 'test = "c"\ntarget = "%/v"\nuntil = 2023-11-14')
    )
    site.build()
    after = files_of(site.tree)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert "chips/u/v/w1/c/index.html" in changed
    assert not {path for path in changed if path.startswith("chips/u/v/w4/")}
    assert not {path for path in changed if "/a/" in path or "/b/" in path}
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
    write_rules(site, RULES)
    site.build()
    assert files_of(site.tree) == before


def test_without_rules_nothing_is_left_of_them(built: TestSite, tmp_path: Path) -> None:
    site = copy_of(built, tmp_path)
    shutil.rmtree(site.root / "annotations")
    site.build()
    assert not (site.tree / "_clusters/known.html").exists()
    kept = load(site.tree, RunKey("chips", ("u", "v"), "w2"))
    assert kept is not None and kept.summary is not None
    assert (kept.summary.known, kept.summary.still) == (0, 2)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_what_is_broken_is_said_and_the_rest_is_used(built: TestSite, tmp_path: Path) -> None:
    site = copy_of(built, tmp_path)
    write_rules(site, '[[known]]\ntitle = "x"\npattern = "("\n', "wrong.toml")
    summary = site.build()
    (problem,) = summary.problems
    assert "annotations/wrong.toml:3: known[0].pattern: no regular expression" in problem
    assert "wrong.toml:3" in page(site, "_clusters/known.html")
    assert lead(site, "w2").endswith("2 known, 1 still failing.")


def test_the_page_of_a_known_issue_links_to_its_rule(built: TestSite) -> None:
    said = page(built, "chips/u/v/w2/b/index.html")
    anchor = re.search(r'_clusters/known\.html#(\w+)">its rule', said)
    assert anchor
    assert f'id="{anchor[1]}"' in page(built, urls.clusters_page(urls.KNOWN))


def test_a_rule_that_ended_is_listed_though_nothing_failed_since(tmp_path: Path) -> None:
    area = make_area(tmp_path, "chips")
    area.add_run(run("u/v", "w1", [failing("a", PARITY)]))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    write_rules(site, RULES)
    site.build()
    assert "1 ended" not in page(site, "_clusters/known.html")
    area.runs_made += 5
    area.add_run(run("u/v", "w9", [test("a")]))
    site.build()
    assert "1 ended, and nothing failed since" in page(site, "_clusters/known.html")
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_run_diff_counts_them_apart(
    built: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(built.root)
    ended = called(["run", "diff", "chips/u/v/w1", "chips/u/v/w2"], capsys)
    assert ended.code == 0
    assert "2 known" in ended.out
    assert "known: Link of the second board" in ended.out
    told = json.loads(called(["run", "diff", "chips/u/v/w1", "chips/u/v/w2", "--json"], capsys).out)
    jsonschema.validate(told, json.loads((SCHEMAS / "run-diff-1.json").read_text()))
    assert (told["worse"], told["known"]) == (0, 2)


def test_annotations_ls_lists_what_each_rule_fits(
    built: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(built.root)
    ended = called(["annotations", "ls", "--json"], capsys)
    assert ended.code == 20
    told = json.loads(ended.out)
    jsonschema.validate(told, json.loads((SCHEMAS / "annotations-1.json").read_text()))
    assert [(one["state"], one["failures"], one["failures_after"]) for one in told["rules"]] == [
        ("fails again", 2, 1),
        ("fits nothing", 0, 0),
        ("known", 2, 0),
    ]


def test_annotations_test_says_which_rules_fit_a_line(
    built: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(built.root)
    words = ["annotations", "test", PARITY, "--test", "b", "--on", "2024-01-01", "--json"]
    told = json.loads(called(words, capsys).out)
    jsonschema.validate(told, json.loads((SCHEMAS / "annotations-test-1.json").read_text()))
    assert [(one["place"], one["over"]) for one in told["rules"]] == [
        ("annotations/chips.toml:2", True),
        ("annotations/chips.toml:14", False),
    ]


def test_config_check_says_what_is_wrong_with_a_rule(
    built: TestSite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site = copy_of(built, tmp_path)
    write_rules(site, "[[knwon]]\n", "wrong.toml")
    monkeypatch.chdir(site.root)
    ended = called(["config", "check"], capsys)
    assert ended.code == 2
    assert 'wrong.toml:1: knwon: there is no such key; did you mean "known"?' in ended.err
