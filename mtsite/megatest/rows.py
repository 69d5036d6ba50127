"""Rows of a Megatest database → records: values of any type, steps paired. Pure, no SQL.

SQLite's columns promise nothing: numbers may be text, text may be a blob, times may lie in the
year 200,000. What makes no sense becomes None; what is text stays text.
"""

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from mtsite.model import Scalar, State, Status, Step, Test, TestDatum, TestMeta

Row = Mapping[str, object]

RUN_COLUMNS = "id runname state status owner event_time comment contour last_update".split()
TEST_COLUMNS = (
    "id testname item_path state status host uname cpuload diskfree rundir shortdir final_logf"
    " run_duration comment event_time attemptnum archived".split()
)
STEP_COLUMNS = "id test_id stepname state status event_time comment logfile".split()
DATUM_COLUMNS = "id test_id category variable value expected tol units comment status type".split()
META_COLUMNS = "testname author owner description reviewed tags jobgroup".split()
"""What is read of each table, by the names of generation G4."""

PLACEHOLDER = ("bogustest", "nowherepath")
"""Name of the row that Megatest puts first into each run's own database; it leaks into others."""

NEVER_HAD_A_DIRECTORY = frozenset({"", "n/a", "/tmp/badname"})
_LAST_TIME = 253_402_300_799  # the end of the year 9999
_LONGEST = 10 * 365 * 86_400


def text(value: object) -> str:
    """A value as text; NULL is '', bytes that are not UTF-8 survive as surrogates."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)


def integer(value: object) -> int | None:
    """A whole number; None for NULL, text and what is not finite."""
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    return None


def rowid(row: Row) -> int:
    """The number of a row in its table."""
    return integer(row["id"]) or 0


def time(value: object) -> int | None:
    """Unix seconds; None for what is no time between 1970 and the year 9999, and for 0.

    No run began in the first second of 1970: 0 is what programs write that know no time.
    """
    number = integer(value)
    return number if number is not None and 0 < number <= _LAST_TIME else None


def duration(value: object) -> int | None:
    """Seconds; None for what is negative or longer than ten years."""
    number = integer(value)
    return number if number is not None and 0 <= number <= _LONGEST else None


def real(value: object) -> float | None:
    """A finite number of any kind; None for NULL and text."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def scalar(value: object) -> Scalar:
    """A value of test_data as it is: number or text. A number that is not finite becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int | float) or value is None:
        return value
    return text(value)


def is_deleted(value: object) -> bool:
    """Whether a state says that Megatest removed the row; Megatest writes both cases."""
    return text(value).lower() == "deleted"


def to_test(
    row: Row, *, toplevel: bool, steps: tuple[Step, ...], data: tuple[TestDatum, ...]
) -> Test:
    """One row of `tests` with what belongs to it; columns that it lacks have Megatest's meaning."""
    cpuload, diskfree = real(row.get("cpuload")), integer(row.get("diskfree"))
    rundir = text(row.get("rundir"))
    return Test(
        testname=text(row["testname"]),
        item_path=text(row["item_path"]),
        state=State(text(row["state"])),
        status=Status(text(row["status"])),
        host=text(row.get("host")),
        uname=text(row.get("uname")),
        cpuload=cpuload if cpuload is not None and cpuload >= 0 else None,
        diskfree=diskfree if diskfree is not None and diskfree >= 0 else None,
        rundir=rundir,
        shortdir=text(row["shortdir"]) if row.get("shortdir") is not None else rundir,
        final_logf=text(row.get("final_logf")),
        run_duration=duration(row.get("run_duration")),
        comment=text(row.get("comment")),
        event_time=time(row.get("event_time")),
        attemptnum=integer(row.get("attemptnum")),
        archived=integer(row.get("archived")) or 0,
        toplevel=toplevel,
        steps=steps,
        data=data,
    )


def to_datum(row: Row) -> TestDatum:
    """One row of `test_data`; a status of NULL says that Megatest could not judge it."""
    return TestDatum(
        category=text(row.get("category")),
        variable=text(row.get("variable")),
        value=scalar(row.get("value")),
        expected=scalar(row.get("expected")),
        tol=scalar(row.get("tol")),
        units=text(row.get("units")),
        comment=text(row.get("comment")),
        status=None if row.get("status") is None else text(row["status"]),
        type=text(row.get("type")),
    )


def to_meta(row: Row) -> TestMeta:
    """One row of `test_meta`; tags are a comma list."""
    tags = (tag.strip() for tag in text(row.get("tags")).split(","))
    return TestMeta(
        author=text(row.get("author")),
        owner=text(row.get("owner")),
        description=text(row.get("description")),
        reviewed=text(row.get("reviewed")),
        tags=tuple(tag for tag in tags if tag),
        jobgroup=text(row.get("jobgroup")) or "default",
    )


class _Pair(Struct):
    """What is known of one step while its rows are gone through."""

    first_id: int
    start: int | None = None
    start_id: int = -1
    end: int | None = None
    end_id: int = -1
    status: str = ""
    logfile: str = ""
    comment: str = ""


def pair_steps(rows: Iterable[Row]) -> tuple[Step, ...]:
    """The steps of one test from their start and end rows, by Megatest's own rule.

    Rows go by event_time, then id. A start that was written after the end is a step that runs
    again: it has no end yet. A clock that went back gives a duration of 0, never less.
    """
    pairs: dict[str, _Pair] = {}
    for row in sorted(rows, key=_order):
        if is_deleted(row["status"]):
            continue
        name, number = text(row["stepname"]), integer(row["id"]) or 0
        pair = pairs.setdefault(name, _Pair(number))
        pair.first_id = min(pair.first_id, number)
        _add(pair, row, number)
    steps = [(_begin(pair), pair.first_id, _to_step(name, pair)) for name, pair in pairs.items()]
    return tuple(step for _start, _id, step in sorted(steps, key=lambda each: each[:2]))


def _add(pair: _Pair, row: Row, number: int) -> None:
    state, when = text(row["state"]), time(row["event_time"])
    status, comment = text(row["status"]), text(row.get("comment"))
    if state == "start":
        pair.start, pair.start_id = when, number
        pair.status = pair.status or status
        pair.logfile = text(row.get("logfile")) or pair.logfile
        return
    pair.end, pair.end_id = when, number
    pair.status = status
    if state == "end":
        pair.logfile = text(row.get("logfile")) or pair.logfile
        pair.comment = comment or pair.comment
    else:
        # A state of the test's own making: it must not be lost, and a step has no place for it.
        pair.comment = comment or state


def _to_step(name: str, pair: _Pair) -> Step:
    end, length = pair.end, None
    if pair.start is not None and end is not None:
        if end < pair.start and pair.start_id > pair.end_id:
            end = None
        else:
            length = max(0, end - pair.start)
    return Step(
        name=name,
        start=pair.start,
        end=end,
        status=Status(pair.status),
        duration=length,
        logfile=pair.logfile,
        comment=pair.comment,
    )


def _begin(pair: _Pair) -> int:
    return next((when for when in (pair.start, pair.end) if when is not None), 0)


def _order(row: Row) -> tuple[int, float, str, int]:
    """SQLite's own order of a column: NULL, numbers, text; then the rowid."""
    when, number = row["event_time"], integer(row["id"]) or 0
    if isinstance(when, int | float):
        return 1, when, "", number
    return (0, 0, "", number) if when is None else (2, 0, text(when), number)
