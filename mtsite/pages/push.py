"""What the page of a push shows: commits, runs, and which tests went wrong with it first."""

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunKey, RunSummary, TestName
from mtsite.pages import words
from mtsite.pages.listing import run_rows
from mtsite.pages.marks import short, subject
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.place import test_label
from mtsite.pages.pushes import anchor_of, crumbs_of, name_of
from mtsite.pages.weight import weight, within
from mtsite.provenance import Push
from mtsite.toldpushes import AT_ONCE, UNTOLD, PushPlace

EDITION = 3
TEMPLATE = "push.html"
MOST_RUNS = 200
MOST_COMMITS = 200
MOST_TESTS = 50
Told = dict[str, object]

BROKE_ROOM, BUILDS_ROOM = 300_000, 60_000
"""Bytes of HTML: targets may be many, and names of any length."""


class Broke(Struct, frozen=True):
    """Tests that are wrong in the run `here`, and were good in `there`, at an earlier push.

    `between` are the last of `total` pushes after that one up to this one, each with the revision
    of its page, '' where it has none; one of them did it.
    """

    here: RunKey
    there: RunKey
    there_at: PushPlace
    tests: tuple[tuple[TestName, str], ...]
    total: int
    between: tuple[tuple[PushPlace, str, bool], ...]


class Shown(Struct, frozen=True):
    """A push: where it stands, its neighbours with runs, runs and builds."""

    at: PushPlace
    push: Push
    before: PushPlace | None
    after: PushPlace | None
    runs: tuple[RunSummary, ...]
    builds: tuple[tuple[str, str], ...]
    broke: tuple[Broke, ...]


def context(frame: SiteFrame, shown: Shown) -> Told:
    """The page of a push."""
    at, push = shown.at, shown.push
    path = urls.push_page(at.repository, at.revision)
    letter = max((one.verdict for one in shown.runs), key=words.rank, default="N")
    style, symbol, word = words.mark(letter)
    name = short(at.revision)
    said = subject(push.commits[-1].message)
    made = frame_context(
        frame,
        path,
        crumbs_of(path, at.repository),
        title=f"{symbol} {word} {name} · push to {name_of(at.repository)}",
        description=said or f"{words.plural(len(shown.runs), 'run')} of this push.",
    )
    return (
        made
        | _builds(path, shown)
        | _wrong(path, shown)
        | _commits(push)
        | {
            "twin": urls.relative(path, urls.json_beside(path)),
            "letter": style,
            "symbol": symbol,
            "word": word,
            "name": name,
            "revision": at.revision,
            "repository": name_of(at.repository),
            "repository_href": urls.relative(path, urls.pushes_page(at.repository)),
            "lead": said,
            "before": _neighbour(path, shown.before),
            "after": _neighbour(path, shown.after),
            "in_list": _in_list(path, at),
            "place": words.number(at.number + 1) if at.number != UNTOLD else "",
            "id": push.id,
            "author": push.by,
            "pushed": words.when(push.time),
            "runs": run_rows(path, shown.runs[:MOST_RUNS], "\0"),
            "runs_total": len(shown.runs),
            "untold": at.number == UNTOLD,
        }
    )


def _commits(push: Push) -> Told:
    commits = tuple(reversed(push.commits))
    return {
        "commits": tuple(
            (short(one.revision), one.revision, subject(one.message), words.first_line(one.author))
            for one in commits[:MOST_COMMITS]
        ),
        "commits_total": len(commits),
    }


def _builds(path: str, shown: Shown) -> Told:
    builds = [
        (build, urls.relative(path, urls.build_page(repository, build)))
        for repository, build in shown.builds
    ]
    named = within(builds, (50 + weight(*one) for one in builds), BUILDS_ROOM)
    more = len(builds) - len(named)
    return {"builds": named, "builds_more": words.number(more) if more else ""}


def _wrong(path: str, shown: Shown) -> Told:
    """What went wrong, of as many targets as there is room for."""
    found = [_broke(path, one) for one in shown.broke]
    # Their texts as Python writes them are about as long as their markup.
    broke = within(found, (600 + weight(*map(str, one.values())) for one in found), BROKE_ROOM)
    more = len(found) - len(broke)
    return {"broke": broke, "broke_more": words.plural(more, "more target") if more else ""}


def list_link(path: str, at: PushPlace) -> str:
    """The link from a page to where a told push stands in the list of its repository."""
    page = urls.pushes_page(at.repository, at.number // AT_ONCE)
    return f"{urls.relative(path, page)}#{anchor_of(at.revision)}"


def _in_list(path: str, at: PushPlace) -> str:
    if at.number != UNTOLD:
        return list_link(path, at)
    return urls.relative(path, urls.pushes_page(at.repository))


def _neighbour(path: str, at: PushPlace | None) -> tuple[str, str] | None:
    if at is None:
        return None
    return short(at.revision), urls.relative(path, urls.push_page(at.repository, at.revision))


def _broke(path: str, one: Broke) -> Told:
    between = [_push_link(path, *each) for each in one.between]
    return {
        "target": "/".join((one.here.area, *one.here.target)),
        "here": _run_link(path, one.here),
        "there": _run_link(path, one.there),
        "there_push": short(one.there_at.revision),
        "tests_total": len(one.tests),
        "many": words.plural(len(one.tests), "test"),
        "tests": tuple(_test(path, one.here, *each) for each in one.tests[:MOST_TESTS]),
        "alone": one.total == 1,
        "pushes": words.plural(one.total, "push", "pushes"),
        "between": tuple(between),
        "cut": words.number(one.total - len(between)) if one.total > len(between) else "",
    }


def _push_link(path: str, at: PushPlace, said: str, has_page: bool) -> tuple[str, str, str]:
    """(name, link, what its last commit says)."""
    page = urls.relative(path, urls.push_page(at.repository, at.revision))
    return short(at.revision), page if has_page else list_link(path, at), subject(said)


def _run_link(path: str, key: RunKey) -> tuple[str, str]:
    return key.runname, urls.relative(path, urls.run_page(key))


def _test(path: str, key: RunKey, name: TestName, letter: str) -> tuple[str, str, str, str, str]:
    """(style, symbol, word, name, link)."""
    link = urls.relative(path, urls.test_page(key, name))
    return (*words.mark(letter), test_label(name), link)
