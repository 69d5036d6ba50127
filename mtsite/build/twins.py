"""The JSON twins of front page, areas, levels and targets, written beside their pages."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.build.pen import Pen, json_bytes
from mtsite.model import RunSummary
from mtsite.pages import nodetwin
from mtsite.pages.page import NodeSummary
from mtsite.pages.unsteady import Target
from mtsite.stability import Stability


def store_twin(
    pen: Pen,
    node: NodeSummary,
    children: Sequence[NodeSummary],
    latest: Sequence[RunSummary] = (),
    months: Sequence[tuple[str, int]] = (),
    unsteady: Sequence[tuple[Target, Stability]] | None = None,
) -> None:
    """Put the twin of a node in its place; the values are those of `nodetwin.twin`."""
    document = nodetwin.twin(node, children, latest, months, unsteady)
    pen.store(urls.node_twin(node.area, node.values), json_bytes(document))
