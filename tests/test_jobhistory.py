"""The history of jobs: what a kill, a full disk or a foreign hand may do to it."""

import json
import multiprocessing
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite import jobhistory
from mtsite.jobhistory import (
    DONE,
    FILE,
    KEPT,
    KILLED,
    RUNNING,
    TALKING,
    JobEntry,
    StepEntry,
    begin,
    end,
    read_history,
)

STEPS = (StepEntry("build", "partly", 1.5, {"files written": 3}, "area x: gone"),)


def run_once(state: Path, job: str = "nightly", now: float = 1e9, **rest: object) -> JobEntry:
    entry = begin(state, job, now, "mtsite nightly")
    entry = replace(entry, ended=now + 5, state=DONE, exit=0, **rest)  # type: ignore[arg-type]
    end(state, entry)
    return entry


def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    entry = run_once(tmp_path, steps=STEPS, sizes={"site": 7}, said=("a", "b"))
    assert read_history(tmp_path).entries == (entry,)
    assert entry.counts == {"build: files written": 3}


def test_runs_of_a_job_are_numbered_from_1(tmp_path: Path) -> None:
    for job in ("nightly", "refresh", "nightly"):
        run_once(tmp_path, job)
    history = read_history(tmp_path)
    assert [(one.job, one.number) for one in history.entries] == [
        ("nightly", 1),
        ("nightly", 2),
        ("refresh", 1),
    ]
    assert history.jobs() == ["nightly", "refresh"]


def test_a_job_that_goes_on_is_running(tmp_path: Path) -> None:
    begin(tmp_path, "nightly", 1e9, "")
    assert read_history(tmp_path).entries[0].state == RUNNING


def test_a_job_that_left_no_word_was_killed(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from mtsite.jobhistory import begin\n"
        "begin(Path(sys.argv[1]), 'nightly', 1e9, ''); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)])
    assert done.returncode == -signal.SIGKILL
    assert read_history(tmp_path).entries[0].state == KILLED


@pytest.mark.parametrize(
    "damage",
    [
        b"{torn",
        b"null\n",
        b"[1]\n",
        b'{"job": 3}\n',
        b'{"job":"x","number":1,"begun":"soon"}\n',
        b'{"job":"x","number":1,"begun":1e300}\n',
        b'{"job":"x","number":1,"begun":1,"steps":[3]}\n',
        b'{"job":"x","number":1,"begun":1,"sizes":[3]}\n',
        b"\xff\xfe\0\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_damaged_line_is_counted_and_costs_no_other(tmp_path: Path, damage: bytes) -> None:
    first = run_once(tmp_path)
    with (tmp_path / FILE).open("ab") as file:
        file.write(damage)
    second = run_once(tmp_path, now=2e9)
    history = read_history(tmp_path)
    assert history.entries == (first, second)
    assert history.damaged == 1


@given(st.binary(max_size=200))
def test_no_content_breaks_reading(content: bytes) -> None:
    entries, damaged = jobhistory._parse(content)
    lines = [line for line in content.split(b"\n") if line.strip()]
    assert len(entries) + damaged <= len(lines)
    assert bool(entries or damaged) == bool(lines)


def test_a_file_that_is_a_directory_is_told_as_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert read_history(tmp_path).damaged == 1


def test_a_name_from_a_newer_mtsite_is_passed_over(tmp_path: Path) -> None:
    told = {"job": "x", "number": 1, "begun": 1.0, "ended": 2.0, "state": "done", "mood": "fine"}
    (tmp_path / FILE).write_text(json.dumps(told))
    assert read_history(tmp_path).last("x") == JobEntry("x", 1, 1.0, ended=2.0, state="done")


def test_it_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobhistory, "MOST_BYTES", 100_000)
    monkeypatch.setattr(jobhistory, "KEPT", 20)
    monkeypatch.setattr(jobhistory, "TALKING", 5)
    run_once(tmp_path, "seldom")
    for number in range(60):
        run_once(tmp_path, now=1e9 + number, said=("x" * 2000,) * 3)
    size = (tmp_path / FILE).stat().st_size
    assert size < 120_000
    history = read_history(tmp_path)
    assert history.last("seldom") is not None
    assert history.entries[-1].number == 60
    assert len(history.of("nightly")) < 60
    assert KEPT == 400 and TALKING == 40


def test_talk_without_end_is_cut(tmp_path: Path) -> None:
    run_once(tmp_path, said=tuple(str(n) for n in range(5000)), told="y" * 10_000)
    entry = read_history(tmp_path).entries[0]
    assert len(entry.said) == jobhistory.MOST_SAID + 1
    assert (entry.said[0], entry.said[-1]) == ("0", "4999")
    assert len(entry.told) == jobhistory.MOST_TEXT


def _write_many(state: Path, job: str) -> None:
    for number in range(20):
        run_once(state, job, now=1e9 + number, said=("x" * 500,) * 4)


def test_two_writers_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobhistory, "MOST_BYTES", 20_000)
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_many, args=(tmp_path, job)) for job in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    history = read_history(tmp_path)
    assert (len(history.of("a")), len(history.of("b")), history.damaged) == (20, 20, 0)


@pytest.mark.faults
def test_a_full_disk_tears_one_line_at_most(tmp_path: Path) -> None:
    first = run_once(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = (tmp_path / FILE).stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
        with pytest.raises(OSError):
            begin(tmp_path, "nightly", 2e9, "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    third = run_once(tmp_path, now=3e9)
    history = read_history(tmp_path)
    assert history.entries == (first, third)
    assert history.damaged == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
