"""A night: its steps, what a failure costs, and that there is only one at a time."""

import dataclasses
import errno
import io
import os
import sqlite3
from pathlib import Path

import pytest
from areas import make_area, run
from areas import test as row
from dying import is_mark
from rows import runs_in

from mtsite import lock, nightly, nightsteps
from mtsite.config import BuildConfig, Config, PublishConfig, RetainConfig, config_for_areas
from mtsite.errors import BusyError, DestinationError
from mtsite.nightsteps import Done, Night, Steps
from mtsite.terminal import TerminalReport

NOW = 1_700_900_000


def site(tmp_path: Path, *directories: Path) -> Config:
    config = config_for_areas(directories, tmp_path / "site", tmp_path / ".mtsite")
    return dataclasses.replace(config, build=BuildConfig(engine="inprocess"))


def run_night(config: Config, steps: Steps | None = None) -> tuple[nightly.NightSummary, str]:
    said = io.StringIO()
    night = Night(config, TerminalReport(said), NOW, {"USER": "tester"})
    summary = nightly.run_night(night, steps)
    return summary, said.getvalue()


def fine(_: Night) -> Done:
    return {"things": 1}, "", ""


def refused(_: Night) -> Done:
    raise DestinationError("the bucket says no")


def partly(_: Night) -> Done:
    return {"runs": 3}, "area x: unreadable", ""


def buggy(_: Night) -> Done:
    return {"x": 1 // 0}, "", ""


def full_disk(_: Night) -> Done:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "site/index.html")


@pytest.mark.parametrize("broken", [refused, buggy, full_disk, partly])
def test_a_failed_reduce_stops_neither_build_nor_publish(tmp_path: Path, broken: object) -> None:
    steps = {"reduce": broken, "build": fine, "publish": fine}
    summary, _ = run_night(site(tmp_path), steps)  # type: ignore[arg-type]
    assert [step.ok for step in summary.steps] == [False, True, True]


def test_a_build_that_did_not_end_keeps_publish_from_running(tmp_path: Path) -> None:
    summary, _ = run_night(site(tmp_path), {"build": refused, "publish": fine})
    assert summary.steps[1].skipped == "the build did not end"


def test_a_build_that_left_something_out_is_published(tmp_path: Path) -> None:
    summary, said = run_night(site(tmp_path), {"build": partly, "publish": fine})
    assert summary.steps[1].counts == {"things": 1}
    assert "build: partly done" in said


def test_the_failure_names_the_step_and_says_what_and_exits_3(tmp_path: Path) -> None:
    summary, _ = run_night(site(tmp_path), {"build": fine, "publish": refused})
    error = nightly.failure(summary)
    assert error is not None
    assert error.exit_code == 3
    assert "publish: the bucket says no" in error.message


def test_a_bug_in_a_step_is_told_with_its_traceback(tmp_path: Path) -> None:
    summary, _ = run_night(site(tmp_path), {"build": buggy})
    assert "ZeroDivisionError" in summary.steps[0].error


def test_a_broken_database_is_told_without_a_traceback(tmp_path: Path) -> None:
    def broken(_: Night) -> Done:
        raise sqlite3.DatabaseError("database disk image is malformed")

    summary, _ = run_night(site(tmp_path), {"reduce": broken, "build": fine})
    assert summary.steps[0].error.startswith("a database: database disk image is malformed")
    assert "Traceback" not in summary.steps[0].error
    assert summary.steps[1].ok


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    summary, _ = run_night(site(tmp_path), {"build": full_disk})
    assert summary.steps[0].error == "site/index.html: No space left on device"


def test_trouble_without_a_file_or_number_is_told_by_its_text(tmp_path: Path) -> None:
    def timeout(_: Night) -> Done:
        raise TimeoutError("timed out")

    summary, _ = run_night(site(tmp_path), {"publish": timeout})
    assert summary.steps[0].error == "publish: timed out"


def test_a_fine_night_has_no_failure(tmp_path: Path) -> None:
    summary, _ = run_night(site(tmp_path), {"build": fine})
    assert nightly.failure(summary) is None


def test_a_second_night_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    config = site(tmp_path)

    def meet_another(_: Night) -> Done:
        with pytest.raises(BusyError, match=f"`mtsite nightly` on host .* pid {os.getpid()}"):
            run_night(config, {"build": fine})
        return {"met": 1}, "", ""

    summary, _ = run_night(config, {"reduce": meet_another})
    assert summary.steps[0].ok
    assert lock.holder_of(config.state_dir, "nightly") is None


def test_the_lock_is_free_after_a_failure(tmp_path: Path) -> None:
    config = site(tmp_path)
    run_night(config, {"build": buggy})
    summary, _ = run_night(config, {"build": fine})
    assert summary.steps[0].ok


