"""Broken, flaky and fixed tests on the pages of a target and of an area."""

from typing import Any

from browser import past_records, records
from pages.shown import FRAME, THEME, context_of_test

from mtsite import urls
from mtsite.pages import nodetwin, target, test, unsteady
from mtsite.pages.unsteady import LINES
from mtsite.stability import Stability, Unsteady

PATH = urls.area_page("a", ("x",))
HERE = ("a", ("x",))


def columns(found: dict[str, object] | None) -> dict[str, Any]:
    assert found is not None
    listed: Any = found["columns"]
    return {head: (total, lines) for head, _, _, total, lines in listed}


def broken(name: str, runs: int, *, longer: bool = False) -> Unsteady:
    return Unsteady("broken", name, "", "F", 1, 9, f"r{runs}", runs, longer)


def test_a_broken_test_leads_to_its_history_and_to_the_run_that_broke_it() -> None:
    found = unsteady.of_target(PATH, HERE, Stability((broken("t", 3),), (1, 0, 0)))
    assert columns(found)["Broken since"] == (
        "1",
        (("t", "_tests/t/index.html", "", "r3, 3 runs", "r3/t/index.html"),),
    )


def test_what_may_be_older_than_the_window_names_no_run() -> None:
    found = unsteady.of_target(PATH, HERE, Stability((broken("t", 30, longer=True),), (1, 0, 0)))
    assert columns(found)["Broken since"][1][0][3:] == ("30 runs and longer", "")


def test_a_flaky_test_shows_its_score_with_what_it_is_made_of() -> None:
    flaky = Unsteady("flaky", "t", "i", "P", 5, 20, "r1", 1)
    found = unsteady.of_target(PATH, HERE, Stability((flaky,), (0, 1, 0)))
    assert columns(found)["Flaky"][1][0][3] == "25\u202f%: 5 of 20"


def test_an_area_mixes_its_targets_newest_first_and_names_them() -> None:
    many = Stability(tuple(broken(f"m{i:02d}", i + 2) for i in range(20)), (50, 0, 0))
    other = Stability((broken("own", 1),), (1, 0, 0))
    found = unsteady.of_targets(urls.area_page("a"), [(("a", ("y",)), many), (HERE, other)])
    total, lines = columns(found)["Broken since"]
    assert (total, len(lines)) == ("51", LINES)
    assert lines[0][:3] == ("own", "x/_tests/own/index.html", "x")


def test_a_steady_target_has_no_such_part(night: records.Night) -> None:
    assert unsteady.of_target(PATH, HERE, Stability()) is None
    node = past_records.node(records.AREA, records.TARGET, night.summary, runs=3)
    shown = target.context(
        FRAME, node, [night.summary], past_records.grid(night), [], past_records.stability(night)
    )
    html = THEME.render(target.TEMPLATE, shown).decode()
    assert "switches between good and bad ÷ possible switches" in html


def test_the_page_of_a_flaky_test_tells_its_score(night: records.Night) -> None:
    name = next(name for name, facts in night.facts.tests.items() if facts.flaky)
    html = THEME.render(test.TEMPLATE, context_of_test(night, name)).decode()
    assert "possible switches in 30 runs" in html


def test_the_json_of_a_level_tells_the_same(night: records.Night) -> None:
    flaky = Unsteady("flaky", "t", "i", "P", 5, 20, "r1", 1)
    many = Stability((broken("own", 1), flaky), (7, 1, 0))
    node = past_records.node("a", (), night.summary, runs=3)
    found: Any = nodetwin.twin(node, unsteady=[(HERE, many)])["unsteady"]
    assert found["totals"] == {"broken": 7, "flaky": 1, "fixed": 0}
    assert [(one["kind"], one["testname"], one["since"]) for one in found["tests"]] == [
        ("broken", "own", "r1"),
        ("flaky", "t", "r1"),
    ]
    assert found["tests"][1]["address"] == urls.history_page("a", ("x",), ("t", "i"))
