"""The pushlog of a Mercurial server (json-pushes), versions 1 and 2, with or without `full=1`."""

import json
from collections.abc import Mapping
from typing import Any

from mtsite.objects.shape import ObjectError
from mtsite.provenance import Push, decode
from mtsite.pushlog import is_push_number

LONGEST_MESSAGE = 4000


def read_hg_pushlog(text: str) -> list[Push]:
    """The pushes of a pushlog by their numbers, oldest first.

    Raises:
        ObjectError: it is no such JSON; the message says what is wrong, and with which push.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ObjectError(f"no JSON: {error}") from error
    if isinstance(told, dict) and isinstance(told.get("pushes"), dict):
        told = told["pushes"]
    if not isinstance(told, dict) or not told:
        raise ObjectError("no pushlog: an object with a member per push is expected")
    numbers = [number for number in told if not is_push_number(number)]
    if numbers:
        raise ObjectError(f"{numbers[0][:40]!r} is no number of a push")
    return [_push(number, told[number]) for number in sorted(told, key=int)]


def _push(number: str, told: Any) -> Push:
    changes = told.get("changesets") if isinstance(told, dict) else None
    if not isinstance(changes, list) or not changes:
        raise ObjectError(f"push {number[:40]}: has no changesets")
    commits = [_commit(one) for one in changes]
    row = {"id": number, "author": told.get("user"), "time": told.get("date"), "commits": commits}
    try:
        return decode(json.dumps(row))
    except ValueError as error:
        raise ObjectError(f"push {number[:40]}: {error}") from error


def _commit(told: object) -> Mapping[str, object]:
    if not isinstance(told, dict):
        return {"revision": told if isinstance(told, str) else ""}
    message = told.get("desc")
    return {
        "revision": told.get("node"),
        "author": told.get("author"),
        "message": message[:LONGEST_MESSAGE] if isinstance(message, str) else "",
    }
