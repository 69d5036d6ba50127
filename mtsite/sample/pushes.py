"""What the web team pushed, and which push and build each of its runs tested."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from mtsite.provenance import Commit, Push
from mtsite.pushlog import file_of, write_pushlog
from mtsite.sample.history import SampleRun

REPOSITORY = "web/shop"
_DAY = 86_400
_HOURS = (8, 11, 15)
_AUTHORS = ("Priya Nair", "Tom Becker", "Ines Duarte", "Kofi Mensah")
_CHANGES = (
    "Keep the basket when a session is renewed",
    "Ask for the address once, and show it before paying",
    "Prices with taxes in lists, too",
    "Retry the payment hook after a timeout",
    "Search: words in any order",
    "Upgrade the router; drop two polyfills",
    "Show stock as it is, not as it was when the page was made",
    "Translate the mails of the returns desk",
)


def push_days(now: int, days: int, seed: int) -> list[Push]:
    """Some pushes on every day of the history, oldest first, up to `now` (Unix seconds)."""
    random = Random(f"{seed}|{REPOSITORY}")
    first = now - now % _DAY - days * _DAY
    times = [first + day * _DAY + hour * 3600 for day in range(days + 1) for hour in _HOURS]
    return [_push(seed, when, random) for when in times if when < now]


def write_pushes(root: Path, pushes: Sequence[Push]) -> None:
    """Put them beside the mtsite.toml in `root`."""
    write_pushlog(file_of(root, REPOSITORY), REPOSITORY, pushes)


def _push(seed: int, when: int, random: Random) -> Push:
    author = random.choice(_AUTHORS)
    many = random.choice((1, 1, 1, 2, 4))
    commits = tuple(
        Commit(
            hashlib.sha1(f"{seed}|{when}|{n}".encode(), usedforsecurity=False).hexdigest(),
            author,
            when - 900 * (many - n),
            random.choice(_CHANGES),
        )
        for n in range(many)
    )
    return Push(commits, "", author, when)


def attributes_of(run: SampleRun, pushes: Sequence[Push]) -> Iterator[tuple[str, str]]:
    """What a run tested: the last push before it began, and what was built of it."""
    tested = [push for push in pushes if (push.time or 0) < run.event_time][-1:]
    for push in tested:
        build = f"shop-{push.revision[:7]}"
        files = {"shop.tar.zst": 18_400_000, "licences.json": 91_322}
        yield "repository", REPOSITORY
        yield "revision", push.revision
        yield "build", build
        yield "build.url", f"https://ci.example/{build}"
        for name, size in files.items():
            digest = hashlib.sha256(json.dumps([build, name]).encode()).hexdigest()
            yield (
                f"build.artifact.{name}",
                f"sha256:{digest} {size} https://ci.example/{build}/{name}",
            )
