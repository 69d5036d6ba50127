"""Real deaths of migrate and restore: SIGKILL, power cuts, a full disk, two movers, a busy writer.

After each every run is whole in at least one database; after one more call each is in exactly
one, and `archive verify` finds nothing.
"""

import os
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress

import pytest
from areas import DAY
from dying import Far, ended, in_child
from powercut import can_trace, record
from rows import runs_in

from mtsite.errors import MtsiteError

pytestmark = pytest.mark.faults

traced = pytest.mark.skipif(not can_trace(), reason="not applicable: another kind of machine")
VERBS = ["migrate", "restore"]
RANDOM_DEATHS = 40
POWER_CUTS = 50


def killed_at(number: int) -> Callable[[str], None]:
    seen: list[str] = []

    def die(where: str) -> None:
        seen.append(where)
        if len(seen) > number:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_every_step(memory, verb):
    far = Far(memory, tests=2, runs=3, verb=verb)
    steps: list[str] = []
    far.call(steps.append)
    far.assert_finished()
    assert len(steps) > 5
    for number in range(len(steps)):
        far.put_back()
        die = killed_at(number)
        assert ended(in_child(lambda die=die: far.call(die))) == -signal.SIGKILL
        far.assert_nothing_lost()
        far.assert_finished()


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_random_instants(memory, verb):
    far = Far(memory, tests=30, runs=3, verb=verb)
    began = time.monotonic()
    assert ended(in_child(far.call)) == 0
    lasts = time.monotonic() - began
    rng = random.Random(11)
    killed = 0
    for _ in range(RANDOM_DEATHS):
        far.put_back()
        pid = in_child(far.call)
        time.sleep(rng.random() * lasts)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed += ended(pid) == -signal.SIGKILL
        far.assert_nothing_lost()
        far.assert_finished()
    assert killed > RANDOM_DEATHS // 4


