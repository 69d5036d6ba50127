"""A night that meets trouble: limits, signals, another night, full disks, new settings."""

import errno
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crawl import crawl
from namespaces import may_have_own_host_name, own_host_name
from nights import NOTE, NOW, areas, fine, night, published, site
from sites import make_site

from mtsite import cli, jobhistory, lock, nightly
from mtsite.config import Config
from mtsite.errors import BusyError
from mtsite.jobhistory import DONE, PARTLY, read_history
from mtsite.nightly import run_night
from mtsite.nightsteps import STEPS, Done, Night
from mtsite.publish.lastjobs import recall_jobs
from mtsite.terminal import TerminalReport

SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


def sleeps(_: Night) -> Done:
    try:
        time.sleep(60)
    except Exception:
        # Stands for any code on the way that takes what it meets for trouble: the limit must
        # pass it, or the step would be told as done with 1 thing.
        return {"things": 1}, "", ""
    return {"things": 2}, "", ""


def test_a_step_that_takes_too_long_is_stopped_and_the_others_run(tmp_path: Path) -> None:
    config = site(tmp_path, '[nightly]\ntime_limits = { reduce = "1s" }\n')
    summary, said = night(config, {"reduce": sleeps, "build": fine, "publish": fine})
    assert [step.ok for step in summary.steps] == [False, True, True]
    assert summary.steps[0].error.startswith("stopped after 1s, the limit of [nightly]")
    assert "reduce: failed" in said
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_check_that_takes_too_long_does_not_keep_publish_from_running(tmp_path: Path) -> None:
    config = site(tmp_path, '[nightly]\ntime_limit = "1s"\n')
    summary, _ = night(config, {"build": fine, "check": sleeps, "publish": fine})
    assert [step.ok for step in summary.steps] == [True, False, True]


def test_a_build_has_twice_its_limit_to_reach_its_own_end(tmp_path: Path) -> None:
    config = site(tmp_path, '[nightly]\ntime_limits = { build = "1s" }\n')
    begun = time.monotonic()
    summary, _ = night(config, {"build": sleeps, "publish": fine})
    assert time.monotonic() - begun >= 2
    assert summary.steps[1].skipped == "the build did not end"


def test_a_finding_is_named_and_the_site_is_published(tmp_path: Path) -> None:
    config = published(tmp_path, '[check]\npage = "1KiB"\n')
    summary, _ = night(config)
    check, publish = summary.steps[-2:]
    assert "budgets: " in check.error and "mtsite check names them" in check.error
    assert check.counts["findings"] > 5
    assert publish.ok and publish.counts["new"] > 0
    assert read_history(config.state_dir).entries[-1].state == PARTLY


def test_a_finding_of_level_warn_is_told_and_the_night_is_fine(tmp_path: Path) -> None:
    config = published(tmp_path, '[check]\npage = "1KiB"\nbudgets = "warn"\n')
    summary, said = night(config)
    assert nightly.failure(summary) is None
    assert "warning: check: budgets: " in said


def test_a_secret_keeps_the_night_from_publishing(tmp_path: Path) -> None:
    config = published(tmp_path, f'[site]\ntitle = "{SECRET}"\n')
    summary, _ = night(config)
    publish = summary.steps[-1]
    assert publish.skipped == "check found secrets: mtsite check secrets names them"
    assert summary.steps[-2].error.startswith("secrets: ")
    assert not (tmp_path / "www" / "index.html").exists()


def requests(config: Config, monkeypatch: pytest.MonkeyPatch) -> int:
    from mtsite.publish.localdir import LocalDir

    made = []
    for verb in ("get", "put", "delete"):
        whole = getattr(LocalDir, verb)

        def counted(
            self: LocalDir, *args: object, whole: Callable[..., object] = whole, **kw: object
        ):  # type: ignore[no-untyped-def]
            made.append(args[0])
            return whole(self, *args, **kw)

        monkeypatch.setattr(LocalDir, verb, counted)
    night(config, now=NOW + 86_400)
    monkeypatch.undo()
    return len(made)


