"""Pushes and builds of the gallery: an ordinary one, and one that is hostile in every word."""

from collections.abc import Iterator

from browser import past_records, records
from browser.gallery_levels import FRAME, Page
from browser.records import DAY, HOSTILE, NOW
from msgspec.structs import replace

from mtsite import urls
from mtsite.pages import build, push, pushes, repositories
from mtsite.provenance import Artifact, Commit, Push
from mtsite.toldpushes import PushPlace

REPOSITORY = "silicon/chipyard"
ODD = '<b>../"odd"\u202e</b>/.'
REVISIONS = [f"{n * 7919:08x}c3a9{n:028x}" for n in range(1, 78)]
BUILD = "chipyard-1187"
SUBJECTS = (
    "Credits of the retry buffer are counted per lane",
    "Cover the reset of the PHY while a packet is under way",
    "Waive the known gap in the coverage of scan chains until the next tape-out of the test chip",
)
SHA = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def told(number: int) -> Push:
    """The push at a place of the repository; every fifth has many commits."""
    many = 9 if number % 5 == 0 else 1
    commits = tuple(
        Commit(
            REVISIONS[number] if i == many - 1 else f"{number:04x}{i:036x}",
            ("Ann Lee", "bo", "Chidi")[(number + i) % 3],
            NOW - (77 - number) * DAY,
            f"{SUBJECTS[(number + i) % 3]}\n\nBody.",
        )
        for i in range(many)
    )
    return Push(commits, str(4000 + number), ("ann", "bo")[number % 2], NOW - (77 - number) * DAY)


def pages() -> Iterator[Page]:
    """(path, template, context) of each."""
    night = records.Night()
    runs = tuple(past_records.past(night)[:5])
    yield from _lists(night)
    at = PushPlace(REPOSITORY, REVISIONS[75], 75)
    shown = push.Shown(
        at,
        told(75),
        PushPlace(REPOSITORY, REVISIONS[70], 70),
        PushPlace(REPOSITORY, REVISIONS[76], 76),
        runs,
        ((REPOSITORY, BUILD),),
        (_broke(night, at, 5), _broke(night, at, 1)),
    )
    yield _page(push, push_path(75), push.context(FRAME, shown))
    lone = push.Shown(
        PushPlace(ODD, HOSTILE[0]),
        Push(tuple(Commit(f"r{n}", HOSTILE[1], None, HOSTILE[0]) for n in range(5000))),
        *(None, None, runs[:1], ((ODD, HOSTILE[0]),), ()),
    )
    path = urls.push_page(ODD, HOSTILE[0])
    yield _page(push, path, push.context(FRAME, lone))
    files = (
        Artifact("sim/image.tar.gz", "https://files.example/sim/image.tar.gz", SHA, 48_312_044),
        Artifact("waves.fst", "", "d41d8cd98f00b204e9800998ecf8427e", 9_112),
        Artifact(HOSTILE[0], "javascript:alert(1)", "", -1, HOSTILE[1]),
    )
    where = ("https://ci.example/chipyard/1187",)
    made = build.Shown(REPOSITORY, BUILD, (REVISIONS[75],), where, files, runs)
    yield _page(build, urls.build_page(REPOSITORY, BUILD), build.context(FRAME, made))
    bare = build.Shown(ODD, HOSTILE[0], (), (), (), runs[:1])
    yield _page(build, urls.build_page(ODD, HOSTILE[0]), build.context(FRAME, bare))


def push_path(number: int) -> str:
    """The page of a push of the gallery."""
    return urls.push_page(REPOSITORY, REVISIONS[number])


def _lists(night: records.Night) -> Iterator[Page]:
    lines = tuple(_line(night, n) for n in range(76, -1, -1))
    odd = Push((Commit(HOSTILE[0], HOSTILE[1], NOW, HOSTILE[0]),), "", HOSTILE[1], NOW)
    untold = (pushes.Line(odd, HOSTILE[0], ((night.key, "F"),)),)
    whole = pushes.Shown(REPOSITORY, None, 2, 77, lines, untold)
    yield _page(pushes, urls.pushes_page(REPOSITORY), pushes.context(FRAME, whole))
    for part in (0, 1):
        some = tuple(one for one in lines if REVISIONS.index(one.revision) // 50 == part)
        shown = pushes.Shown(REPOSITORY, part, 2, 77, some)
        yield _page(pushes, urls.pushes_page(REPOSITORY, part), pushes.context(FRAME, shown))
    alone = pushes.Shown(ODD, None, 0, 0, (), untold)
    yield _page(pushes, urls.pushes_page(ODD), pushes.context(FRAME, alone))
    found = [
        repositories.Repository(ODD, 0, 1, untold[0]),
        repositories.Repository(REPOSITORY, 77, 12, lines[1]),
        repositories.Repository("docs", 3, 0),
    ]
    path = urls.repositories_page()
    yield _page(repositories, path, repositories.context(FRAME, found))


def _page(kind: object, path: str, context: dict[str, object]) -> Page:
    return path, kind.TEMPLATE, context  # type: ignore[attr-defined]


def _line(night: records.Night, number: int) -> pushes.Line:
    names = night.window[-6:]
    runs = [(replace(night.key, runname=names[n]), "PFWPPA"[n]) for n in range(number % 6)]
    tested = tuple(runs) if number in {75, 76, 70} else ()
    return pushes.Line(told(number), REVISIONS[number], tested)


def _broke(night: records.Night, at: PushPlace, pushes_between: int) -> push.Broke:
    there = replace(night.key, runname=night.window[-2])
    tests = tuple((name, "F") for name in [one.name for one in night.run.tests][:4])
    first = at.number + 1 - pushes_between
    between = tuple(
        (PushPlace(REPOSITORY, REVISIONS[n], n), told(n).commits[-1].message, n == 75)
        for n in range(at.number, first - 1, -1)
    )
    there_at = PushPlace(REPOSITORY, REVISIONS[first - 1], first - 1)
    return push.Broke(night.key, there, there_at, tests, pushes_between, between)