@pytest.mark.slow
@traced
@pytest.mark.parametrize("verb", [*VERBS, "automigrate"])
def test_the_power_goes_between_any_two_writes(memory, verb):
    far = Far(memory, tests=1, runs=2, verb=verb)
    recording = record(far.call, memory)
    assert recording.changes > 50
    chance = random.Random(5)
    states = [
        recording.cut(n, how) for n in range(recording.changes) for how in ("arrived", "flushed")
    ]
    states += [recording.cut(chance.randrange(recording.changes), chance) for _ in range(30)]
    different = {tuple(sorted(files.items())): files for files in states}
    for files in chance.sample(list(different.values()), min(POWER_CUTS, len(different))):
        far.set_to(files)
        far.assert_nothing_lost()
        far.assert_finished()


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_at_any_size_loses_nothing(memory, verb):
    far = Far(memory, tests=6, runs=3, verb=verb)
    biggest = max(path.stat().st_size for path in memory.rglob("*.db"))
    refused = 0
    for number in range(25):
        far.put_back()
        size = 4096 + number * biggest // 20

        def work(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            try:
                summary = far.call()
                told = summary.error or summary.stayed
            except MtsiteError as error:
                assert error.message
                assert error.hint
                told = error
            os._exit(3 if told else 0)

        code = ended(in_child(work))
        assert code in {0, 3}
        refused += code == 3
        far.assert_nothing_lost()
        far.assert_finished()
    assert refused > 5


NOBODY = 65534


def test_a_destination_that_may_not_be_written_is_refused_and_named(memory):
    far = Far(memory, tests=2, runs=3, verb="migrate")
    before = {path: path.read_bytes() for path in far.databases if path.exists()}
    for path in (far.satellite.database, far.satellite.path):
        path.chmod(path.stat().st_mode & ~0o222)
    if os.getuid() == 0:
        memory.chmod(0o755)
        for path in (memory, far.area.path, *far.area.path.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    told = memory / "told"

    def work() -> None:
        if os.getuid() == 0:
            os.setuid(NOBODY)
        try:
            far.call()
        except MtsiteError as error:
            told.write_text(f"{error.exit_code} {error.message}\n{error.hint}")

    assert ended(in_child(work)) == 0
    assert str(far.satellite.path) in told.read_text()
    assert {path: path.read_bytes() for path in before} == before
    far.satellite.path.chmod(0o755)
    far.satellite.database.chmod(0o644)
    far.assert_finished()


@pytest.mark.parametrize("verb", ["reduce", *VERBS])
def test_a_clock_that_is_set_back_stops_no_move_that_was_begun(memory, verb):
    """What died is finished, whatever the clock says; nothing else is old enough to leave."""
    far = Far(memory, tests=2, runs=3, verb=verb)
    assert ended(in_child(lambda: far.call(killed_at(4)))) == -signal.SIGKILL
    far.now -= 100 * DAY
    far.call()
    far.assert_nothing_lost()
    moving = [one for one in far.places().values() if len(one) > 1]
    assert moving == []
    far.now += 100 * DAY
    far.assert_finished()


def test_two_movers_of_the_same_runs_to_two_satellites_lose_nothing(memory):
    far = Far(memory, tests=10, runs=4, verb="migrate")
    for _ in range(4):
        far.put_back()
        # The one that comes later may be refused: an exception, by which its fork ends with 9.
        pids = [in_child(far.call), in_child(lambda: far.migrate("older", state="other"))]
        assert {ended(pid) for pid in pids} <= {0, 9}
        far.assert_nothing_lost()
        far.assert_finished()


def test_a_reduce_beside_a_migrate_loses_nothing(memory):
    far = Far(memory, tests=10, runs=4, verb="migrate")
    for _ in range(4):
        far.put_back()
        pids = [in_child(lambda: far.reduce(state="other")), in_child(far.call)]
        assert {ended(pid) for pid in pids} <= {0, 9}
        far.assert_nothing_lost()
        far.assert_finished()


@pytest.mark.parametrize("death", range(0, 12, 2))
@pytest.mark.parametrize("second", ["older", "reduce", "restore"])
def test_a_run_on_its_way_goes_nowhere_else(memory, second, death):
    """Another move of a run that died halfway would make two of it."""
    far = Far(memory, tests=2, runs=3, verb="migrate")
    ended(in_child(lambda: far.call(killed_at(death))))
    if second == "older":
        far.migrate("older")
    elif second == "reduce":
        far.reduce()
    else:
        far.restore()
    far.assert_nothing_lost()
    far.area.execute("DELETE FROM runs WHERE id NOT IN (SELECT run_id FROM tests)")
    far.assert_finished()


@pytest.mark.parametrize("verb", ["reduce", "migrate"])
def test_a_writer_at_work_is_not_disturbed_and_loses_nothing(memory, verb):
    far = Far(memory, tests=30, runs=4, verb=verb)
    stop = memory / "stop"

    def write() -> None:
        number = 0
        with closing(sqlite3.connect(far.area.database, timeout=5)) as connection:
            while not stop.exists():
                number += 1
                with connection:
                    connection.execute(
                        "INSERT INTO tests (run_id, testname, state) VALUES (4, ?, 'COMPLETED')",
                        (f"live{number}",),
                    )
                time.sleep(0.02)
        (memory / "wrote").write_text(str(number))

    pid = in_child(write)
    time.sleep(0.1)
    far.call()
    stop.touch()
    assert ended(pid) == 0
    wrote = int((memory / "wrote").read_text())
    sql = "SELECT count(*) FROM tests WHERE testname LIKE 'live%'"
    assert far.area.execute(sql) == [(wrote,)]
    far.area.execute("DELETE FROM tests WHERE testname LIKE 'live%'")
    far.assert_nothing_lost()
    far.assert_finished()


def test_runs_whose_rows_change_while_they_move_keep_every_change(memory):
    """A writer changes tests of the moving runs: each change is somewhere when all have ended."""
    far = Far(memory, tests=20, runs=4, verb="migrate")
    stop = memory / "stop"

    def write() -> None:
        rng = random.Random(3)
        done = []
        with closing(sqlite3.connect(far.area.database, timeout=5)) as connection:
            while not stop.exists():
                test_id, comment = rng.randrange(1, 61), f"c{len(done)}"
                with connection:
                    sql = "UPDATE tests SET comment = ? WHERE id = ?"
                    if connection.execute(sql, (comment, test_id)).rowcount:
                        done.append((test_id, comment))
                time.sleep(0.002)
        last = dict(done)
        (memory / "wrote").write_text("\n".join(last.values()))

    pid = in_child(write)
    time.sleep(0.05)
    far.call()
    stop.touch()
    assert ended(pid) == 0
    told = {
        comment
        for path in (far.area.database, far.satellite.database)
        for (comment,) in far.area.execute("SELECT comment FROM tests", (), path)
    }
    assert set((memory / "wrote").read_text().split()) <= told
    names = {name for path in far.databases for name in runs_in(path)}
    assert names == set(far.model)
