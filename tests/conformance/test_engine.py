"""What every engine promises; `inprocess` is the reference."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, cluster

from mtsite.config import BuildConfig
from mtsite.engines.engine import ENGINES, Engine, Outcome, open_engine
from mtsite.errors import MtsiteError, UsageError
from mtsite.options import options_of

TWO_IDLE_WORKERS = """
import multiprocessing, time
from mtsite.engines.processes import Processes
engine = Processes(2)
for _ in engine.map(time.sleep, [0.1] * 8):
    pass
print(*(child.pid for child in multiprocessing.active_children()), flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of processes with two workers, started when it is first asked for."""
    with cluster(tmp_path_factory.mktemp("dask")) as made:
        yield made


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    scheduler = str(request.getfixturevalue("dask").file) if request.param == "dask" else ""
    opened = open_engine(request.param, 2, scheduler)
    yield opened
    opened.close()


def double(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    return number * 2


def sleep_a_little(number: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def die_at_three(number: int) -> int:
    if number == 3:
        os._exit(7)
    return number


def be_killed_once(mark: Path, number: int) -> int:
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_every_task_has_its_outcome(engine: Engine) -> None:
    found = {outcome.task: outcome.returned for outcome in engine.map(double, range(10))}
    assert found == {number: number * 2 for number in range(10)}


def test_a_task_that_raises_fails_alone(engine: Engine) -> None:
    outcomes = {outcome.task: outcome for outcome in engine.map(double, range(10, 16))}
    assert outcomes[13].returned is None
    assert "ValueError: thirteen" in outcomes[13].error
    assert [outcomes[n].returned for n in (10, 11, 12, 14, 15)] == [20, 22, 24, 28, 30]


def test_tasks_are_asked_for_as_they_are_needed(engine: Engine) -> None:
    asked: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(300):
            asked.append(number)
            yield number

    outcomes = engine.map(double, tasks())
    next(outcomes)
    assert len(asked) < 50
    assert sum(1 for _ in outcomes) == 299


def test_an_engine_can_be_used_again(engine: Engine) -> None:
    for _ in range(2):
        assert len(list(engine.map(double, range(5)))) == 5


def test_no_tasks_no_outcomes(engine: Engine) -> None:
    assert list(engine.map(double, [])) == []


def test_only_the_task_that_kills_its_worker_is_lost() -> None:
    engine = open_engine("processes", 2)
    outcomes: list[Outcome[int, int]] = list(engine.map(die_at_three, range(20)))
    engine.close()
    assert sorted(outcome.task for outcome in outcomes) == list(range(20))
    assert [outcome.task for outcome in outcomes if outcome.error] == [3]


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    engine = open_engine("processes", 2)
    work = functools.partial(be_killed_once, tmp_path / "killed")
    outcomes: list[Outcome[int, int]] = list(engine.map(work, range(20)))
    engine.close()
    assert sorted(outcome.returned for outcome in outcomes if outcome.returned is not None) == list(
        range(20)
    )


def test_a_dask_worker_that_is_killed_in_the_middle_loses_nothing(
    dask: Cluster, tmp_path: Path
) -> None:
    engine = open_engine("dask", 0, str(dask.file))
    outcomes: list[Outcome[int, int]] = []
    for outcome in engine.map(sleep_a_little, range(40)):
        outcomes.append(outcome)
        if len(outcomes) == 5:
            dask.add_worker()
            dask.workers[0].kill()
    engine.close()
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    assert sorted(outcome.task for outcome in outcomes) == list(range(40))
    assert len({outcome.returned for outcome in outcomes}) >= 2


def test_a_cluster_that_shrinks_still_does_every_task(
    dask: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = iter([6])
    monkeypatch.setattr("mtsite.engines.dask.Dask._room", lambda _: next(rooms, 3))
    engine = open_engine("dask", 0, str(dask.file))
    done = []
    for outcome in engine.map(double, range(20)):
        done.append(outcome.task)
        time.sleep(0.2 if len(done) == 1 else 0)  # all that are on their way end meanwhile
    engine.close()
    assert sorted(done) == list(range(20))


def test_only_the_task_that_kills_every_dask_worker_is_lost(tmp_path: Path) -> None:
    one_death_is_enough = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with cluster(tmp_path, workers=3, **one_death_is_enough) as three:
        engine = open_engine("dask", 0, str(three.file))
        outcomes = list(engine.map(die_at_three, range(20)))
        engine.close()
        assert len(three.living()) == 1
    assert sorted(outcome.task for outcome in outcomes) == list(range(20))
    assert [(one.task, one.error) for one in outcomes if one.error and one.task != 3] == []
    assert [outcome.task for outcome in outcomes if outcome.error] == [3]


def test_a_cluster_that_can_not_do_the_work_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster(tmp_path, workers=0) as made:
        engine = open_engine("dask", 0, str(made.file))
        with monkeypatch.context() as patched:
            patched.setattr("mtsite.engines.dask.WORKER_SECONDS", 0.3)
            with pytest.raises(MtsiteError, match="does not answer, or has no worker"):
                list(engine.map(double, range(5)))
        made.add_worker(threads=2)
        with pytest.raises(UsageError, match="has 2 threads"):
            list(engine.map(double, range(5)))
        engine.close()


@pytest.mark.parametrize(
    ("scheduler", "told"), [("", "needs a scheduler"), ("/no/file", "no file")]
)
def test_a_dask_engine_without_a_scheduler_is_a_usage_error(scheduler: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        list(open_engine("dask", 0, scheduler).map(double, range(5)))


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="hovercraft"):
        open_engine("hovercraft", 2)


def test_the_configuration_takes_the_engines_that_there_are() -> None:
    assert options_of(BuildConfig)["engine"].kind.name == f"one of {', '.join(ENGINES)}"


def test_workers_end_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TWO_IDLE_WORKERS],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdout is not None
        workers = [int(number) for number in parent.stdout.readline().split()]
        parent.kill()
    assert len(workers) == 2
    deadline = time.monotonic() + 10
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = [pid for pid in workers if is_alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}
