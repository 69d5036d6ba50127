"""The pages of failures that are nearly the same: those that a build touched, and the newest."""

from mtsite import urls
from mtsite.build import unreadable
from mtsite.build.pen import Pen
from mtsite.build.plan import BuildPlan
from mtsite.build.state import BuildState
from mtsite.pages import cluster

OWNER = "clusters"


def forget_lines(state: BuildState, plan: BuildPlan) -> None:
    """What runs that go now failed with is in no cluster any more."""
    for run_dir in (*plan.gone, *plan.renamed):
        state.note_clusters(state.manifest.failing.forget(run_dir))


def write_clusters(state: BuildState) -> None:
    """Bring the pages of the clusters that moved in line with the failing lines of all runs."""
    if unreadable.must_wait(state):
        state.manifest.put("clusters pending", "")
        return
    everything = state.all_pages or state.interrupted or unreadable.came_back(state)
    known = state.pages_of(OWNER, trusted=not state.interrupted)
    pen = Pen(state.site, state.look, OWNER, known)
    failing = state.manifest.failing
    if not (everything or state.shelves or urls.clusters_page() not in known):
        return
    for shelf in failing.shelves():
        path = urls.clusters_page(shelf)
        if not everything and shelf not in state.shelves and pen.keep_file(path):
            continue
        total, found = failing.of_shelf(shelf, cluster.MOST)
        fingerprint = pen.fresh(cluster, path, total, repr(found))
        if fingerprint:
            made = cluster.shelf_context(pen.frame, shelf, found, total)
            pen.page(cluster, path, fingerprint, made)
    newest = failing.newest(cluster.NEWEST)
    path = urls.clusters_page()
    fingerprint = pen.fresh(cluster, path, repr(newest))
    if fingerprint:
        pen.page(cluster, path, fingerprint, cluster.newest_context(pen.frame, newest))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)
    state.manifest.put("clusters pending", "")
    state.commit()
