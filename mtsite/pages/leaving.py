"""What leaves in the next days, what is held, and what has ended: the page about retention."""

from collections.abc import Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.holds import Hold
from mtsite.model import LetGo, RunKey, RunSummary
from mtsite.pages import words
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.place import run_label
from mtsite.retention import Leaving

EDITION = 2
TEMPLATE = "leaving.html"
DAYS = 14
MAX_ROWS = 500
MAX_ENDED = 100

_PARTS = {"logs": "logs", "pages": "pages", "rows": "rows", "purge": "content", "blob": "log"}


class Held(Struct, frozen=True):
    """A hold with its run, which is None when the site knows no such run."""

    hold: Hold
    key: RunKey | None
    expired: bool


class Departures(Struct, frozen=True):
    """What the page tells. `now` is the newest time that the rows of the site know.

    `ended` are runs of which something was let go, the newest first. `unread`: the list of holds
    can't be read, so nothing is let go until it can.
    """

    now: int
    soon: tuple[Leaving, ...] = ()
    held: tuple[Held, ...] = ()
    ended: tuple[RunSummary, ...] = ()
    unread: bool = False


def context(frame: SiteFrame, told: Departures) -> dict[str, object]:
    """All of it; long lists are cut and say so."""
    path = urls.leaving_page()
    runs = words.plural(len(told.soon), "run")
    lead = (
        f"Of {runs} something ends within {DAYS} days."
        if told.soon
        else f"Nothing ends within {DAYS} days."
    )
    if told.unread:
        lead = "The list of holds can’t be read: nothing is let go until it can."
    shown = frame_context(frame, path, (), title="Leaving and gone", description=lead)
    ended = [(summary, one) for summary in told.ended for one in summary.let_go]
    ended.sort(key=lambda pair: (pair[1].when, pair[0].key), reverse=True)
    return shown | {
        "lead": lead,
        "days": DAYS,
        "now": words.when(told.now),
        "soon": tuple(_soon(path, one) for one in told.soon[:MAX_ROWS]),
        "soon_total": len(told.soon),
        "unread": told.unread,
        "held": tuple(_held(path, one) for one in told.held),
        "ended": tuple(_ended(path, summary, one) for summary, one in ended[:MAX_ENDED]),
        "ended_total": len(ended),
    }


def link_from(page_path: str) -> str:
    """The link to this page from another one."""
    return urls.relative(page_path, urls.leaving_page())


def parts(clocks: Sequence[str]) -> str:
    """What ends, in words: 'its logs, pages and rows'."""
    *first, last = [_PARTS[clock] for clock in clocks]
    return f"its {', '.join(first)} and {last}" if first else f"its {last}"


def _soon(path: str, one: Leaving) -> dict[str, object]:
    address = urls.run_dir(one.run.key)
    return {
        "when": words.when(one.when),
        "href": urls.relative(path, urls.run_page(one.run.key)),
        "name": run_label(one.run.key),
        "area": one.run.key.area,
        "what": parts(one.clocks),
        "reason": one.reason,
        "command": f'mtsite hold add {address} --why "…"',
    }


def _held(path: str, one: Held) -> dict[str, object]:
    return {
        "href": urls.relative(path, urls.run_page(one.key)) if one.key else "",
        "name": one.hold.run,
        "who": one.hold.who,
        "until": one.hold.until.isoformat() if one.hold.until else "",
        "why": one.hold.why,
        "expired": one.expired,
    }


def _ended(path: str, summary: RunSummary, one: LetGo) -> dict[str, object]:
    return {
        "when": words.when(one.when),
        "href": urls.relative(path, urls.run_page(summary.key)),
        "name": run_label(summary.key),
        "area": summary.key.area,
        "what": parts((one.what,)),
        "rule": one.rule,
        "who": one.who,
    }
