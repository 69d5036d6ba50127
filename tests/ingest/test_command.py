"""`mtsite ingest` on the command line: which area is meant, what is said, exit codes."""

import json
import os
from pathlib import Path

import pytest
from calling import called

GOOD = '<testsuite name="s"><testcase name="a"/></testsuite>'
WORDS = ["ingest", "junit", "--target", "linux", "--runname", "r1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.xml").write_text(GOOD)
    (tmp_path / "broken.xml").write_text("<testsuite>")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_is_an_area_of_the_site_and_else_a_directory(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mtsite.toml").write_text('[areas.ci]\npath = "elsewhere"\n')
    for area in ("ci", "other"):
        assert called([*WORDS, "--area", area, "good.xml"], capsys).code == 0
    assert (here / "elsewhere/megatest.config").exists()
    assert (here / "other/megatest.config").exists()
    assert not (here / "ci").exists()


def test_a_wrong_mtsite_toml_is_not_passed_over(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mtsite.toml").write_text("[areas.ci]\npth = 3\n")
    assert called([*WORDS, "--area", "ci", "good.xml"], capsys).code == 2
    assert not (here / "ci").exists()


@pytest.mark.parametrize("option", ["--runname", "--target"])
def test_names_that_are_no_text_are_refused(
    here: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*WORDS, "--area", "ci", option, os.fsdecode(b"r\xff"), "good.xml"]
    assert called(words, capsys).code == 2
    assert not (here / "ci").exists()


def test_what_was_done_is_told_to_people_and_programs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = called([*WORDS, "--area", "ci", "good.xml"], capsys)
    assert f"made the area {here / 'ci'}" in first.err
    assert "ingested: ci/linux/r1, 1 item of 1 test from 1 file: 1 passed" in first.err
    again = json.loads(called([*WORDS, "--area", "ci", "--json", "good.xml"], capsys).out)
    assert (again["schema"], again["done"]) == ("mtsite/ingest/1", "unchanged")


def test_the_next_step_is_one_that_works(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(area: str) -> str:
        (here / area).parent.mkdir(exist_ok=True)
        return called([*WORDS, "--area", area, "good.xml"], capsys).err.splitlines()[-1]

    assert told("deep/ci") == "next: mtsite build deep/ci"
    assert told("deep/../two words") == "next: mtsite build 'two words'"
    (here / "mtsite.toml").write_text('[areas.ci]\npath = "ci"\n')
    assert told("ci") == "next: mtsite build"
    new = f'add [areas."new"] with path = "{here}/new" to {here}/mtsite.toml'
    assert told("new") == f"next: {new}, then mtsite build"


def test_exit_codes_tell_refused_from_partly_done_and_conflict(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = called([*WORDS, "--area", "ci", "good.xml", "broken.xml"], capsys)
    assert (refused.code, "broken.xml, line 1" in refused.err) == (1, True)
    assert "--keep-going leaves it out" in refused.err
    partly = called([*WORDS, "--area", "ci", "--keep-going", "good.xml", "broken.xml"], capsys)
    assert (partly.code, "broken.xml, line 1" in partly.err) == (3, True)
    (here / "good.xml").write_text(GOOD.replace('"a"', '"b"'))
    assert called([*WORDS, "--area", "ci", "good.xml"], capsys).code == 13
    assert called([*WORDS, "--area", "ci", "nowhere.xml"], capsys).code == 10


def test_pages_of_an_ingested_run_have_no_command_of_megatest(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called([*WORDS, "--area", "ci", "good.xml"], capsys)
    assert called(["build", "ci"], capsys).code == 0
    page = (here / "site/ci/linux/r1/s/a/index.html").read_text(encoding="utf-8")
    assert "megatest -run" not in page
    assert "run directory" in page
