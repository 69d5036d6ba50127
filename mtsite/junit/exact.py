"""What JUnit has no place for, as JSON in one property: so that an export reads back as the run.

`mtsite.run` of the whole, `mtsite.test` of an item or group. A test's has only what differs from
what its other attributes say. Anybody may write such a property: what is of a wrong type counts
as not said.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtsite.model import Run, Test, TestMeta

RUN_PROPERTY = "mtsite.run"
TEST_PROPERTY = "mtsite.test"

Said = dict[str, Any]
_TEXT, _NUMBER, _REAL = (str,), (int, type(None)), (int, float, type(None))
TEST_COLUMNS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("state", "status", "host", "uname", "comment"), _TEXT),
    **dict.fromkeys(("attemptnum", "run_duration", "event_time", "diskfree"), _NUMBER),
    "cpuload": _REAL,
}
RUN_COLUMNS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("state", "status", "owner", "contour", "comment"), _TEXT),
    "event_time": _NUMBER,
}
META_COLUMNS = ("author", "owner", "description", "reviewed", "tags", "jobgroup")
DATUM_COLUMNS = "category variable value expected tol units comment status type".split()
_STEP = (_TEXT, _NUMBER, _NUMBER, _TEXT, _TEXT, _TEXT)
_SCALAR = (int, float, str, type(None))
_DATUM = (_TEXT, _TEXT, _SCALAR, _SCALAR, _SCALAR, _TEXT, _TEXT, (str, type(None)), _TEXT)


def said_of_test(test: Test) -> Said:
    """All of a test but where it ran."""
    return {
        "testname": test.testname,
        "item_path": test.item_path,
        **{name: getattr(test, name) for name in TEST_COLUMNS},
        "steps": [[s.name, s.start, s.end, s.status, s.logfile, s.comment] for s in test.steps],
        "data": [[getattr(datum, name) for name in DATUM_COLUMNS] for datum in test.data],
    }


def said_of_run(run: Run) -> Said:
    """All of a run but its name, its tests and its attributes."""
    return {
        **{name: getattr(run, name) for name in RUN_COLUMNS},
        "meta": {name: _meta(one) for name, one in sorted(run.meta.items())},
    }


def text_of(said: Said) -> str:
    """As the value of the property: ASCII in one line."""
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


def read_test(properties: Sequence[tuple[str, str]]) -> Said | None:
    """What the property among these says of a test; None where it is missing or makes no sense."""
    said = _read(properties, TEST_PROPERTY)
    if said is None:
        return None
    kept = _columns(said, {"testname": _TEXT, "item_path": _TEXT, **TEST_COLUMNS})
    for name, shape in (("steps", _STEP), ("data", _DATUM)):
        if isinstance(said.get(name), list):
            kept[name] = [row for row in said[name] if _has_shape(row, shape)]
    return kept


def read_run(properties: Sequence[tuple[str, str]]) -> Said | None:
    """The same of a run; `meta` maps testnames to columns of test descriptions."""
    said = _read(properties, RUN_PROPERTY)
    if said is None:
        return None
    meta = said.get("meta")
    told = meta.items() if isinstance(meta, dict) else ()
    kinds = dict.fromkeys(META_COLUMNS, _TEXT)
    return {
        **_columns(said, RUN_COLUMNS),
        "meta": {_clean(name): _columns(one, kinds) for name, one in told if isinstance(one, dict)},
    }


def numbered(properties: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Properties with names that stand once: one that stands twice gets a number."""
    seen: dict[str, int] = {}
    for name, value in properties:
        count = seen[name] = seen.get(name, 0) + 1
        yield (name if count == 1 else f"{name} #{count}"), value


def _meta(meta: TestMeta) -> Said:
    told = {name: getattr(meta, name) for name in META_COLUMNS}
    return {**told, "tags": ",".join(meta.tags)}


def _read(properties: Sequence[tuple[str, str]], wanted: str) -> Said | None:
    told = next((value for name, value in properties if name == wanted), None)
    if told is None:
        return None
    try:
        # Bytes of a name that are no UTF-8 can't travel in XML or JSON: what stands for them goes.
        said = json.loads(told.encode("utf-8", "replace").decode())
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _columns(said: Said, kinds: Mapping[str, tuple[type, ...]]) -> Said:
    return {name: _clean(said[name]) for name, kind in kinds.items() if _is_one(said, name, kind)}


def _is_one(said: Said, name: str, kind: tuple[type, ...]) -> bool:
    return name in said and _is(said[name], kind)


def _is(value: object, kind: tuple[type, ...]) -> bool:
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, int) or abs(value) < 2**63


def _has_shape(row: object, shape: Sequence[tuple[type, ...]]) -> bool:
    if not isinstance(row, list) or len(row) != len(shape):
        return False
    if not all(_is(value, kind) for value, kind in zip(row, shape, strict=True)):
        return False
    row[:] = [_clean(value) for value in row]
    return True


def _clean(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
