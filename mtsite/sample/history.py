"""A team's table, a seed and a time → its runs with tests, steps and measurements. Pure."""

import heapq
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite.rollup import BAD, roll_up_items, verdict_of
from mtsite.sample.faults import BLOCKED, FAULTS, NO_SPACE
from mtsite.sample.measures import SampleDatum, measured
from mtsite.sample.spec import ALWAYS, AreaSpec, Event, ExtraRun, Fault, TargetSpec, TestSpec

DAY = 86400
_BAD_HOST_SINCE = 0.5
_IN_FLIGHT_SECONDS = 840
_LAUNCHING = ("REMOTEHOSTSTART", "LAUNCHED", "LAUNCHED")
_NO_FAULT = Fault("COMPLETED", "PASS")


class SampleStep(Struct, frozen=True):
    """One step of a test; `end` None means that it never wrote its end row."""

    name: str
    start: int
    end: int | None
    status: str
    logfile: str
    comment: str = ""


class SampleTest(Struct, frozen=True):
    """One row of `tests` with all that hangs on it. `fault` and `quirk` shape its log."""

    spec: TestSpec
    item_path: str
    state: str
    status: str
    event_time: int
    host: str = "n/a"
    run_duration: int = 0
    comment: str = ""
    pid: int = 0
    cpuload: float = -1
    diskfree: int = -1
    final_logf: str = "logs/final.log"
    fault: str = ""
    quirk: str = ""
    toplevel: bool = False
    steps: tuple[SampleStep, ...] = ()
    values: tuple[SampleDatum, ...] = ()

    @property
    def started(self) -> bool:
        """Whether it has (or had) a run directory."""
        return bool(self.steps)

    @property
    def end_time(self) -> int:
        """When it was last heard of."""
        return self.event_time + self.run_duration


class SampleRun(Struct, frozen=True):
    """One run. `moved` says that it lies in the satellite; `leftover` is as in ExtraRun."""

    target: tuple[str, ...]
    runname: str
    state: str
    owner: str
    comment: str
    event_time: int
    contour: str = ""
    moved: bool = False
    leftover: str = ""
    tests: tuple[SampleTest, ...] = field(default=())


class _Night(Struct, frozen=True):
    """What all tests of one run share while it is made up; `day` counts from the first night."""

    spec: AreaSpec
    target: tuple[str, ...]
    day: int
    days: int
    start: int
    random: Random


def plan_runs(
    spec: AreaSpec, seed: int, now: int, days: int, archived_days: int
) -> list[SampleRun]:
    """All runs of a team, oldest first; those of `archived_days` before the first are `moved`."""
    runs = [
        _nightly(spec, target, _night(spec, target, seed, now, (day, days)))
        for target in spec.targets
        for day in range(-archived_days, days)
        if (days - 1 - day) % target.every_days == 0
    ]
    runs += [_extra(spec, extra, seed, now) for extra in spec.extra]
    runs = [_in_flight(run, now) if _newest(spec, run, runs) else run for run in runs]
    return sorted(runs, key=lambda run: (run.event_time, run.target, run.runname))


def _newest(spec: AreaSpec, run: SampleRun, runs: list[SampleRun]) -> bool:
    in_flight = {target.values for target in spec.targets if target.in_flight}
    return run.target in in_flight and run.event_time == max(other.event_time for other in runs)


def _night(
    spec: AreaSpec, target: TargetSpec, seed: int, now: int, place: tuple[int, int]
) -> _Night:
    day, days = place
    random = Random(f"{seed}|{spec.name}|{'/'.join(target.values)}|{days - day}")
    last = day == days - 1 and target.in_flight
    before = _IN_FLIGHT_SECONDS if last else int(target.hours_before * 3600) - random.randrange(240)
    start = now - (days - 1 - day) * DAY - before
    return _Night(spec, target.values, day, days, start, random)


def _nightly(spec: AreaSpec, target: TargetSpec, night: _Night) -> SampleRun:
    return SampleRun(
        target=target.values,
        runname=_runname(spec, night.start),
        state="new",
        owner=spec.owner,
        comment=night.random.choice(spec.comments),
        event_time=night.start,
        contour="nightly",
        moved=night.day < 0,
        tests=_tests(night, [test for test in spec.tests if test.name not in target.leave_out]),
    )


