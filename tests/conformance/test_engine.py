"""What every engine promises; `inprocess` is the reference."""

import os
from collections.abc import Iterator

import pytest

from mtsite.config import BuildConfig
from mtsite.engines.engine import ENGINES, Engine, Outcome, open_engine
from mtsite.errors import UsageError
from mtsite.options import options_of


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    opened = open_engine(request.param, 2)
    yield opened
    opened.close()


def double(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    return number * 2


def die_at_three(number: int) -> int:
    if number == 3:
        os._exit(7)
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
        for number in range(1000):
            asked.append(number)
            yield number

    outcomes = engine.map(double, tasks())
    next(outcomes)
    assert len(asked) < 50
    assert sum(1 for _ in outcomes) == 999


def test_an_engine_can_be_used_again(engine: Engine) -> None:
    for _ in range(2):
        assert len(list(engine.map(double, range(5)))) == 5


def test_no_tasks_no_outcomes(engine: Engine) -> None:
    assert list(engine.map(double, [])) == []


def test_a_worker_that_dies_is_reported_and_the_rest_goes_on() -> None:
    engine = open_engine("processes", 2)
    outcomes: list[Outcome[int, int]] = list(engine.map(die_at_three, range(20)))
    engine.close()
    assert sorted(outcome.task for outcome in outcomes) == list(range(20))
    lost = [outcome.task for outcome in outcomes if outcome.error]
    assert 3 in lost
    assert len(lost) < 10


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="hovercraft"):
        open_engine("hovercraft", 2)


def test_the_configuration_takes_the_engines_that_there_are() -> None:
    assert options_of(BuildConfig)["engine"].kind.name == f"one of {', '.join(ENGINES)}"
