"""The page that compares any two runs: its script does, from their addresses in its own."""

from mtsite.pages.page import SiteFrame, frame_context

EDITION = 2
TEMPLATE = "compare.html"
PATH = "_compare/index.html"


def context(frame: SiteFrame) -> dict[str, object]:
    """The page before it knows its runs; one for the whole site."""
    said = "Two runs side by side: tests, measured values, durations."
    return frame_context(frame, PATH, [], title="Two runs compared", description=said)
