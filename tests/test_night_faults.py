"""A night that meets trouble: limits, signals, another night, full disks, new settings."""

import errno
import io
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import TestArea, make_area, run
from areas import test as row
from crawl import crawl
from sites import difference, make_site

from mtsite import cli, jobhistory, lock, nightly
from mtsite.config import Config, load_config
from mtsite.errors import BusyError
from mtsite.jobhistory import DONE, KILLED, PARTLY, STOPPED, read_history
from mtsite.nightly import NightSummary, run_night
from mtsite.nightsteps import STEPS, Done, Night, Steps
from mtsite.terminal import TerminalReport

NOW = 1_700_900_000
SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


def site(tmp_path: Path, text: str = "") -> Config:
    tmp_path.mkdir(exist_ok=True)
    engine = '[build]\nengine = "inprocess"\n'
    (tmp_path / "mtsite.toml").write_text(engine + text)
    return load_config(tmp_path / "mtsite.toml", {})


def night(config: Config, steps: Steps | None = None, now: float = NOW) -> tuple[NightSummary, str]:
    said = io.StringIO()
    summary = run_night(Night(config, TerminalReport(said), now, {"USER": "tester"}), steps)
    return summary, said.getvalue()


def fine(_: Night) -> Done:
    return {"things": 1}, "", ""


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


def areas(tmp_path: Path, count: int) -> TestArea:
    tests = [row("good", log="fine\n"), row("bad", status="FAIL", log="error: no\n")]
    runs = [run("ubuntu/nfs", f"w{n:02}", tests=tests) for n in range(count)]
    return make_area(tmp_path, runs=runs)


def published(tmp_path: Path, text: str = "", runs: int = 1) -> Config:
    """A site of one area with a directory as its destination."""
    area = areas(tmp_path, runs)
    where = (
        f'[areas.fullrun]\npath = "{area.path}"\n[publish]\ndestination = "{tmp_path / "www"}"\n'
    )
    return site(tmp_path, where + text)


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


class Deadly(TerminalReport):
    """Sends its process a signal when a step begins to tell how far it is."""

    def __init__(self, number: int, label: str) -> None:
        super().__init__(io.StringIO())
        self.number, self.label = number, label

    def progress(self, label: str, done: int, total: int) -> None:
        if label.startswith(self.label):
            os.kill(os.getpid(), self.number)


def _die(config: Config, number: int, step: str, label: str) -> None:
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, cli._stop)
    report = Deadly(number, label) if label else TerminalReport(io.StringIO())

    def dying(work: Callable[[Night], Done]) -> Callable[[Night], Done]:
        def die(now: Night) -> Done:
            done = work(now)
            os.kill(os.getpid(), number)
            return done

        return die

    steps = {name: dying(work) if name == step else work for name, work in STEPS.items()}
    run_night(Night(config, report, NOW, {"USER": "tester"}), steps)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("number", "step", "label"),
    [
        (signal.SIGKILL, "reduce", ""),
        (signal.SIGTERM, "build", "targets"),
        (signal.SIGHUP, "check", "checking"),
        (signal.SIGKILL, "publish", "publishing"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_night_that_dies_at_a_step_is_finished_by_the_next(
    tmp_path: Path, number: signal.Signals, step: str, label: str
) -> None:
    config = published(tmp_path, runs=3)
    child = multiprocessing.get_context("fork").Process(
        target=_die, args=(config, number, step, label)
    )
    child.start()
    child.join()
    assert child.exitcode == (-number if number == signal.SIGKILL else 128 + number)
    (first,) = read_history(config.state_dir).entries
    assert first.state == (KILLED if number == signal.SIGKILL else STOPPED)
    summary, said = night(config, now=NOW + 60)
    assert nightly.failure(summary) is None, said
    assert ("left no word" in said) == (number == signal.SIGKILL)
    differing = difference(config.site.output, tmp_path / "www")
    assert [
        one for one in differing if not one.startswith("_manifest/") and ".tmp-" not in one
    ] == []
    assert crawl(tmp_path / "www").dead == []


def _night_on(host: str, config: Config, outcome: "multiprocessing.Queue[str]") -> None:
    import socket

    socket.gethostname = lambda: host  # another host that shares the directory

    def slow(_: Night) -> Done:
        time.sleep(0.5)
        return {"things": 1}, "", ""

    try:
        run_night(Night(config, TerminalReport(io.StringIO()), NOW, {}), {"build": slow})
        outcome.put("ran")
    except BusyError as error:
        outcome.put(error.message)


@pytest.mark.faults
@pytest.mark.parametrize("hosts", [("one", "one"), ("one", "two")])
def test_of_two_nights_at_the_same_instant_one_runs(tmp_path: Path, hosts: tuple[str, str]) -> None:
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
    assert told[0].startswith("nightly is locked by `mtsite nightly` on host")
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
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    told = tmp_path / "told"
    command = json.dumps([sys.executable, "-c", script, str(told)])
    config = site(tmp_path, f"[notify]\ncommand = {command}\n")

    def broken(_: Night) -> Done:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "site/index.html")

    night(config, {"build": fine})
    assert not told.exists()
    night(config, {"build": broken})
    document = json.loads(told.read_text())
    assert document["told"] == "build: site/index.html: No space left on device"
    assert (document["job"], document["state"], document["exit"]) == ("nightly", "failed", 3)


def test_the_front_page_leads_to_the_page_of_jobs_before_any_job_ran(tmp_path: Path) -> None:
    built = make_site(tmp_path, areas(tmp_path, 1))
    built.build()
    assert "No job has run yet" in (built.tree / "_jobs/index.html").read_text()
    assert crawl(built.tree).dead == []
