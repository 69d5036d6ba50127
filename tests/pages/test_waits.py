"""What pages say of tests that wait: both ends, the cause first, the order of the run."""

import json
import re
import time
from pathlib import Path

import pytest
from browser import pieces, waiting_runs
from browser.odd_runs import many
from msgspec.structs import replace
from pages.shown import THEME, context_of_run, context_of_test, failing_rows, joined

from mtsite.check.schema import Schemas
from mtsite.model import TestDatum, TestName
from mtsite.pages import relations_file, run, test
from mtsite.pages.relations import Relations
from mtsite.pages.waits import Side, cause_words
from mtsite.relations import MOST_CYCLES

SCHEMAS = Schemas(Path(__file__).parents[2] / "docs/schemas")
SMALL = waiting_runs.small()


def relations_of(made: waiting_runs.Waiting) -> Relations:
    return Relations(made.run, [str(verdict) for verdict in made.verdicts], made.record.definitions)


def sides(made: waiting_runs.Waiting, name: TestName) -> dict[str, Side]:
    found = context_of_test(made, name)["relations"]
    assert isinstance(found, tuple)
    return {side.title: side for side in found}


def named(side: Side) -> list[tuple[str, str]]:
    return [(row[2], row[3]) for row in side.rows]


def test_both_ends_name_the_other_with_its_state_and_a_link() -> None:
    before = sides(SMALL, ("deploy", ""))["Waits for"]
    assert named(before) == [("blocked", "link"), ("pass", "lint")]
    assert before.rows[0][4] == "../link/index.html"
    after = sides(SMALL, ("deploy", ""))["Waited for by"]
    assert [(r[3], r[5]) for r in after.rows] == [("smoke", ""), ("report", "however it ends")]


def test_items_wait_for_items_and_else_for_what_their_test_waits_for() -> None:
    assert named(sides(SMALL, ("check", "r/2"))["Waits for"]) == [("fail", "corners/v/2")]
    assert named(sides(SMALL, ("check", "r/9"))["Waits for"]) == [("fail", "corners")]
    assert named(sides(SMALL, ("corners", "v/2"))["Waited for by"]) == [("blocked", "check/r/2")]


def test_an_item_says_who_waits_for_the_whole() -> None:
    page = THEME.render(test.TEMPLATE, context_of_test(SMALL, ("corners", "v/1"))).decode()
    assert "2 wait for the test with all its items" in page
    assert 'href="../../index.html#relations"' in page


def test_other_kinds_are_told_at_both_ends() -> None:
    assert named(sides(SMALL, ("alone", ""))["Duplicate of"]) == [("pass", "lint")]
    assert named(sides(SMALL, ("lint", ""))["Duplicated by"]) == [("pass", "alone")]


# -- why a test never began ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (("link", ""), "build failed, so this test did not start."),
        (("deploy", ""), "build failed, so link did not start, so this test did not start."),
        (
            ("smoke", ""),
            "build failed, so link did not start, so deploy did not start,"
            " so this test did not start.",
        ),
        (("check", "r/2"), "corners/v/2 failed, so this test did not start."),
        (("ring_a", ""), "It waits for itself, so it could not start: ring_a → ring_b → ring_c"),
        (("build", ""), ""),
        (("report", ""), ""),
    ],
)
def test_the_cause_comes_first(name: TestName, told: str) -> None:
    said = joined(context_of_test(SMALL, name)["because"])
    assert said.startswith(told) and bool(said) == bool(told)


def test_the_cause_is_a_link_and_names_are_escaped() -> None:
    page = THEME.render(test.TEMPLATE, context_of_test(SMALL, ("deploy", ""))).decode()
    assert '<a href="../build/index.html"><bdi>build</bdi></a><bdi> failed</bdi>' in page
    hostile = THEME.render(test.TEMPLATE, context_of_test(SMALL, ("link", ""))).decode()
    assert "&lt;script&gt;alert(1)" in hostile and "<script>alert(1)" not in hostile


def test_a_long_way_to_the_cause_is_cut_in_the_middle_of_it() -> None:
    chain = {f"c{n}": f"c{n - 1}" for n in range(1, 9)}
    letters = {(name, ""): "B" for name in chain} | {("c0", ""): "K"}
    made = waiting_runs.Waiting("chain", letters, chain)
    assert joined(context_of_test(made, ("c8", ""))["because"]) == (
        "c0 was killed, so 4 tests did not start, so c5 did not start, so c6 did not start,"
        " so c7 did not start, so this test did not start."
    )


@pytest.mark.parametrize(
    ("letter", "told"),
    [("R", "a is still running: this test waits for that."), ("P", ""), ("W", "")],
)
def test_what_may_still_begin_says_what_it_waits_for(letter: str, told: str) -> None:
    made = waiting_runs.Waiting("w", {("a", ""): letter, ("b", ""): "N"}, {"b": "a"})
    assert joined(context_of_test(made, ("b", ""))["because"]) == told


@pytest.mark.parametrize(
    ("a", "b", "blamed"),
    [("P", "F", ""), ("F", "K", "a failed, and 1 more"), ("F", "R", "a failed, and 1 more")],
)
def test_of_waitor_one_that_went_well_is_enough(a: str, b: str, blamed: str) -> None:
    letters = {("a", ""): a, ("b", ""): b, ("t", ""): "B"}
    made = waiting_runs.Waiting("w", letters, {"t": " | waitor a b"})
    assert cause_words(relations_of(made), ("t", "")) == blamed


def test_the_list_of_failures_names_the_cause() -> None:
    silent = {row.entry.testname: row.silence for row in failing_rows(SMALL) if row.silence}
    assert silent["smoke"] == "did not start: build failed"
    assert silent["check"] == "did not start: corners/v/2 failed"


