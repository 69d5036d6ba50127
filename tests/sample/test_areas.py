import hashlib
import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from mtsite import notes
from mtsite.errors import UsageError
from mtsite.pushlog import file_of, read_pushlog
from mtsite.rollup import Verdict, verdict_of
from mtsite.sample import areas
from mtsite.sample.areas import make_samples
from mtsite.sample.pushes import REPOSITORY

NOW = 1_795_327_200
DAYS = 6
DEAD_AFTER = 7 * 86_400


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return make_samples(tmp_path_factory.mktemp("small"), seed=1, now=NOW, days=DAYS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All rows of ninety days; every tenth run has its directories."""
    with pytest.MonkeyPatch.context() as patched:
        write_dirs = areas._write_dirs
        patched.setattr(areas, "_write_dirs", lambda r, p, runs, s: write_dirs(r, p, runs[::10], s))
        return make_samples(tmp_path_factory.mktemp("whole"), seed=1, now=NOW)


def ask(site, area, sql, *values):
    with closing(sqlite3.connect(site.areas[area] / "megatest.db")) as connection:
        return connection.execute(sql, values).fetchall()


def everything(root):
    """Each path below root with what is there: kind, bytes or link, and the time of logs."""
    found = {}
    for directory, names, files in os.walk(root):
        for path in (Path(directory, name) for name in (*names, *files)):
            if path.is_symlink():
                found[path] = path.readlink()
            elif path.is_dir():
                found[path] = "directory"
            else:
                timed = path.suffix in {".log", ".html", ".dat"}
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[path] = (digest, path.stat().st_mtime_ns if timed else 0)
    return found


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return make_samples(tmp_path_factory.mktemp("first") / "demo", seed=7, now=NOW, days=2)


def root_of(site):
    return site.areas["chipyard"].parents[1]


def test_two_makes_at_one_place_are_equal_byte_for_byte_whatever_the_environment(
    first, monkeypatch
):
    root = root_of(first)
    before = everything(root)
    shutil.rmtree(root)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LANG", "C")
    make_samples(root, seed=7, now=NOW, days=2)
    assert everything(root) == before


def test_two_makes_at_two_places_have_the_same_rows_but_for_the_place(first, tmp_path):
    dumps = []
    for site in (first, make_samples(tmp_path / "two", seed=7, now=NOW, days=2)):
        with closing(sqlite3.connect(site.areas["chipyard"] / "megatest.db")) as connection:
            text = "\n".join(connection.iterdump())
            dumps.append(text.replace(str(root_of(site)), "ROOT"))
    assert dumps[0] == dumps[1]


def test_another_seed_gives_other_rows(first, tmp_path):
    said = "SELECT host, run_duration FROM tests"
    other = make_samples(tmp_path, seed=8, now=NOW, days=2)
    assert ask(first, "webstack", said) != ask(other, "webstack", said)


def test_areas_that_are_there_already_are_refused(small):
    with pytest.raises(UsageError, match="areas already"):
        make_samples(root_of(small), seed=1, now=NOW, days=1)


def test_a_history_without_days_is_refused(tmp_path):
    with pytest.raises(UsageError):
        make_samples(tmp_path, seed=1, now=NOW, days=0)


def test_there_are_three_areas_of_two_shapes(small):
    keys = {
        area: [name for (name,) in ask(small, area, "SELECT fieldname FROM keys ORDER BY id")]
        for area in small.areas
    }
    assert len(keys) == 3
    assert keys["chipyard"] == keys["chipyard_archive"] == ["platform", "process", "corner"]
    assert keys["webstack"] == ["distro", "backend"]


def test_the_whole_is_of_the_promised_size(whole):
    rows = [ask(whole, area, "SELECT count(*) FROM tests")[0][0] for area in whole.areas]
    assert 9_000 <= sum(rows) <= 11_000
    assert sum(rows) == whole.tests


def test_each_moved_run_lies_in_the_satellite_with_a_settled_note(small):
    with closing(sqlite3.connect(small.areas["chipyard_archive"] / "megatest.db")) as connection:
        found = notes.read(connection)
        runs = connection.execute(
            "SELECT platform, process, corner, runname, id FROM runs"
        ).fetchall()
    assert {note.state for note in found} == {notes.SETTLED}
    assert {note.birth_area for note in found} == {"chipyard"}
    named = [(*note.birth_target, note.birth_runname, note.run_id) for note in found]
    assert sorted(named) == sorted(runs)


def test_notes_count_the_rows_that_came(small):
    with closing(sqlite3.connect(small.areas["chipyard_archive"] / "megatest.db")) as connection:
        for note in notes.read(connection):
            (tests,) = connection.execute(
                "SELECT count(*) FROM tests WHERE run_id = ?", (note.run_id,)
            ).fetchone()
            assert note.counts["tests"] == tests > 0


def test_a_moved_run_leaves_a_mark_without_tests(small):
    marks = ask(
        small,
        "chipyard",
        "SELECT r.id, r.comment, count(t.id) FROM runs r LEFT JOIN tests t ON t.run_id = r.id"
        " WHERE r.state = 'MOVED' GROUP BY r.id",
    )
    there = ask(small, "chipyard_archive", "SELECT id FROM runs")
    assert [(run_id,) for run_id, _comment, _tests in marks] == there
    for _run_id, comment, tests in marks:
        assert comment.startswith("moved to chipyard_archive on 2026-")
        assert comment.endswith(" by cadops")
        assert tests == 0


def test_the_newest_run_is_in_flight(small):
    states = ask(
        small,
        "chipyard",
        "SELECT state FROM tests WHERE run_id ="
        " (SELECT id FROM runs ORDER BY event_time DESC LIMIT 1)",
    )
    assert {"RUNNING", "LAUNCHED", "NOT_STARTED", "COMPLETED"} <= {state for (state,) in states}


def test_nothing_happens_after_now(small):
    for area in small.areas:
        for table, column in (
            ("runs", "event_time"),
            ("runs", "last_update"),
            ("tests", "event_time + run_duration"),
            ("tests", "last_update"),
            ("test_steps", "event_time"),
            ("test_data", "last_update"),
        ):
            (newest,) = ask(small, area, f"SELECT max({column}) FROM {table}")[0]
            assert newest <= NOW + 1, (area, table, column)


@pytest.mark.parametrize("name", ["small", "whole"])
def test_every_verdict_occurs(name, request):
    site = request.getfixturevalue(name)
    seen = {
        verdict_of(state, status)
        for area in site.areas
        for state, status in ask(site, area, "SELECT DISTINCT state, status FROM tests")
    }
    assert seen == set(Verdict)


@pytest.mark.parametrize("name", ["small", "whole"])
def test_a_row_still_claims_to_run_though_its_host_is_gone(name, request):
    dead = ask(
        request.getfixturevalue(name),
        "chipyard",
        "SELECT t.event_time + t.run_duration FROM tests t JOIN runs r ON r.id = t.run_id"
        " WHERE t.state = 'RUNNING' AND r.runname = 'bringup_boardB'",
    )
    assert len(dead) == 1
    assert NOW - dead[0][0] > DEAD_AFTER


def test_one_run_is_locked_and_one_deleted(small):
    states = Counter(state for (state,) in ask(small, "chipyard", "SELECT state FROM runs"))
    assert states["locked"] == states["deleted"] == 1


@pytest.mark.parametrize("name", ["small", "whole"])
def test_the_regression_appears_and_is_fixed(name, request):
    strip = ask(
        request.getfixturevalue(name),
        "chipyard",
        "SELECT t.status, t.comment FROM tests t JOIN runs r ON r.id = t.run_id"
        " WHERE t.testname = 'fpu_ieee' AND t.item_path = 'fma' AND r.platform = 'rtlsim'"
        " AND t.state = 'COMPLETED' ORDER BY r.event_time",
    )
    bad = [n for n, row in enumerate(strip) if row == ("FAIL", "cokafor: bisecting")]
    first, last = bad[0], bad[-1]
    assert bad == list(range(first, last + 1))
    assert len(bad) >= 2
    assert ("PASS", "") in strip[:first]
    assert ("PASS", "") in strip[last + 1 :]


def test_a_test_becomes_slow(whole):
    durations = ask(
        whole,
        "chipyard",
        "SELECT t.run_duration FROM tests t JOIN runs r ON r.id = t.run_id"
        " WHERE t.testname = 'perf_dhrystone' AND t.status = 'PASS' AND r.platform = 'rtlsim'"
        " ORDER BY r.event_time",
    )
    first, last = durations[: len(durations) // 2], durations[-10:]
    assert max(first) < min(last)


def test_a_flaky_test_fails_now_and_then(whole):
    statuses = ask(
        whole,
        "webstack",
        "SELECT status FROM tests WHERE testname = 'e2e_browser' AND item_path = 'chromium'"
        " AND state = 'COMPLETED'",
    )
    failed = sum(status == "FAIL" for (status,) in statuses)
    assert 5 <= failed <= len(statuses) // 3


def test_a_toplevel_row_is_never_run(small):
    rows = ask(
        small,
        "chipyard",
        "SELECT host, uname, run_duration, final_logf FROM tests"
        " WHERE testname = 'fw_build' AND item_path = '' AND state = 'COMPLETED'",
    )
    assert set(rows) == {("n/a", "n/a", 0, "megatest-rollup-fw_build.html")}


def test_measured_values_are_judged_by_their_tolerance(small):
    rows = ask(small, "chipyard", "SELECT value, expected, tol, status, variable FROM test_data")
    for value, expected, tol, status, variable in rows:
        if isinstance(value, str):
            assert status is None
            continue
        within = {
            "<": lambda v, e: v < e,
            "<=": lambda v, e: v <= e,
            ">": lambda v, e: v > e,
            ">=": lambda v, e: v >= e,
        }.get(tol, lambda v, e, t=tol: abs(v - e) <= t)
        assert status == ("pass" if within(value, expected) else "fail"), variable
    assert {status for *_rest, status, _variable in rows} == {"pass", "fail", None}


def test_comments_hold_what_must_survive(small):
    comments = "\n".join(
        comment
        for area in small.areas
        for table in ("runs", "tests")
        for (comment,) in ask(small, area, f"SELECT comment FROM {table}")
    )
    for wanted in ("__init__", "3*4*5", "<", "ë"):
        assert wanted in comments


def test_authors_describe_their_tests(small):
    for area in small.areas:
        rows = ask(small, area, "SELECT owner, author, tags, description FROM test_meta")
        assert all(all(row) for row in rows)
        assert len(rows) >= 15


def test_each_web_run_tested_the_last_push_before_it(small):
    pushes = {one.revision: one for one in read_pushlog(file_of(small.root, REPOSITORY)).pushes}
    times = [one.time for one in pushes.values()]
    assert times == sorted(times)
    with closing(sqlite3.connect(small.areas["webstack"] / "megatest.db")) as connection:
        told = connection.execute(
            "SELECT event_time, val FROM runs JOIN extradat ON run_id = runs.id"
            " WHERE key = 'revision'"
        ).fetchall()
    assert told
    for began, revision in told:
        assert pushes[revision].time == max(when for when in times if when < began)
