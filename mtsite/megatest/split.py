"""Areas whose runs lie in one database and what is below them in others (G3, G5).

main.db has the rows of runs. Which of the other databases has a run's tests is told by its rows,
never by the file's name: a name only says whose tests are missing when a file can't be read.
Before G5, megatest.db in the area is a synchronised copy of all of them; each run is taken once,
from where there is more of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite.amounts import plural
from mtsite.errors import AreaBusyError, MtsiteError
from mtsite.megatest.area import Area, check_database, message_of
from mtsite.megatest.database import BUSY_SECONDS, AreaConnection, DatabaseMark, mark, reading
from mtsite.megatest.generation import RUNS_SIDE
from mtsite.megatest.query import Pace
from mtsite.megatest.reader import GONE, RunHead, TestsOf, list_runs, tests_of_runs
from mtsite.megatest.totals import Sums
from mtsite.model import RunKey

IMPATIENT_SECONDS = 0.2
"""How long to wait for a lock once one database of the area was found locked for good."""

MOST_NAMED = 10


class Looked(Struct):
    """What was found in some databases of one area: runs, marks, words for its page, failures.

    `waiting` are runs whose tests are locked up: no older copy may stand in for them.
    """

    heads: list[RunHead] = field(default_factory=list)
    waiting: set[RunKey] = field(default_factory=set)
    marks: list[DatabaseMark] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class _Below(Struct):
    """The tests of all runs: by the number of the run, and the parts that could not be read."""

    found: dict[int, TestsOf] = field(default_factory=dict)
    broken: dict[Path, str] = field(default_factory=dict)
    busy: set[Path] = field(default_factory=set)


def look_at_split(area: Area, main: Path) -> Looked:
    """All runs of main.db with what lies below them in the other databases.

    Raises:
        MtsiteError: main.db itself can't be read.
    """
    looked = Looked()
    looked.marks.append(mark(main))
    with reading(main) as connection:
        check_database(connection, RUNS_SIDE)
        # The rows of runs first: a run that is registered from here on has its tests found.
        numbers = [row[0] for row in connection.execute("SELECT id FROM runs").fetchall()]
        below = _look_below(area, connection, looked)
        tests_of = _tests_of(area, below)
        heads = list_runs(connection, area.name, area.fields, tests_of=tests_of)
        looked.problems += [connection.note] if connection.note else []
    known = set(numbers)
    looked.heads = [head for head in heads if head.run_id in known]
    looked.waiting = {h.key for h in looked.heads if h.unreadable and below.busy}
    looked.problems += _orphans(below, known)
    looked.errors += shortened(list(below.broken.values()), "databases")
    return looked


def choose(
    looked: Looked, copies: Sequence[RunHead], *, copies_live: bool
) -> tuple[list[RunHead], list[str]]:
    """Each run once, from main.db and its parts or from the copy; what to say on the area's page.

    `copies_live`: a later Megatest took the copy over, so it is the truth and main.db is left
    over. Otherwise the copy counts where it knows something newer or more.
    """
    heads = looked.heads
    copied = {head.key: head for head in copies}
    chosen: list[RunHead] = []
    from_copy: list[RunKey] = []
    for head in heads:
        copy = copied.pop(head.key, None)
        waits = head.key in looked.waiting
        if copy is not None and (copies_live or (_is_fuller(copy, head) and not waits)):
            chosen.append(copy)
            from_copy.append(head.key)
        else:
            chosen.append(head)
    only_split = len(heads) - len(from_copy)
    chosen += copied.values()
    if copies_live:
        where = f"{heads[0].database.parent}: left over from v1.62 or earlier" if heads else ""
        told = (
            f"{where}; {plural(only_split, 'run stands', 'runs stand')} only there"
            if only_split
            else ""
        )
        return chosen, [told] if told else []
    return chosen, [f"{_names(from_copy)}: read from {copies[0].database}"] if from_copy else []


def _look_below(area: Area, main: AreaConnection, looked: Looked) -> _Below:
    below = _Below()
    if main.columns("tests"):
        _add(below, main, main.path)
    patience = BUSY_SECONDS
    for part in area.layout.parts:
        try:
            seen = mark(part)
            with reading(part, busy_seconds=patience) as connection:
                if connection.columns("tests"):
                    _add(below, connection, part)
                elif not area.layout.nested:
                    check_database(connection, ("tests",))
                looked.problems += [connection.note] if connection.note else []
            looked.marks.append(seen)
        except AreaBusyError as error:
            below.broken[part] = message_of(error)
            below.busy.add(part)
            patience = IMPATIENT_SECONDS
        except MtsiteError as error:
            below.broken[part] = message_of(error)
    return below


def _add(below: _Below, connection: AreaConnection, path: Path) -> None:
    sums = Sums(connection)
    pace = Pace(16, 2048)
    last = -1
    while numbers := sums.run_ids(last, pace.start()):
        last = numbers[-1]
        for run_id, found in tests_of_runs(sums, numbers).items():
            before = below.found.get(run_id)
            tests = replace(found, database=path)
            if before is None or _newness(tests) > _newness(before):
                below.found[run_id] = tests
        pace.stop()


def _newness(tests: TestsOf) -> tuple[int, int]:
    return tests.totals.activity_time(), tests.totals.rows


def _tests_of(area: Area, below: _Below) -> Callable[[int], TestsOf]:
    """The tests of a run, or why there are none."""
    directory = area.layout.main.parent if area.layout.main is not None else area.path

    def tests_of(run_id: int) -> TestsOf:
        own = directory / f"{run_id}.db"
        unread = own if own in below.broken else next(iter(below.broken), None)
        if run_id in below.found:
            return below.found[run_id]
        if unread is not None and (area.layout.nested or unread == own):
            return TestsOf(unreadable=f"its tests are in {unread}, which can't be read")
        if area.layout.nested:
            why = f"none of the databases of {directory} has them"
        else:
            why = f"{own}: {'they are not there' if own.exists() else 'no such file'}"
        return TestsOf(gone=f"its tests are not available: {why}")

    return tests_of


def _is_fuller(copy: RunHead, head: RunHead) -> bool:
    """Whether the copy of a run has what its own databases have not."""
    if head.gone == GONE or copy.unreadable:
        return False
    if head.gone or head.unreadable:
        return bool(copy.rows)
    return (copy.activity_time, copy.rows) > (head.activity_time, head.rows)


def _orphans(below: _Below, known: set[int]) -> Iterator[str]:
    """Databases with tests of runs that main.db has not."""
    lost: dict[Path, list[int]] = {}
    for run_id, tests in sorted(below.found.items()):
        if run_id not in known and tests.database is not None and tests.totals.tests.live:
            lost.setdefault(tests.database, []).append(run_id)
    told = [
        f"{path} has tests of run {', '.join(map(str, numbers[:MOST_NAMED]))}, which main.db"
        " has not: not shown"
        for path, numbers in lost.items()
    ]
    yield from shortened(told, "databases")


def shortened(told: Sequence[str], what: str) -> list[str]:
    """The first of these words, and how many more there are."""
    more = len(told) - MOST_NAMED
    return [*told[:MOST_NAMED], *([f"and {more} more {what}"] if more > 0 else [])]


def _names(keys: Iterable[RunKey]) -> str:
    names = ["/".join([*key.target, key.runname]) for key in keys]
    return ", ".join(shortened(names, "runs"))