def test_a_night_with_nothing_new_costs_three_requests_and_has_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = published(tmp_path)
    night(config)
    night(config)
    assert requests(config, monkeypatch) == 3
    www = tmp_path / "www"
    assert [path.name for path in sorted((www / "_jobs").iterdir())] == [
        "index.html",
        "nightly-01.html",
    ]
    for path in ("_jobs/index.html", "_status.json", "_status.js", "_jobs/nightly-01.html"):
        assert (www / path).read_bytes() == (config.site.output / path).read_bytes()
    status = json.loads((www / "_status.json").read_text())
    assert (status["ok"], status["jobs"][0]["number"]) == (True, 3)
    assert crawl(www).dead == []


def _night_on(host: str, config: Config, outcome: "multiprocessing.Queue[str]") -> None:
    if host:
        own_host_name(host)

    def slow(_: Night) -> Done:
        time.sleep(0.5)
        return {"things": 1}, "", ""

    try:
        run_night(Night(config, TerminalReport(io.StringIO()), NOW, {}), {"build": slow})
        outcome.put("ran")
    except BusyError as error:
        outcome.put(error.message)


@pytest.mark.faults
@pytest.mark.parametrize("hosts", [("", ""), ("one", "two")], ids=["one host", "two hosts"])
def test_of_two_nights_at_the_same_instant_one_runs(tmp_path: Path, hosts: tuple[str, str]) -> None:
    if any(hosts) and not may_have_own_host_name():
        pytest.skip("not applicable: no host names of one's own for this user")
    config = site(tmp_path)
    fork = multiprocessing.get_context("fork")
    outcome: multiprocessing.Queue[str] = fork.Queue()
    both = [fork.Process(target=_night_on, args=(host, config, outcome)) for host in hosts]
    for child in both:
        child.start()
    told = sorted([outcome.get(timeout=60), outcome.get(timeout=60)])
    for child in both:
        child.join()
    assert told[1] == "ran"
    named = "(one|two)" if any(hosts) else re.escape(socket.gethostname())
    assert re.match(f"nightly is locked by `mtsite nightly` on host {named}, pid", told[0])
    assert len(read_history(config.state_dir).entries) == 1


def test_a_lock_of_another_host_is_taken_only_by_the_flag_named_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "lost")
    held = lock.hold(config.state_dir, "nightly", "mtsite nightly")
    held.__enter__()
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    words = ["--config", str(config.file), "nightly"]

    def ask(*more: str) -> int:
        return cli.run([*words, *more], cli.Invocation())

    assert ask() == 11
    assert "--take-locks-of lost" in capsys.readouterr().err
    assert ask("--take-locks-of", "other") == 11
    assert ask("--take-locks-of", "here") == 2
    assert ask("--take-locks-of", "lost") == 0
    assert "removed the lock nightly.lock: `mtsite nightly` on host lost" in capsys.readouterr().err


def test_settings_that_change_during_a_night_count_from_the_next_one(tmp_path: Path) -> None:
    config = published(tmp_path)

    def edit(now: Night) -> Done:
        assert now.config.file is not None
        now.config.file.write_text("this is no TOML [")
        return {"edited": 1}, "", ""

    summary, said = night(config, {**STEPS, "reduce": edit})
    assert nightly.failure(summary) is None, said
    assert (tmp_path / "www" / "index.html").exists()


