"""What stands at the address of a run, or of its tests, until a build gets to it."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunKey
from mtsite.pages.page import SiteFrame, crumbs_to, frame_context
from mtsite.pages.place import run_label

EDITION = 2
TEMPLATE = "coming.html"


def context(
    frame: SiteFrame, key: RunKey, keys: Sequence[str], path: str, *, failed: bool = False
) -> dict[str, object]:
    """The page at `path`: the run's own, or that of one of its tests.

    `failed`: it could not be written this time.
    """
    label = run_label(key)
    lead = "The first build of this site makes the newest runs first; this one is still to come."
    if failed:
        lead = "This page could not be written by the last build; the next one makes it."
    crumbs = crumbs_to(path, key.area, key.target, keys)
    shown = frame_context(frame, path, crumbs, title=f"{label} · still to come", description=lead)
    target = urls.relative(path, urls.area_page(key.area, key.target))
    return shown | {
        "area": key.area,
        "values": tuple(zip(keys, key.target, strict=False)),
        "runname": key.runname,
        "lead": lead,
        "target": target,
    }
