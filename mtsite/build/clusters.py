"""The pages of failures that are nearly the same: those that a build touched, and the newest."""

from zoneinfo import ZoneInfo

from mtsite import urls
from mtsite.build import digest, unreadable
from mtsite.build.clusterrules import rules_moved
from mtsite.build.pen import Pen
from mtsite.build.state import BuildState
from mtsite.pages import cluster, issues

OWNER = "clusters"
SAID = "known issues said"


def write_clusters(state: BuildState) -> None:
    """Bring the pages of the clusters that moved in line with the failing lines of all runs."""
    if unreadable.must_wait(state):
        state.manifest.put("clusters pending", "")
        return
    everything = state.all_pages or state.interrupted or unreadable.came_back(state)
    known = state.pages_of(OWNER, trusted=not state.interrupted)
    pen = Pen(state.site, state.look, OWNER, known)
    failing = state.manifest.failing
    ended = _ended(state)
    said = digest.of(repr(state.annotations), ended)
    edited = state.annotated or state.manifest.get(SAID) != said
    everything = everything or rules_moved(state)
    if not (everything or edited or state.shelves or urls.clusters_page() not in known):
        return
    rules = state.config.clusters.rules
    said_of = [repr(rules)] if rules else []
    shelves = failing.shelves()
    for shelf in shelves:
        path = urls.clusters_page(shelf)
        if not everything and shelf not in state.shelves and pen.keep_file(path):
            continue
        total, found = failing.of_shelf(shelf, cluster.MOST)
        fingerprint = pen.fresh(cluster, path, total, repr(found), *said_of)
        if fingerprint:
            made = cluster.shelf_context(pen.frame, shelf, found, total, rules)
            pen.page(cluster, path, fingerprint, made)
    newest = failing.newest(cluster.NEWEST)
    path = urls.clusters_page()
    left = failing.left_out(cluster.MOST_LEFT_OUT)
    has_known = bool(state.annotations.rules or state.annotations.mistakes)
    rest = shelves if sum(shelves.values()) > len(newest) else {}
    fingerprint = pen.fresh(cluster, path, repr((newest, rest)), has_known, repr(left), *said_of)
    if fingerprint:
        made = cluster.newest_context(pen.frame, newest, rules, left, shelves=rest, known=has_known)
        pen.page(cluster, path, fingerprint, made)
    _write_known(state, pen, ended)
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)
    state.manifest.put("clusters pending", "")
    state.manifest.put(SAID, said)
    state.commit()


def _ended(state: BuildState) -> list[str]:
    """The rules whose last day is before the newest run."""
    zone = ZoneInfo(state.config.site.timezone)
    return sorted(one.id for one in state.annotations.rules if one.is_over(state.listed.now, zone))


def _write_known(state: BuildState, pen: Pen, ended: list[str]) -> None:
    """The rules for known failures with what they fit; a site without any has no such page."""
    told = state.annotations
    if not (told.rules or told.mistakes):
        return
    path = urls.clusters_page(urls.KNOWN)
    fits = state.manifest.annotated.fittings()
    fingerprint = pen.fresh(issues, path, repr(told), repr(sorted(fits.items())), ended)
    if fingerprint:
        pen.page(issues, path, fingerprint, issues.context(pen.frame, told, fits, ended))
