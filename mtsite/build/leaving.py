"""The page about retention, made at every build from what is known of all runs by then.

It exists where a clock of [retain] runs, or something was let go before.
"""

from collections.abc import Iterable

from mtsite import urls
from mtsite.build import digest
from mtsite.build.areawords import has_leaving_page
from mtsite.build.pen import Pen
from mtsite.build.state import BuildState
from mtsite.errors import ConfigError
from mtsite.holds import Holds, load_holds
from mtsite.manifest import KnownRun
from mtsite.pages import leaving
from mtsite.pages.leaving import Departures, Held
from mtsite.retention import leaving_soon, standing_of

OWNER = "leaving"


def write_leaving(state: BuildState) -> None:
    """Write the page if what it tells has moved; take it away where there is nothing to tell."""
    known = state.pages_of(OWNER, trusted=not state.interrupted)
    pen = Pen(state.site, state.look, OWNER, known)
    if has_leaving_page(state):
        holds = _holds(state)
        made_from = digest.of(repr(holds), repr(state.config.retain), state.listed.now)
        moved = state.touched or state.areas_moved or state.all_pages or state.interrupted
        if not moved and state.manifest.get(OWNER) == made_from:
            return
        state.manifest.put(OWNER, made_from)
        told = _told(state, holds)
        path = urls.leaving_page()
        fingerprint = pen.fresh(leaving, path, repr(told))
        if fingerprint:
            pen.page(leaving, path, fingerprint, leaving.context(pen.frame, told))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def _holds(state: BuildState) -> Holds | None:
    """None where a hold can't be read: the page says so, for others lead to it."""
    try:
        return load_holds(state.config.root)
    except ConfigError as error:
        state.summary.problems.append(error.message)
        return None


def _told(state: BuildState, holds: Holds | None) -> Departures:
    moved = state.touched or state.areas_moved
    runs = list((state.manifest.known_runs() if moved else state.known).values())
    now = state.listed.now
    standing = [standing_of(one, state.manifest.summary(one.dir)) for one in runs]
    ended = [state.manifest.summary(one.dir) for one in runs if one.let_go]
    newest = sorted(ended, key=lambda one: (one.let_go[-1].when, one.key), reverse=True)
    if holds is None:
        return Departures(now, ended=tuple(newest), unread=True)
    soon = leaving_soon(standing, state.config.retain, holds, now, days=leaving.DAYS)
    return Departures(now, tuple(soon), tuple(_held(holds, runs, now)), tuple(newest))


def _held(holds: Holds, runs: Iterable[KnownRun], now: int) -> Iterable[Held]:
    if not holds.holds:
        return
    keys = {one.dir: one.key for one in runs}
    keys |= {"/".join((k.area, *k.target, k.runname)): k for k in keys.values()}
    for hold in holds.holds:
        yield Held(hold, keys.get(hold.run), hold.has_expired(now))
