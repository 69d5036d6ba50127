import contextlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from feeds import valid

from mtsite.cli import run
from mtsite.commands.demo import last_morning
from mtsite.invocation import Invocation

MORNING = 1_795_327_200  # 2026-11-22 06:00 UTC


def demo(*arguments, environ=None):
    invocation = Invocation(environ=environ or {})
    return run(["demo", *map(str, arguments)], invocation)


@dataclass
class Made:
    """A demo of one day, and another in its place, made where settings of another site are set."""

    root: Path
    first: tuple[str, str]
    second: tuple[str, str]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    base = tmp_path_factory.mktemp("a first look")
    names = ("MTSITE_SITE_OUTPUT", "MTSITE_PUBLISH_DESTINATION", "MT_LINKTREE")
    environ = dict.fromkeys(names, str(base / "elsewhere"))
    with contextlib.chdir(base):
        first = told_by("--days", "1", environ=environ)
        second = told_by("--days", "6", "--json", environ=environ)
    return Made(base / "mtsite-demo", first, second)


def told_by(*words, environ):
    """What a demo says that goes well: (standard output, standard error)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert demo(*words, environ=environ) == 0
    return out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def made(both):
    return both.root


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


def test_as_json_it_names_the_index(both):
    told = json.loads(both.second[0])
    assert told["schema"] == "mtsite/demo/1"
    assert os.path.exists(told["index"])  # noqa: PTH110 # a string, as a script gets it


def test_settings_for_another_site_do_not_reach_the_demo(made):
    assert not (made.parent / "elsewhere").exists()
    assert (made / "site" / "index.html").is_file()


def test_it_says_what_to_open(both):
    out, err = both.first
    assert str(both.root / "site" / "index.html") in out
    assert "mtsite --config mtsite-demo/mtsite.toml serve" in out
    assert "anew" not in err


def test_a_second_time_it_says_that_it_makes_it_anew(both):
    assert "making it anew" in both.second[1]


def test_a_foreign_directory_is_refused_with_exit_code_2(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("x")
    assert demo(tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