def _runname(spec: AreaSpec, start: int) -> str:
    when = datetime.fromtimestamp(start, UTC)
    if spec.runnames == "dates":
        return when.strftime("%Y-%m-%d")
    year, week, weekday = when.isocalendar()
    return f"{year % 100:02d}ww{week:02d}.{weekday}"


def _extra(spec: AreaSpec, extra: ExtraRun, seed: int, now: int) -> SampleRun:
    start = now - int(extra.age_days * DAY)
    random = Random(f"{seed}|{spec.name}|{extra.runname}")
    night = _Night(spec, extra.target, -10_000, 1, start, random)
    wanted = [test for test in spec.tests if not extra.tests or test.name in extra.tests]
    tests = _tests(night, wanted)
    if extra.leftover == "dead":
        tests = _died(tests)
    if extra.leftover == "deleted":
        gone = {"state": "DELETED", "status": "n/a", "comment": "", "steps": (), "values": ()}
        tests = tuple(replace(test, **gone) for test in tests)
    return SampleRun(
        target=extra.target,
        runname=extra.runname,
        state=extra.state,
        owner=extra.owner,
        comment=extra.comment,
        event_time=start,
        leftover=extra.leftover,
        tests=tests,
    )


def _tests(night: _Night, specs: list[TestSpec]) -> tuple[SampleTest, ...]:
    """The tests of a run in the order of their table, toplevel rows before their items."""
    hosts = night.random.sample(night.spec.hosts, len(night.spec.hosts))
    free = [(night.start + 15 + n, host) for n, host in enumerate(hosts)]
    heapq.heapify(free)
    made: dict[str, list[SampleTest]] = {}
    for spec in specs:
        if spec.only and night.target[0] not in spec.only:
            continue
        blocked = any(_is_bad(test) for name in spec.waits_for for test in made.get(name, ()))
        made[spec.name] = [
            _blocked(spec, item, night) if blocked else _test(spec, item, night, free)
            for item in spec.items or ("",)
        ]
    return tuple(row for rows in made.values() for row in _with_toplevel(rows))


def _is_bad(test: SampleTest) -> bool:
    return verdict_of(test.state, test.status) in BAD


def _with_toplevel(items: list[SampleTest]) -> Iterator[SampleTest]:
    if items[0].item_path:
        state, status = roll_up_items([(item.state, item.status) for item in items])
        rolled = any(item.started for item in items)
        yield SampleTest(
            spec=items[0].spec,
            item_path="",
            state=state,
            status=status,
            event_time=min(item.event_time for item in items),
            final_logf=f"megatest-rollup-{items[0].spec.name}.html" if rolled else "logs/final.log",
            toplevel=True,
        )
    yield from items


def _blocked(spec: TestSpec, item: str, night: _Night) -> SampleTest:
    fault = FAULTS[BLOCKED]
    return SampleTest(spec, item, fault.state, fault.status, night.start + 20, fault=BLOCKED)


def _test(spec: TestSpec, item: str, night: _Night, free: list[tuple[int, str]]) -> SampleTest:
    """One test on the host that is free first; the host is busy until it ends."""
    begin, host = heapq.heappop(free)
    random = night.random
    event = _event_of(spec, item, night)
    bad_night = night.day >= _BAD_HOST_SINCE * night.days
    if bad_night and host == night.spec.bad_host and random.random() < night.spec.bad_odds:
        event = Event(spec.name, ALWAYS, NO_SPACE)
    fault = FAULTS[event.fault] if event and event.fault else _NO_FAULT
    seconds = _seconds(spec, fault, event.slower if event else 1.0, random)
    begin += random.randrange(2, 12)
    heapq.heappush(free, (begin + seconds + 3, host))
    steps = _steps(spec, fault, begin, seconds)
    full = event is not None and event.fault == NO_SPACE
    return SampleTest(
        spec=spec,
        item_path=item,
        state=fault.state,
        status=fault.status,
        event_time=begin,
        host=host,
        run_duration=seconds,
        comment=(event.comment if event else "") or fault.comment or _comment(fault, steps),
        pid=random.randrange(1200, 65000),
        cpuload=round(random.uniform(0.3, 7.5), 2),
        diskfree=random.randrange(40, 900) if full else random.randrange(10**7, 9 * 10**7),
        final_logf=steps[-1].logfile,
        fault=event.fault if event else "",
        quirk=event.quirk if event else "",
        steps=steps,
        values=measured(spec, fault, random),
    )


