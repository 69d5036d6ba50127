"""The pages above the targets: front page, areas, key levels, and the files at the root."""

from collections.abc import Iterable, Sequence

from mtsite import urls
from mtsite.build.nodes import Tree
from mtsite.build.render import Pen
from mtsite.manifest import Manifest
from mtsite.pages import area, index, notfound
from mtsite.pages.page import NodeSummary

LATEST_RUNS = 20
SITE_OWNER = "site"
ROBOTS_OPEN = b"User-agent: *\nDisallow: /_record/\nDisallow: /_manifest/\n"
ROBOTS_CLOSED = b"User-agent: *\nDisallow: /\n"


def area_owner(name: str) -> str:
    """Who owns the pages of an area and its key levels in the manifest."""
    return f"area:{urls.segment(name)}"


def write_area(pen: Pen, manifest: Manifest, tree: Tree, name: str) -> None:
    """The page of an area and of every key level above its targets."""
    depth = max((len(target[1]) for target in tree.below(name)), default=0)
    levels: set[tuple[str, ...]] = {()}
    for _, values in tree.below(name):
        levels.update(values[:n] for n in range(1, min(depth, len(values))))
    for values in sorted(levels):
        _write_level(pen, manifest, tree, name, values)


def _write_level(
    pen: Pen, manifest: Manifest, tree: Tree, name: str, values: Sequence[str]
) -> None:
    node = tree.node(name, values)
    children = tree.children(name, values)
    targets = [target for _, target in tree.below(name, values)]
    latest = manifest.summaries(name, targets, limit=LATEST_RUNS)
    if not values:
        latest += manifest.moved_in(name, limit=LATEST_RUNS)
        latest.sort(key=lambda run: (run.event_time or 0, run.key), reverse=True)
        latest = latest[:LATEST_RUNS]
    path = urls.area_page(name, values)
    fingerprint = pen.fresh(area, path, repr(node), repr(children), repr(latest), tree.ends)
    if fingerprint:
        context = area.context(pen.frame, node, children, latest, node.problems, ends=tree.ends)
        pen.page(area, path, fingerprint, context)


def write_root(pen: Pen, areas: Iterable[NodeSummary], *, ends: bool) -> None:
    """The front page, what a bucket needs, and the assets; `ends` as in `Tree`."""
    nodes = list(areas)
    path = urls.index_page()
    fingerprint = pen.fresh(index, path, repr(nodes), ends)
    if fingerprint:
        pen.page(index, path, fingerprint, index.context(pen.frame, nodes, ends=ends))
    fingerprint = pen.fresh(notfound, "404.html")
    if fingerprint:
        pen.page(notfound, "404.html", fingerprint, notfound.context(pen.frame))
    pen.store("robots.txt", ROBOTS_CLOSED if pen.frame.noindex else ROBOTS_OPEN)
    pen.store(".nojekyll", b"")
    for asset, content in sorted(pen.theme.assets().items()):
        pen.store(asset, content)
