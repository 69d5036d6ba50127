import contextlib
import io
import json
import os

import pytest
from feeds import valid

from mtsite.cli import run
from mtsite.commands.demo import last_morning
from mtsite.invocation import Invocation

MORNING = 1_795_327_200  # 2026-11-22 06:00 UTC


def demo(*arguments, environ=None):
    invocation = Invocation(environ=environ or {})
    return run(["demo", *map(str, arguments)], invocation)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Where the first demo lies and what it said, made where settings of another site are set."""
    base = tmp_path_factory.mktemp("demo")
    elsewhere = str(base / "elsewhere")
    names = ("MTSITE_SITE_OUTPUT", "MTSITE_PUBLISH_DESTINATION", "MT_LINKTREE")
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        words = (base / "first look", "--days", "6", "--json")
        assert demo(*words, environ=dict.fromkeys(names, elsewhere)) == 0
    return base / "first look", json.loads(told.getvalue())


@pytest.fixture(scope="module")
def made(first):
    return first[0]


@pytest.mark.parametrize("second", [0, 1, 3600, 86_399])
def test_a_days_demos_share_one_morning(second):
    assert last_morning(MORNING + second) == MORNING


def test_before_six_it_is_still_yesterday():
    assert last_morning(MORNING - 0.5) == MORNING - 86_400


def test_the_demo_ends_with_a_site_and_a_published_copy(made):
    for directory in ("site", "published"):
        page = (made / directory / "index.html").read_text(encoding="utf-8")
        for area in ("Chip and firmware nightlies", "Web platform, daily"):
            assert area in page


def test_the_planted_token_is_nowhere_in_the_site(made):
    tokens = [("AK" + "IADEMOFAKE").encode(), ("gh" + "p_NotAReal").encode()]
    seen = 0
    for directory in ("site", "published"):
        for path in (made / directory).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(token in content for token in tokens), path
                seen += 1
    assert seen > 100


def test_every_feed_is_valid_atom(made):
    feeds = [valid(path.read_bytes()) for path in (made / "site").rglob("feed.xml")]
    assert sum(bool(feed.entries) for feed in feeds) > 4


def test_finished_runs_were_reduced(made):
    assert (made / "areas" / "chipyard" / "completed-runs.db").is_file()


def test_as_json_it_names_the_index(first):
    _, told = first
    assert told["schema"] == "mtsite/demo/1"
    assert os.path.exists(told["index"])  # noqa: PTH110 # a string, as a script gets it


def test_settings_for_another_site_do_not_reach_the_demo(made):
    assert not (made.parent / "elsewhere").exists()
    assert (made / "site" / "index.html").is_file()


def test_it_says_what_to_open_and_a_second_time_that_it_makes_it_anew(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert demo("--days", "1") == 0
    told = capsys.readouterr()
    assert str(tmp_path / "mtsite-demo" / "site" / "index.html") in told.out
    assert "mtsite --config mtsite-demo/mtsite.toml serve" in told.out
    assert "anew" not in told.err
    assert demo("--days", "1") == 0
    assert "making it anew" in capsys.readouterr().err


def test_a_foreign_directory_is_refused_with_exit_code_2(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("x")
    assert demo(tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
