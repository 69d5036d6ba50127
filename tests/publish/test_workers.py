import threading

import pytest

from mtsite.publish.workers import AHEAD, in_threads


def test_every_task_is_told_once() -> None:
    done = [pair for batch in in_threads(lambda n: n * 2, range(1000), 4) for pair in batch]
    assert sorted(done) == [(n, n * 2) for n in range(1000)]


def test_no_task_is_no_batch() -> None:
    assert list(in_threads(str, [], 3)) == []


def test_the_first_failure_ends_it_and_what_finished_is_told() -> None:
    def work(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    told: list[int] = []
    with pytest.raises(ValueError, match="five"):
        for batch in in_threads(work, range(10_000), 2):
            told += [task for task, _ in batch]
    assert told
    assert len(told) <= AHEAD


def test_no_thread_outlives_a_caller_that_leaves() -> None:
    before = threading.active_count()
    for _ in in_threads(str, range(10_000), 4):
        break
    assert threading.active_count() == before