def _seconds(spec: TestSpec, fault: Fault, slower: float, random: Random) -> int:
    seconds = max(3, round(spec.seconds * slower * random.uniform(0.9, 1.15)))
    return max(2, seconds // 12) if fault.status in {"ABORT", "SKIP"} else seconds


def _event_of(spec: TestSpec, item: str, night: _Night) -> Event | None:
    for event in night.spec.events:
        if event.test != spec.name or event.item not in {"%", item}:
            continue
        if event.target not in {"%", night.target[0]}:
            continue
        first = math.floor(event.span[0] * night.days)
        end = max(first + 1, math.ceil(event.span[1] * night.days))
        if first <= night.day < end and (event.odds >= 1 or night.random.random() < event.odds):
            return event
    return None


def _comment(fault: Fault, steps: tuple[SampleStep, ...]) -> str:
    return f"Failed at step {steps[-1].name}" if fault.status == "FAIL" else ""


def _steps(spec: TestSpec, fault: Fault, begin: int, seconds: int) -> tuple[SampleStep, ...]:
    """The steps up to the one that the fault stops at; they share the time evenly."""
    good = fault.status == "PASS"
    count = len(spec.steps) if fault.step < 0 else fault.step + 1
    share = seconds / count
    steps = []
    for n, name in enumerate(spec.steps[:count]):
        last = n == count - 1
        died = last and (fault.state != "COMPLETED" or fault.status == "DEAD")
        logpro = spec.kind == "logpro"
        steps.append(
            SampleStep(
                name=name,
                start=begin + round(n * share),
                end=None if died else begin + round((n + 1) * share),
                status=_exit_code(fault, logpro=logpro) if last and not good else "0",
                logfile=f"{name}.html" if logpro and not died else f"{name}.log",
                comment=fault.comment if last and logpro else "",
            )
        )
    return tuple(steps)


def _exit_code(fault: Fault, *, logpro: bool) -> str:
    if not logpro:
        return "0" if fault.status in {"WARN", "CHECK", "SKIP", "WAIVED"} else "1"
    codes = {"FAIL": 1, "WARN": 2, "CHECK": 3, "WAIVED": 4, "ABORT": 5, "SKIP": 6}
    return str(codes.get(fault.status, 1))


def _in_flight(run: SampleRun, now: int) -> SampleRun:
    """The run as it looks at `now`: what has ended, what runs, what is launched, what waits."""
    launching = list(_LAUNCHING)
    shown: dict[str, list[SampleTest]] = {}
    for test in run.tests:
        if test.toplevel:
            continue
        seen = _as_of(test, now)
        if seen.state == "NOT_STARTED" and launching:
            seen = replace(seen, state=launching.pop(), event_time=now - 10)
        shown.setdefault(test.spec.name, []).append(seen)
    tests = tuple(row for rows in shown.values() for row in _with_toplevel(rows))
    return replace(run, tests=tests, comment="")


def _as_of(test: SampleTest, now: int) -> SampleTest:
    if test.state == "COMPLETED" and test.end_time <= now - 5:
        return test
    if test.started and test.event_time < now - 20:
        return _running(test, now - test.event_time)
    registered = now - _IN_FLIGHT_SECONDS + 20
    return SampleTest(test.spec, test.item_path, "NOT_STARTED", "n/a", registered)


def _running(test: SampleTest, seconds: int) -> SampleTest:
    begun = [step for step in test.steps if step.start <= test.event_time + seconds]
    ended = tuple(
        replace(step, end=None, status="running")
        if step.end is None or step.end > test.event_time + seconds
        else step
        for step in begun
    )
    return replace(
        test,
        state="RUNNING",
        status="n/a",
        run_duration=seconds,
        comment="",
        fault="",
        steps=ended,
        values=(),
        final_logf=ended[-1].logfile.replace(".html", ".log"),
    )


def _died(tests: tuple[SampleTest, ...]) -> tuple[SampleTest, ...]:
    """A run whose host vanished: the last started test still says RUNNING, later ones never ran."""
    plain = [test for test in tests if not test.toplevel and not test.item_path]
    lost = plain[-2]
    waiting = SampleTest(plain[-1].spec, "", "NOT_STARTED", "n/a", lost.event_time)
    changed = {
        lost.spec.name: _running(lost, min(60, lost.run_duration)),
        plain[-1].spec.name: waiting,
    }
    return tuple(changed.get(test.spec.name, test) for test in tests)
