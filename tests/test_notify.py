"""The owner's own program: what it gets, and that it can't hurt the job."""

import io
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from mtsite.config import config_for_areas
from mtsite.doctor import examine
from mtsite.jobhistory import FAILED, JobEntry, StepEntry
from mtsite.notify import failure_document, notify
from mtsite.operation import NotifyConfig
from mtsite.terminal import TerminalReport

SCHEMA = Path(__file__).parents[1] / "docs/schemas/job-failure-1.json"
ENTRY = JobEntry(
    "nightly",
    3,
    1e9,
    ended=1e9 + 7,
    exit=3,
    state=FAILED,
    told="publish: no; $(touch x) `touch y`",
    steps=(StepEntry("publish", "failed", 1, {}, "no"),),
)


def told(*command: str, seconds: int = 20) -> str:
    said = io.StringIO()
    document = failure_document("Runs", "https://x.example/_jobs/index.html", ENTRY)
    notify(NotifyConfig(command, seconds), document, TerminalReport(said))
    return said.getvalue()


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def test_it_gets_the_document_on_stdin_and_its_arguments_as_they_are(tmp_path: Path) -> None:
    script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2] + sys.stdin.read())"
    out = tmp_path / "told"
    assert told(*python(script), str(out), "$HOME;*\n") == ""
    argument, _, document = out.read_text().partition("\n")
    assert argument == "$HOME;*"
    jsonschema.validate(json.loads(document), json.loads(SCHEMA.read_text()))
    assert json.loads(document)["told"] == ENTRY.told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["told"]


def test_without_a_command_nobody_is_told() -> None:
    assert told() == ""


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd", "a\0b"])
def test_one_that_cant_be_started_is_a_warning(program: str) -> None:
    assert "can't be started" in told(program)


def test_one_that_fails_is_a_warning_with_what_it_said() -> None:
    warned = told(*python("import sys; sys.exit('no mail server')"))
    assert "exit code 1: no mail server" in warned


def test_one_that_reads_nothing_is_fine() -> None:
    assert told(*python("pass")) == ""


@pytest.mark.faults
def test_one_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    child = f"{sys.executable} -c 'import time; time.sleep(60)'"
    script = (
        f"import subprocess, sys, time; p = subprocess.Popen({child!r}, shell=True)\n"
        "open(sys.argv[1], 'w').write(str(p.pid)); time.sleep(60)"
    )
    begun = time.monotonic()
    assert "did not end in 2 s" in told(*python(script), str(tmp_path / "pid"), seconds=2)
    assert time.monotonic() - begun < 30
    pid = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 10
    while stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("program", "well"), [(sys.executable, True), ("/no/such", False)])
def test_the_doctor_looks_for_the_program(tmp_path: Path, program: str, well: bool) -> None:
    config = config_for_areas([], tmp_path / "site", tmp_path / ".mtsite")
    config = replace(config, notify=NotifyConfig((program,)))
    checks = {one.what: one.well for one in examine(config, {}, now=time.time(), offline=True)}
    assert checks["notify"] == well
