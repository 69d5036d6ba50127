"""What a run's page says of it beside the run before and the last good one."""

import json

import jsonschema
from browser import records
from msgspec.structs import replace
from pages.shown import THEME, context_of_run

from mtsite import comparison, urls
from mtsite.build.theme import schemas_dir
from mtsite.facts import Compared
from mtsite.model import RunFacts, TestDatum
from mtsite.pages import comparing, run


def test_the_page_names_both_runs_and_counts_every_class(night: records.Night) -> None:
    html = THEME.render(run.TEMPLATE, context_of_run(night)).decode()
    shown = comparing.shown(night.run, night.facts, urls.run_page(night.key))
    assert [one.runname for one in shown] == ["ww47.4", "ww45.2"]
    for one in shown:
        assert one.said in html
    assert "ww45.2</bdi></b>" in html
    assert "1 only there" in shown[0].said


def test_a_line_says_what_the_test_came_to_there_and_here(night: records.Night) -> None:
    first = comparing.shown(night.run, night.facts, urls.run_page(night.key))[0]
    lines = {name: said for _, _, rows in first.groups for name, _, said in rows}
    assert lines["ddr_train_smoke"] == "pass → fail"
    assert lines["old_test"] == "pass → not there"


def test_what_only_the_other_run_has_is_linked_there(night: records.Night) -> None:
    first = comparing.shown(night.run, night.facts, urls.run_page(night.key))[0]
    links = {name: href for _, _, rows in first.groups for name, href, _ in rows}
    assert links["old_test"] == "../ww47.4/old_test/index.html"
    assert first.href == "../ww47.4/index.html"


def test_values_that_moved_are_told_with_their_units(night: records.Night) -> None:
    first = comparing.shown(night.run, night.facts, urls.run_page(night.key))[0]
    assert first.values_total > 0
    assert any(said.endswith(" MHz") for _, _, said in first.values)


def test_a_record_without_comparisons_has_no_such_part(night: records.Night) -> None:
    html = THEME.render(
        run.TEMPLATE, context_of_run(night, facts=replace(night.facts, compared=()))
    ).decode()
    assert 'id="compared"' not in html


def test_rows_are_cut_to_their_room_and_the_cut_is_counted(night: records.Night) -> None:
    rows = tuple((f"{'long_name' * 8}_{i}", "", "P", "F") for i in range(200))
    one = Compared("r1", {comparison.WORSE: 5000}, rows)
    shown = comparing.shown(night.run, RunFacts(compared=(one,)), urls.run_page(night.key))[0]
    size = sum(len("".join(line)) for _, _, lines in shown.groups for line in lines)
    assert 0 < size < comparing.ROOM
    assert shown.groups[0][1] == 5000
    assert shown.cut


def test_a_value_whose_row_is_no_more_is_left_out(night: records.Night) -> None:
    one = Compared("r1", {}, (), (("ddr_train_smoke", "", 7, 1.0, 2.0),), 1)
    shown = comparing.shown(night.run, RunFacts(compared=(one,)), urls.run_page(night.key))[0]
    assert shown.values == ()


def test_the_twin_tells_the_comparisons_within_its_schema(night: records.Night) -> None:
    twin = run.twin(night.run, night.verdicts, night.record, night.facts, night.summary)
    jsonschema.validate(
        json.loads(json.dumps(twin)), json.loads((schemas_dir() / "run-1.json").read_text())
    )
    facts = twin["facts"]
    assert isinstance(facts, dict)
    assert [one["runname"] for one in facts["compared"]] == ["ww47.4", "ww45.2"]


def test_very_many_values_are_left_out_and_said(night: records.Night) -> None:
    datum = TestDatum("c" * 100, "v" * 100, 1.0, None, None, "", "", None, "")
    many = tuple(replace(one, data=(datum,) * 100) for one in night.run.tests)
    content = comparing.values_shard(replace(night.run, tests=many), "P" * len(many))
    assert len(content) < 1_000_000
    said = json.loads(json.loads(content[content.index(b",") + 1 : -2]))
    assert said["cut"] is True
    assert len(said["tests"]) == sum(not one.toplevel for one in many)
