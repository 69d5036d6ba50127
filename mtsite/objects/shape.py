"""What an object is, told by its fields: mtsite's own form, or Treeherder's two.

own            {"kind": "job", "id": …, "name": …, "repository": …, "revision": …, …}
stored job     {"project": …, "revision": …, "job": {"job_guid": …, "name": …, …}}
message        {"taskId": …, "origin": {"project": …, "revision": …}, "display": {"jobName": …}, …}
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from mtsite.amounts import plural
from mtsite.objects.relations import JobEdge, relations_in, tried_again
from mtsite.spelled import moment

JOB, BUILD, PUSH, MACHINE = KINDS = ("job", "build", "push", "machine")
MOST_FIELDS = 500
_RESULTS = {
    **dict.fromkeys(("success", "pass", "passed", "skipped-ok"), "PASS"),
    **dict.fromkeys(("testfailed", "busted", "fail", "failed"), "FAIL"),
    **dict.fromkeys(("exception", "error", "infra"), "ABORT"),
    **dict.fromkeys(("retry", "superseded", "skipped"), "SKIP"),
}
_STOPPED = frozenset({"usercancel", "canceled", "cancelled"})
_STATES = {"pending": "NOT_STARTED", "unscheduled": "NOT_STARTED", "running": "RUNNING"}

Json = Mapping[str, Any]


class ObjectError(ValueError):
    """An object that can't be taken; the message is its reason."""


class Found(Struct, frozen=True):
    """An object. `revision` is '' for a machine, whose `repository` is '', too.

    `fields` are all that it says, as (path, value), in its own order.
    """

    kind: str
    id: str
    repository: str
    revision: str
    fields: tuple[tuple[str, float | int | str], ...]


class Job(Found, frozen=True):
    """A job: one execution of a test or build. Times are Unix seconds, None if it says none."""

    name: str = ""
    platform: str = ""
    machine: str = ""
    state: str = ""
    status: str = ""
    result: str = ""
    start: int | None = None
    end: int | None = None
    relations: tuple[JobEdge, ...] = ()


def read_object(text: str) -> Found:
    """What an object says.

    Raises:
        ObjectError: no JSON object, no kind that is known, or a field is missing that it needs.
    """
    try:
        told = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ObjectError("nested too deeply") from error
    except ValueError as error:
        raise ObjectError(f"no JSON: {error}") from error
    if not isinstance(told, dict):
        raise ObjectError(f"no object but a {type(told).__name__}")
    try:
        return _found(told)
    except RecursionError as error:
        raise ObjectError("nested too deeply") from error


def _found(told: Json) -> Found:
    if isinstance(told.get("job"), dict):
        return _stored(told, told["job"])
    if isinstance(told.get("origin"), dict) and isinstance(told.get("display"), dict):
        return _message(told)
    kind = told.get("kind")
    if kind == JOB:
        return _own_job(told)
    if kind == MACHINE:
        return Found(MACHINE, _needed(told, "name"), "", "", _fields(told))
    if kind not in KINDS:
        raise ObjectError(f"kind is {kind!r}, and none of {', '.join(KINDS)}")
    place = _needed(told, "repository"), _needed(told, "revision")
    number = _needed(told, "id") if kind == BUILD else place[1]
    return Found(kind, number, *place, _fields(told))


def _own_job(told: Json) -> Job:
    return Job(
        JOB,
        _needed(told, "id"),
        _needed(told, "repository"),
        _needed(told, "revision"),
        _fields(told),
        name=_needed(told, "name"),
        platform=_text(told.get("platform")),
        machine=_text(told.get("machine")),
        start=_time(told.get("start")),
        end=_time(told.get("end")),
        relations=relations_in(told),
        **_outcome(told),
    )


def _stored(told: Json, job: Json) -> Job:
    platform = job.get("machine_platform") or job.get("build_platform") or {}
    return Job(
        JOB,
        _needed(job, "job_guid"),
        _needed(told, "project"),
        _needed(told, "revision"),
        _fields(told),
        name=_needed(job, "name"),
        platform=_text(platform.get("platform")) if isinstance(platform, dict) else "",
        machine=_text(job.get("machine")),
        start=_time(job.get("start_timestamp")),
        end=_time(job.get("end_timestamp")),
        relations=(*relations_in({**told, **job}), *tried_again(_text(job.get("job_guid")))),
        **_outcome(job),
    )


def _message(told: Json) -> Job:
    machine = told.get("runMachine") or told.get("buildMachine") or {}
    machine = machine if isinstance(machine, dict) else {}
    guid = _guid(told)
    return Job(
        JOB,
        guid,
        _needed(told["origin"], "project"),
        _needed(told["origin"], "revision"),
        _fields(told),
        name=_needed(told["display"], "jobName"),
        platform=_text(machine.get("platform")),
        machine=_text(machine.get("name")),
        start=_time(told.get("timeStarted")),
        end=_time(told.get("timeCompleted")),
        relations=(*relations_in(told), *_tried_task(told, guid)),
        **_outcome(told),
    )


def _guid(told: Json) -> str:
    """A task that is tried again is another job of the same task."""
    task, retry = _needed(told, "taskId"), told.get("retryId")
    is_again = isinstance(retry, int) and not isinstance(retry, bool) and retry > 0
    return f"{task}/{retry}" if is_again else task


def _tried_task(told: Json, guid: str) -> tuple[JobEdge, ...]:
    task = _needed(told, "taskId")
    return tuple(
        edge._replace(other=edge.other if edge.other != f"{task}/0" else task)
        for edge in (tried_again(guid) if guid != task else ())
    )


def _outcome(told: Json) -> dict[str, str]:
    """State and status of a test row, and the word that it had for them."""
    state, result = _text(told.get("state")).lower(), _text(told.get("result")).lower()
    if state in _STATES:
        return {"state": _STATES[state], "status": "n/a", "result": result}
    if result in _STOPPED:
        return {"state": "KILLED", "status": "KILLED", "result": result}
    known = _RESULTS.get(result, "FAIL" if result not in {"", "unknown"} else "n/a")
    return {"state": "COMPLETED", "status": known, "result": result}


def _needed(told: Json, name: str) -> str:
    value = told.get(name)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip():
        raise ObjectError(f"{name} is missing")
    return _clean(text)


def _text(value: object) -> str:
    return _clean(value) if isinstance(value, str) else ""


def _time(value: object) -> int | None:
    """Unix seconds, or a time of ISO 8601."""
    if isinstance(value, str):
        value = moment(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 253_402_300_800 else None


def _fields(told: Json) -> tuple[tuple[str, float | int | str], ...]:
    found = list(_leaves("", told))
    if len(found) > MOST_FIELDS:
        rest = len(found) - MOST_FIELDS
        found[MOST_FIELDS:] = [
            ("…", f"{plural(rest, 'more field stands', 'more fields stand')} in the stored object")
        ]
    return tuple(found)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, float | int | str]]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _leaves(f"{path}.{_clean(name)}" if path else _clean(name), one)
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            yield from _leaves(f"{path}[{number}]", one)
    elif isinstance(value, str):
        yield path, _clean(value)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63:
        yield path, value
    else:
        yield path, json.dumps(value)


def _clean(text: str) -> str:
    """Lone surrogates and NUL have no place in a database's text."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _no_number(word: str) -> float:
    return {"NaN": math.nan}.get(word, math.inf)