# -- the order of a run ----------------------------------------------------------------------------


def run_page(made: waiting_runs.Waiting) -> str:
    return THEME.render(run.TEMPLATE, context_of_run(made)).decode()


def text_of(page: str) -> str:
    section = page[page.index('id="order"') :].partition("</section>")[0]
    section = re.sub(r'<span class="heard">[^<]*</span>', "", section)
    return " ".join(re.sub(r"<[^>]+>", " ", section).split())


def test_the_run_shows_levels_cycles_and_what_is_missing() -> None:
    text = text_of(run_page(SMALL))
    assert "none of them can begin: ring_a → ring_b → ring_c → ring_a" in text
    assert "1 cycle" in text and "5 tests did not start for what they wait for" in text
    assert "wait for each other ◌ ring_a ◌ ring_b ◌ ring_c" in text
    assert "after link , lint ⊘ deploy" in text
    assert "nobody (by lint )" in text


def test_a_run_in_which_nothing_waits_says_nothing() -> None:
    assert 'id="order"' not in THEME.render(run.TEMPLATE, context_of_run(many(20, 3))).decode()


def test_a_run_whose_tests_only_repeat_others_has_no_order() -> None:
    made = waiting_runs.Waiting("w", {("a", ""): "P", ("b", ""): "P"}, {})
    stated = TestDatum("relation", "duplicates", "a", None, None, "", "", None, "")
    made.run = replace(made.run, tests=tuple(replace(t, data=(stated,)) for t in made.run.tests))
    assert relations_of(made).edges
    assert 'id="order"' not in run_page(made)


def test_tests_that_wait_for_themselves_are_told_one_by_one() -> None:
    names = [f"t{n:02d}" for n in range(MOST_CYCLES + 1)]
    made = waiting_runs.Waiting("w", {(n, ""): "N" for n in names}, {n: n for n in names})
    text = text_of(run_page(made))
    assert "It waits for itself, so it can't begin: t00 → t00" in text.replace("&#39;", "'")
    one = waiting_runs.Waiting("w", {("a", ""): "N"}, {"a": "a"})
    assert "waits for itself ◌ a" in text_of(run_page(one))
    more = re.search(r"\d+ more test[^;]*; (it is|they are) in the JSON", text)
    assert more is not None
    assert "1 more tests" not in text


def test_500_tests_that_wait_for_one_and_are_waited_for_by_one_are_readable() -> None:
    fans = waiting_runs.fans()
    page = run_page(fans)
    assert len(page.encode()) < 150_000
    text = text_of(page)
    assert "3 levels · 1000 waits" in text
    assert "after a_build : 16 failed, 484 passed ✗ t000 ✗ t033" in text
    assert "after t000 , t001 , t002 , t003 and 496 more ⊘ a_report" in text
    for name, title in ((("a_build", ""), "Waited for by"), (("a_report", ""), "Waits for")):
        side = sides(fans, name)[title]
        assert (side.total, side.counted) == (500, "16 failed, 484 passed")
        assert [row[2] for row in side.rows] == ["fail"] * 16
        assert [(fold.title, len(fold.rows)) for fold in side.folds] == [("484 passed", 484)]
        whole = THEME.render(test.TEMPLATE, context_of_test(fans, name))
        assert len(whole) < 110_000
    assert joined(context_of_test(fans, ("a_report", ""))["because"]).startswith(
        "t000 failed; t033 failed; t066 failed; 13 more tests that it waits for did not go well,"
    )


def test_10_000_edges_stay_light_and_quick() -> None:
    names = [f"{'n' * 60}{i:03d}" for i in range(150)]
    letters = {(name, ""): "B" if i else "F" for i, name in enumerate(names)}
    waits = {name: " ".join(names[:i]) for i, name in enumerate(names) if i}
    start = time.process_time()
    made = waiting_runs.Waiting("dense", letters, waits)
    page = run_page(made)
    told = relations_file.document(relations_of(made))
    assert len(page.encode()) < 150_000
    assert len(told["edges"]) == 11_175  # type: ignore[arg-type] # a list
    assert len(THEME.render(test.TEMPLATE, context_of_test(made, (names[-1], "")))) < 130_000
    assert time.process_time() - start < 5


# -- the file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [SMALL, waiting_runs.fans()], ids=["small", "fans"])
def test_the_file_of_relations_fits_its_schema(made: waiting_runs.Waiting) -> None:
    told = json.loads(json.dumps(relations_file.document(relations_of(made))))
    assert SCHEMAS.judge(told) == ""


def test_the_file_has_every_edge_with_its_ends_and_every_cause() -> None:
    told = relations_file.document(relations_of(SMALL))
    edge = {
        "from": {
            "testname": "deploy",
            "item_path": "",
            "address": "chipyard/rhel9/nfs/nightly/waits/deploy/index.html",
            "verdict": "B",
        },
        "to": {
            "testname": "link",
            "item_path": "",
            "address": "chipyard/rhel9/nfs/nightly/waits/link/index.html",
            "verdict": "B",
        },
        "kind": "depends-on",
        "how": "",
    }
    assert edge in told["edges"]  # type: ignore[operator] # a list
    assert told["cycles"] == [["ring_a", "ring_b", "ring_c", "ring_a"]]
    never = {one["testname"]: one["causes"] for one in told["never_began"]}  # type: ignore[attr-defined] # a list
    name = {"testname": "build", "item_path": ""}
    assert never["smoke"] == [
        {"first": name, "by": {"testname": "deploy", "item_path": ""}, "steps": 3}
    ]
    assert pieces.HOSTILE[0] in json.dumps(told)
