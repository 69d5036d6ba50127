"""The pages above the targets: front page, areas, key levels, and the files at the root."""

from collections.abc import Collection, Iterable, Sequence

from mtsite import urls
from mtsite.build.nodes import Target, Tree
from mtsite.build.pen import Pen
from mtsite.build.twins import store_twin
from mtsite.manifest import Manifest
from mtsite.pages import area, compare, index, listing, names, notfound, sharing
from mtsite.pages.page import NodeSummary
from mtsite.pages.shard import shard_bytes

LATEST_RUNS = 20
SITE_OWNER = "site"
BELOW = "below"
MOST_BELOW = 5000
"""More names than that are no help in a menu."""

ROBOTS_OPEN = b"User-agent: *\nDisallow: /_record/\nDisallow: /_manifest/\n"
ROBOTS_CLOSED = b"User-agent: *\nDisallow: /\n"


def area_owner(name: str) -> str:
    """Who owns the pages of an area and its key levels in the manifest."""
    return f"area:{urls.segment(name)}"


def write_area(
    pen: Pen, manifest: Manifest, tree: Tree, name: str, touched: Collection[Target] | None
) -> None:
    """The page of an area and of every key level above its targets.

    Levels with none of the `touched` targets below them stand as they are; None: look at all.
    """
    levels = {values[:n] for _, values in tree.below(name) for n in range(len(values))} | {()}
    moved = {t[1][:n] for t in touched or () if t[0] == name for n in range(len(t[1]))} | {()}
    for values in sorted(levels):
        if touched is None or values in moved:
            _write_level(pen, manifest, tree, name, values)
        else:
            pen.seen.update(_files_of(pen, name, values))


def _files_of(pen: Pen, name: str, values: Sequence[str]) -> list[str]:
    """What `_write_level` left of a level at an earlier build."""
    files = [urls.area_page(name, values), urls.node_twin(name, values)]
    files.append(urls.below_shard(name, values))
    files.append(urls.feed(name, values))
    number = 1
    while (part := urls.names_page(number, name, values)) in pen.known:
        files.append(part)
        number += 1
    return files


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
    moving = tree.unsteady(name, values)
    growth = tree.growth(name, values)
    seen = (repr(node), repr(children), repr(latest), tree.ends, repr(moving), repr(growth))
    fingerprint = pen.fresh(area, path, *seen)
    if fingerprint:
        context = area.context(
            pen.frame,
            node,
            children,
            latest,
            node.problems,
            ends=tree.ends,
            unsteady=moving,
            growth=growth,
        )
        pen.page(area, path, fingerprint, context)
    store_twin(pen, node, children, latest, unsteady=moving)
    _write_names(pen, node, children)
    if not values and latest:
        path = urls.feed(name)
        runs = manifest.summaries(name, targets, limit=sharing.FEED_RUNS + 1)
        title = f"{name} · {pen.frame.title}"
        pen.store(path, sharing.feed(pen.frame, path, title, runs))


def _write_names(pen: Pen, node: NodeSummary, children: Sequence[NodeSummary]) -> None:
    """The names of what lies below: for a script, and as pages where the level has no room."""
    for part in names.parts_of(node, children):
        path = urls.names_page(part.number, node.area, node.values)
        fingerprint = pen.fresh(names, path, repr(part))
        if fingerprint:
            pen.page(names, path, fingerprint, names.context(pen.frame, part))
    here = urls.area_page(node.area, node.values) if node.area else urls.index_page()
    below = [
        (listing.node_name(child), urls.relative(here, urls.area_page(child.area, child.values)))
        for child in children[:MOST_BELOW]
    ]
    shard = shard_bytes(BELOW, names.shard(len(children), below))
    pen.store(urls.below_shard(node.area, node.values), shard)


def write_root(pen: Pen, areas: Iterable[NodeSummary], *, ends: bool, pushed: bool) -> None:
    """The front page, what a bucket needs, and the assets; `ends` as in `Tree`.

    `pushed`: there is a page about pushes.
    """
    nodes = list(areas)
    path = urls.index_page()
    fingerprint = pen.fresh(index, path, repr(nodes), ends, *(["pushes"] if pushed else []))
    if fingerprint:
        context = index.context(pen.frame, nodes, ends=ends, pushed=pushed)
        pen.page(index, path, fingerprint, context)
    site = index.whole(nodes)
    store_twin(pen, site, nodes)
    _write_names(pen, site, nodes)
    fingerprint = pen.fresh(notfound, "404.html")
    if fingerprint:
        pen.page(notfound, "404.html", fingerprint, notfound.context(pen.frame))
    fingerprint = pen.fresh(compare, compare.PATH)
    if fingerprint:
        pen.page(compare, compare.PATH, fingerprint, compare.context(pen.frame))
    pen.store("robots.txt", ROBOTS_CLOSED if pen.frame.noindex else ROBOTS_OPEN)
    pen.store(".nojekyll", b"")
    for asset, content in sorted(pen.theme.assets().items()):
        pen.store(asset, content)
