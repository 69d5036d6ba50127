"""The JSON twins of the pages of pushes and builds: schemas mtsite/repositories/1, pushes/1, push/1
and run-build/1, published in docs/schemas.

Complete where a page is cut. An address is a path from the root of the site, null where there is
no page; times are Unix seconds or null. Bytes of a name that are not UTF-8 become U+FFFD.
"""

import re
from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunKey, RunSummary
from mtsite.pages import build, push, pushes
from mtsite.pages.repositories import Repository
from mtsite.provenance import Commit
from mtsite.toldpushes import UNTOLD, PushPlace

_LONE = re.compile("[\ud800-\udfff]")


def of_repositories(found: Sequence[Repository]) -> dict[str, object]:
    """Every repository that runs name or whose pushes are known."""
    rows = [
        {
            "repository": _text(one.name),
            "address": urls.pushes_page(one.name),
            "pushes": one.pushes,
            "runs": one.runs,
        }
        for one in found
    ]
    return {"schema": "mtsite/repositories/1", "repositories": rows}


def of_list(shown: pushes.Shown) -> dict[str, object]:
    """Some pushes of a repository; on its own page also how many, and where all of them are."""
    whole = shown.part is None
    parts = range(shown.parts) if whole else ()
    return {
        "schema": "mtsite/pushes/1",
        "repository": _text(shown.repository),
        "part": None if shown.part is None else shown.part + 1,
        "total": shown.total if whole else None,
        "parts": [urls.json_beside(urls.pushes_page(shown.repository, n)) for n in parts],
        "pushes": [_line(shown.repository, one) for one in shown.lines],
        "untold": [_line(shown.repository, one) for one in shown.untold],
    }


def of_push(shown: push.Shown) -> dict[str, object]:
    """A push with all its commits and runs."""
    at, told = shown.at, shown.push
    return {
        "schema": "mtsite/push/1",
        "repository": _text(at.repository),
        "revision": _text(at.revision),
        "address": urls.push_page(at.repository, at.revision),
        "id": _text(told.id),
        "author": _text(told.author),
        "time": told.time,
        "number": None if at.number == UNTOLD else at.number + 1,
        "before": _place(shown.before),
        "after": _place(shown.after),
        "commits": [_commit(one) for one in told.commits],
        "builds": [
            {"build": _text(name), "address": urls.build_page(repository, name)}
            for repository, name in shown.builds
        ],
        "runs": [_run(one) for one in shown.runs],
        "first_bad": [_broke(one) for one in shown.broke],
    }


def of_build(shown: build.Shown) -> dict[str, object]:
    """A build with its files and the runs that used it."""
    return {
        "schema": "mtsite/run-build/1",
        "repository": _text(shown.repository),
        "build": _text(shown.id),
        "address": urls.build_page(shown.repository, shown.id),
        "pushes": [
            {"revision": _text(one), "address": urls.push_page(shown.repository, one)}
            for one in shown.pushes
        ],
        "described_at": [_text(one) for one in shown.addresses],
        "artifacts": [
            {
                "name": _text(one.name),
                "url": _text(one.url),
                "digest": one.digest,
                "size": one.size_bytes if one.size_bytes >= 0 else None,
                "said": _text(one.said),
            }
            for one in shown.artifacts
        ],
        "runs": [_run(one) for one in shown.runs],
    }


def _line(repository: str, one: pushes.Line) -> dict[str, object]:
    told = one.push
    return {
        "revision": _text(one.revision),
        "address": urls.push_page(repository, one.revision) if one.runs else None,
        "id": _text(told.id),
        "author": _text(told.author),
        "time": told.time,
        "commits": len(told.commits),
        "runs": [{**_key(key), "verdict": letter} for key, letter in one.runs],
    }


def _broke(one: push.Broke) -> dict[str, object]:
    return {
        "run": _key(one.here),
        "good": _key(one.there),
        "good_revision": _text(one.there_at.revision),
        "pushes": one.total,
        "first_bad": _text(one.between[0][0].revision) if one.total == 1 else None,
        "tests": [
            {"testname": _text(name[0]), "item_path": _text(name[1]), "verdict": letter}
            for name, letter in one.tests
        ],
    }


def _commit(one: Commit) -> dict[str, object]:
    return {
        "revision": _text(one.revision),
        "author": _text(one.author),
        "time": one.time,
        "message": _text(one.message),
    }


def _place(at: PushPlace | None) -> str | None:
    return None if at is None else urls.push_page(at.repository, at.revision)


def _key(key: RunKey) -> dict[str, object]:
    return {
        "area": _text(key.area),
        "target": [_text(value) for value in key.target],
        "runname": _text(key.runname),
        "address": urls.run_page(key),
    }


def _run(run: RunSummary) -> dict[str, object]:
    return _key(run.key) | {
        "verdict": run.verdict,
        "counts": dict(sorted(run.counts.items())),
        "event_time": run.event_time,
    }


def _text(value: str) -> str:
    return _LONE.sub("\ufffd", value)
