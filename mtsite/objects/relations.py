"""What a job says of other jobs: its own form, and what Treeherder has for it.

own          {"depends_on": [ID, …], "built_from": ID, "retry_of": ID, "duplicates": ID}, or
             {"relations": [{"kind": "depends-on", "to": ID}, …]}
Treeherder   coalesced, superseded: jobs that this one did the work of; coalesced_to_guid: the other
             way round; a guid ID/2, or retryId 2: what was tried again is ID/1
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mtsite.relations import BUILT, DEPENDS, DUPLICATE, KINDS, RETRY

MOST = 1_000
_NAMED = {
    "depends_on": DEPENDS,
    "dependencies": DEPENDS,
    "built_from": BUILT,
    "retry_of": RETRY,
    "duplicates": DUPLICATE,
    "coalesced_to_guid": DUPLICATE,
}
_TAKEN_OVER = ("coalesced", "superseded")
_TRIED = re.compile(r"(.+)/([1-9][0-9]{0,5})", re.DOTALL)


class JobEdge(NamedTuple):
    """A job hangs on the job `other`; `back`: that one hangs on it."""

    kind: str
    other: str
    back: bool = False


def relations_in(told: Mapping[str, Any]) -> tuple[JobEdge, ...]:
    """The edges that the fields of a job tell of, each once."""
    return tuple(dict.fromkeys(_edges(told)))[:MOST]


def tried_again(guid: str) -> tuple[JobEdge, ...]:
    """What the number at the end of a guid tells of."""
    found = _TRIED.fullmatch(guid)
    return (JobEdge(RETRY, f"{found[1]}/{int(found[2]) - 1}"),) if found else ()


def _edges(told: Mapping[str, Any]) -> Iterator[JobEdge]:
    for name, kind in _NAMED.items():
        yield from (JobEdge(kind, one) for one in _ids(told.get(name)))
    for name in _TAKEN_OVER:
        yield from (JobEdge(DUPLICATE, one, back=True) for one in _ids(told.get(name)))
    stated = told.get("relations")
    for one in stated if isinstance(stated, list) else ():
        if isinstance(one, dict) and one.get("kind") in KINDS:
            yield from (JobEdge(one["kind"], other) for other in _ids(one.get("to")))


def _ids(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip():
            yield str(one).encode("utf-8", "replace").decode().replace("\0", "\ufffd")