def test_a_disk_that_is_full_before_is_told_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = site(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(jobhistory, "_append", full)
    summary, said = night(config, {"build": fine})
    assert summary.steps[0].ok
    assert said.count("the job history can't be written: No space left on device") == 2


def test_a_page_of_jobs_that_cant_be_written_costs_nothing_else(tmp_path: Path) -> None:
    config = site(tmp_path)
    config.site.output.write_text("a file stands here")
    summary, said = night(config, {"reduce": fine})
    assert summary.steps[0].ok
    assert "the page of jobs is not up to date" in said
    assert read_history(config.state_dir).entries[-1].state == DONE


def test_the_owner_is_told_of_a_night_that_failed_and_of_no_other(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = json.dumps([sys.executable, "-c", NOTE, str(told)])
    config = site(tmp_path, f"[notify]\ncommand = {command}\n")

    def broken(_: Night) -> Done:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "site/index.html")

    night(config, {"build": fine})
    assert not told.exists()
    night(config, {"build": broken})
    document = json.loads(told.read_text())
    assert document["told"] == "build: site/index.html: No space left on device"
    assert (document["job"], document["state"], document["exit"]) == ("nightly", "failed", 3)


def lost_state(config: Config, *, with_the_tree: bool) -> None:
    shutil.rmtree(config.state_dir)
    if with_the_tree:
        shutil.rmtree(config.site.output)


@pytest.mark.parametrize("with_the_tree", [False, True])
def test_jobs_are_remembered_though_the_state_was_lost(tmp_path: Path, with_the_tree: bool) -> None:
    config = published(tmp_path)
    night(config)
    night(config, now=NOW + 100)
    lost_state(config, with_the_tree=with_the_tree)
    _, said = night(config, now=NOW + 200)
    first, second = read_history(config.state_dir).entries
    assert (first.number, first.state, first.begun, second.number) == (2, DONE, NOW + 100, 3)
    assert "files" in first.sizes
    assert "the history of jobs was lost" in said
    assert "the history of jobs was lost, and begins anew" in page_of_jobs(tmp_path / "www")


def page_of_jobs(site: Path) -> str:
    return (site / "_jobs/index.html").read_text()


def test_a_build_after_the_state_was_lost_keeps_what_the_page_of_jobs_says(tmp_path: Path) -> None:
    config = published(tmp_path)
    night(config)
    lost_state(config, with_the_tree=True)
    assert cli.run(["--config", str(config.file), "build"], cli.Invocation()) == 0
    assert "No job has run yet" not in page_of_jobs(config.site.output)


def one_job(**odd: str) -> bytes:
    fine = {"job": '"nightly"', "number": "7", "state": '"done"', "exit": "0", "begun": "1000"}
    told = fine | {"ended": "null", "told": '""'} | odd
    fields = ", ".join(f'"{name}": {value}' for name, value in told.items())
    return f'{{"jobs": [{{{fields}}}], "sizes": {{}}}}'.encode()


@pytest.mark.parametrize(
    "status",
    [
        *(
            b"",
            b"[]",
            b"{}",
            b'{"jobs": 3}',
            b'{"jobs": [{"job": 1}], "sizes": {}}',
            b"[" * 100_000,
        ),
        *(one_job(number="1e400"), one_job(begun="1e300"), one_job(begun="NaN")),
        one_job(state='"happy"'),
    ],
)
def test_a_status_that_tells_nothing_begins_an_empty_history(tmp_path: Path, status: bytes) -> None:
    config = published(tmp_path)
    (tmp_path / "www").mkdir()
    (tmp_path / "www/_status.json").write_bytes(status)
    night(config, {"reduce": fine})
    assert [one.number for one in read_history(config.state_dir).entries] == [1]


def test_a_status_that_cant_be_read_keeps_no_build_from_running(tmp_path: Path) -> None:
    config = published(tmp_path)
    (config.site.output / "_status.json").mkdir(parents=True)
    recall_jobs(config, pytest.fail, ask=True)
    assert read_history(config.state_dir).entries == ()


def test_a_job_goes_on_from_the_number_that_the_status_tells(tmp_path: Path) -> None:
    config = published(tmp_path)
    (tmp_path / "www").mkdir()
    (tmp_path / "www/_status.json").write_bytes(one_job())
    night(config, {"reduce": fine})
    assert [one.number for one in read_history(config.state_dir).entries] == [7, 8]


def test_the_front_page_leads_to_the_page_of_jobs_before_any_job_ran(tmp_path: Path) -> None:
    built = make_site(tmp_path, areas(tmp_path, 1))
    built.build()
    assert "No job has run yet" in (built.tree / "_jobs/index.html").read_text()
    assert crawl(built.tree).dead == []
