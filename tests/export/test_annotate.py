"""`run annotate`: attributes of a run, in Megatest's own table, wherever its rows lie."""

import json
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from calling import called
from sites import make_site
from storage import connect

from mtsite.config import AreaConfig
from mtsite.errors import MissingError
from mtsite.ingest.annotate import annotate_run
from mtsite.megatest.merge import list_areas


@pytest.fixture
def area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestArea:
    """Two runs, the first of them reduced."""
    made = make_area(tmp_path, "chips", runs=[run("u/n", "w01", [test("a")])])
    made.add_run(run("u/n", "w02", [test("a")]))
    made.make_completed()
    made.copy_run("w01", made.completed)
    made.drop_run("w01")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(make_site(tmp_path / "home", made).root)
    return made


def annotate(capsys: pytest.CaptureFixture[str], name: str, *words: str) -> dict[str, str]:
    ended = called(["run", "annotate", "--json", f"chips/u/n/{name}", *words], capsys)
    assert ended.code == 0, ended.err
    return {one["name"]: one["value"] for one in json.loads(ended.out)["attributes"]}


@pytest.mark.parametrize("name", ["w01", "w02"])
def test_attributes_are_set_changed_and_taken_away(
    area: TestArea, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert annotate(capsys, name, "build=b31", "url=https://x/?a=b") == {
        "build": "b31",
        "url": "https://x/?a=b",
    }
    assert annotate(capsys, name, "build=b32", "url=") == {"build": "b32"}
    assert annotate(capsys, name) == {"build": "b32"}
    assert annotate(capsys, name, "-n", "build=b33") == {"build": "b32"}
    exported = called(["run", "export", "--junit", f"chips/u/n/{name}"], capsys).out
    assert '<property name="build" value="b32"/>' in exported
    database = area.completed if name == "w01" else area.database
    with connect(database) as connection:
        assert connection.execute("SELECT key, val FROM extradat").fetchall() == [("build", "b32")]


@pytest.mark.parametrize("word", ["build", "=x", "mtsite.source=x"])
def test_a_word_that_is_no_attribute_changes_nothing(
    area: TestArea, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["run", "annotate", "chips/u/n/w02", "a=b", word], capsys)
    assert ended.code == 2
    assert annotate(capsys, "w02") == {}


def test_a_run_that_is_moved_before_its_area_is_locked_leaves_nothing(area: TestArea) -> None:
    settings = AreaConfig(name="chips", path=area.path)
    (listing,) = list_areas([settings], {})
    head = next(one for one in listing.heads if one.key.runname == "w02")
    area.drop_run("w02")
    with pytest.raises(MissingError):
        annotate_run(head, {"chips": settings}, {"build": "b31"})
    with connect(area.database) as connection:
        assert connection.execute("SELECT count(*) FROM extradat").fetchone() == (0,)
