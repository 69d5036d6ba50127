"""`mtsite hold`: what it writes, says and refuses."""

import json
from pathlib import Path

import areas
import pytest
from calling import called


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    area = areas.make_area(tmp_path, runs=[areas.run("ubuntu/nfs", "w01", tests=[areas.test("t")])])
    (tmp_path / "mtsite.toml").write_text(f'[areas.fullrun]\npath = "{area.path}"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


RUN = "fullrun/ubuntu/nfs/w01"


def test_a_hold_is_written_with_who_why_and_until(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["hold", "add", RUN, "--why", "release", "--who", "matt", "--until", "2999-12-31"]
    assert called(words, capsys).code == 0
    document = json.loads(called(["hold", "ls", "--json"], capsys).out)
    assert document["holds"] == [
        {"run": RUN, "why": "release", "who": "matt", "until": "2999-12-31", "expired": False}
    ]


def test_a_run_that_nobody_knows_is_not_held(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["hold", "add", f"{RUN}x", "--why", "release"], capsys)
    assert ended.code == 10
    assert not (site / "holds.toml").exists()


def test_a_day_that_is_over_is_refused(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["hold", "add", RUN, "--why", "x", "--until", "2001-01-01"], capsys)
    assert ended.code == 2
    assert "is over" in ended.err


def test_a_hold_can_be_taken_away(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called(["hold", "add", RUN, "--why", "release"], capsys)
    assert called(["hold", "rm", RUN], capsys).code == 0
    assert called(["hold", "rm", RUN], capsys).code == 10


def test_expired_holds_are_said(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "holds.toml").write_text(f'[[hold]]\nrun = "{RUN}"\nwhy = "x"\nuntil = 2001-01-01\n')
    ended = called(["hold", "ls"], capsys)
    assert "2001-01-01 (expired)" in ended.out
    assert "1 hold has expired" in ended.err
