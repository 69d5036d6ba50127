"""The lines of [automigrate]: read, or refused with every mistake and its line."""

import pytest
from areas import make_area

from mtsite.archive.rules import read_rules
from mtsite.errors import ConfigError
from mtsite.megatest.area import open_area
from mtsite.megatest.selection import Selection
from mtsite.options import parse_age

DAY = 86_400


def rules(tmp_path, *lines):
    area = make_area(tmp_path, config="\n".join(["[automigrate]", *lines, ""]))
    return read_rules(open_area(area.settings, {}, tmp=tmp_path).config)


def test_a_rule_names_the_runs_and_the_area_they_go_to(tmp_path):
    (one,) = rules(tmp_path, "fullrun_2024 target=ubuntu/%; runname=ww%; age=30d")
    assert one.destination == "fullrun_2024"
    assert one.selection == Selection("ubuntu/%", "ww%", 30 * DAY)
    assert one.where.endswith("megatest.config:13")


def test_rules_are_tried_in_the_order_of_the_file(tmp_path):
    found = rules(tmp_path, "b age=1y", "a age=2w")
    assert [(one.destination, one.selection.older_than) for one in found] == [
        ("b", 365 * DAY),
        ("a", 14 * DAY),
    ]


def test_an_area_without_the_section_has_no_rules(tmp_path):
    assert rules(tmp_path) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("old age=30", '"30" is no age'),
        ("old age=30x", '"30x" is no age'),
        ("old age=", "age is empty"),
        ("old target=%/%", "no age"),
        ("old age=1d; age=2d", "age stands twice"),
        ("old age=1d; colour=red", "colour=red"),
        ("old age=1d; everything", "everything"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, line, told):
    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, line)
    (mistake,) = caught.value.mistakes
    assert told in mistake
    assert "megatest.config:13:" in mistake


def test_a_key_that_stands_twice_is_told_with_both_lines(tmp_path):
    with pytest.raises(ConfigError, match=r"config:14: old stands twice, and in .*config:13"):
        rules(tmp_path, "old age=30d", "old age=60d")


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, "a age=3", "b target=%", "c age=1d")
    assert len(caught.value.mistakes) == 2


def test_weeks_and_years_are_ages():
    assert (parse_age("2w"), parse_age("1y")) == (14 * DAY, 365 * DAY)