def areas_of(tmp_path: Path) -> Path:
    tests = [row("good", log="fine\n"), row("bad", status="FAIL", log="error: no\n")]
    runs = [run("ubuntu/nfs", f"w{week:02}", tests=tests) for week in range(1, 6)]
    return make_area(tmp_path, runs=runs).path


def test_a_real_night_reduces_builds_and_publishes(tmp_path: Path) -> None:
    area = areas_of(tmp_path)
    config = dataclasses.replace(
        site(tmp_path, area), publish=PublishConfig(destination=str(tmp_path / "www"))
    )
    summary, said = run_night(config)
    assert nightly.failure(summary) is None, said
    counts = {step.name: step.counts for step in summary.steps}
    assert counts["reduce"]["moved"] == 3
    assert counts["build"]["runs"] == 5
    assert counts["publish"]["new"] > 0
    assert (area / "completed-runs.db").exists()
    assert (tmp_path / "www" / "index.html").read_bytes() == (
        tmp_path / "site" / "index.html"
    ).read_bytes()


def test_a_night_ends_what_the_clocks_say_and_makes_the_pages(tmp_path: Path) -> None:
    config = dataclasses.replace(
        site(tmp_path, areas_of(tmp_path)), retain=RetainConfig(logs=0, keep_last=4)
    )
    first, _ = run_night(config)
    assert first.steps[2].skipped == "nothing was built yet"
    second, said = run_night(config)
    assert nightly.failure(second) is None, said
    assert second.steps[2].counts == {"runs ended": 1, "rows": 0, "logs deleted": 0}
    (page,) = (tmp_path / "site").glob("*/ubuntu/nfs/w01/bad/index.html")
    assert "[retain] logs = 0s" in page.read_text()


def test_a_night_without_a_clock_ends_nothing(tmp_path: Path) -> None:
    summary, _ = run_night(site(tmp_path, areas_of(tmp_path)))
    assert summary.steps[2].skipped == "no clock in [retain]"


def test_without_a_destination_nothing_is_published_and_nothing_failed(tmp_path: Path) -> None:
    summary, said = run_night(site(tmp_path, areas_of(tmp_path)))
    assert nightly.failure(summary) is None, said
    assert summary.steps[-1].skipped == "no [publish] destination"


def test_an_unreadable_area_leaves_the_others_their_night(tmp_path: Path) -> None:
    missing = tmp_path / "gone"
    summary, _ = run_night(site(tmp_path, areas_of(tmp_path), missing))
    reduce, _automigrate, _retain, build, _check, _publish = summary.steps
    assert reduce.error.startswith(f"area gone: no directory {missing} (correct path in")
    assert reduce.counts["moved"] == 3
    assert "area gone" in build.error
    assert build.counts["runs"] == 5


def test_a_night_ends_by_saying_where_the_site_is(tmp_path: Path) -> None:
    config = site(tmp_path)
    _, said = run_night(config, {"build": fine})
    assert said.splitlines()[-1] == f"the site: {tmp_path / 'site' / 'index.html'}"
    addressed = dataclasses.replace(
        config, site=dataclasses.replace(config.site, base_url="https://runs.example")
    )
    _, said = run_night(addressed, {"build": fine})
    assert said.splitlines()[-1] == "the site: https://runs.example/index.html"


def test_what_a_sync_brings_back_of_a_moved_run_is_settled_by_the_next_night(
    tmp_path: Path,
) -> None:
    """Reduce leaves it to automigrate, which follows: nobody has to be called."""
    runs = [run("ubuntu/nfs", f"w{number}", tests=[row("t")]) for number in range(4)]
    area = make_area(tmp_path, runs=runs, config="[automigrate]\nold runname=%; age=1d\n")
    satellite = make_area(tmp_path, name="old", config="[setup]\nallow-runs no\n")
    model, saved = runs_in(area.database), area.database.read_bytes()
    steps = {name: nightsteps.STEPS[name] for name in ("reduce", "automigrate")}
    config = site(tmp_path, area.path, satellite.path)
    run_night(config, steps)
    moved = [name for name in runs_in(satellite.database) if name in model]
    assert len(moved) >= 2
    area.database.write_bytes(saved)
    summary, _ = run_night(config, steps)
    assert nightly.failure(summary) is None
    assert summary.steps[1].counts["moved"] == len(moved)
    here, there = runs_in(area.database), runs_in(satellite.database)
    assert {name: there[name] for name in moved} == {name: model[name] for name in moved}
    assert {name for name, rows in here.items() if not is_mark(rows)} == model.keys() - set(moved)
