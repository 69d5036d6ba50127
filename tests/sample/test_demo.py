import json
import os

import pytest

from mtsite.cli import run
from mtsite.commands.demo import last_morning
from mtsite.invocation import Invocation

MORNING = 1_795_327_200  # 2026-11-22 06:00 UTC


def demo(*arguments, environ=None):
    invocation = Invocation(environ=environ or {})
    return run(["demo", *map(str, arguments)], invocation)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo") / "first look"
    assert demo(root, "--days", "2") == 0
    return root


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


def test_finished_runs_were_reduced(tmp_path):
    assert demo(tmp_path / "demo", "--days", "6") == 0
    assert (tmp_path / "demo" / "areas" / "chipyard" / "completed-runs.db").is_file()


def test_it_says_what_to_open(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert demo("--days", "1") == 0
    told = capsys.readouterr().out
    assert str(tmp_path / "mtsite-demo" / "site" / "index.html") in told
    assert "mtsite --config mtsite-demo/mtsite.toml serve" in told


def test_as_json_it_names_the_index(tmp_path, capsys):
    assert demo(tmp_path / "demo", "--days", "1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "mtsite/demo/1"
    assert os.path.exists(told["index"])  # noqa: PTH110 # a string, as a script gets it


def test_a_foreign_directory_is_refused_with_exit_code_2(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("x")
    assert demo(tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_second_demo_says_that_it_makes_the_first_anew(tmp_path, capsys):
    assert demo(tmp_path, "--days", "1") == 0
    assert demo(tmp_path, "--days", "1") == 0
    assert "making it anew" in capsys.readouterr().err


def test_settings_for_another_site_do_not_reach_the_demo(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    environ = {
        "MTSITE_SITE_OUTPUT": str(elsewhere),
        "MTSITE_PUBLISH_DESTINATION": str(elsewhere),
        "MT_LINKTREE": str(elsewhere),
    }
    assert demo(tmp_path / "demo", "--days", "1", environ=environ) == 0
    assert not elsewhere.exists()
    assert (tmp_path / "demo" / "site" / "index.html").is_file()
