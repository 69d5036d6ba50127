"""What the page of a build shows: what it was made of, its files, and the runs that used it."""

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import words
from mtsite.pages.listing import run_rows
from mtsite.pages.marks import short
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.pushes import crumbs_of, name_of
from mtsite.pages.weight import weight, within
from mtsite.provenance import Artifact

EDITION = 2
TEMPLATE = "build.html"
MOST_RUNS = 200
MOST_FILES = 300
FILES_ROOM = 300_000
"""Bytes of HTML: what runs say of files is of any length."""


class Shown(Struct, frozen=True):
    """A build as all its runs together name it: those say different things of one file rarely.

    `pushes` are the revisions that runs name with it, `addresses` where they say it is described.
    """

    repository: str
    id: str
    pushes: tuple[str, ...]
    addresses: tuple[str, ...]
    artifacts: tuple[Artifact, ...]
    runs: tuple[RunSummary, ...]


def context(frame: SiteFrame, shown: Shown) -> dict[str, object]:
    """The page of a build."""
    path = urls.build_page(shown.repository, shown.id)
    letter = max((one.verdict for one in shown.runs), key=words.rank, default="N")
    style, symbol, word = words.mark(letter)
    many = words.plural(len(shown.runs), "run")
    lead = f"Used by {many}; {words.plural(len(shown.artifacts), 'file')} known."
    name = name_of(shown.repository)
    files = [_file(one) for one in shown.artifacts[:MOST_FILES]]
    made = frame_context(
        frame,
        path,
        crumbs_of(path, shown.repository),
        title=f"{symbol} {word} {short(shown.id)} · build of {name}",
        description=lead,
    )
    return made | {
        "twin": urls.relative(path, urls.json_beside(path)),
        "letter": style,
        "symbol": symbol,
        "word": word,
        "id": shown.id,
        "repository": name,
        "lead": lead,
        "pushes": tuple(
            (short(one), urls.relative(path, urls.push_page(shown.repository, one)))
            for one in shown.pushes
        ),
        "addresses": tuple((one, words.web_link(one)) for one in shown.addresses),
        "files": within(files, (250 + weight(*one.values()) for one in files), FILES_ROOM),
        "files_total": len(shown.artifacts),
        "runs": run_rows(path, shown.runs[:MOST_RUNS], "\0"),
        "runs_total": len(shown.runs),
    }


def _file(one: Artifact) -> dict[str, str]:
    kind, _, digest = one.digest.rpartition(":")
    return {
        "name": one.name,
        "href": words.web_link(one.url),
        "url": "" if words.web_link(one.url) else one.url,
        "size": words.size(one.size_bytes) if one.size_bytes >= 0 else "",
        "digest": digest,
        "digest_kind": kind,
        "said": one.said,
    }
