"""What a reader sees who asks for an address that the site doesn't have."""

from mtsite.pages.page import SiteFrame, frame_context

EDITION = 1
TEMPLATE = "notfound.html"
PATH = "404.html"


def context(frame: SiteFrame) -> dict[str, object]:
    """One page for every missing address.

    A bucket shows it at the address that was asked for, so its links start at `base_url` when the
    site has one.
    """
    shown = frame_context(
        frame, PATH, (), title="Not here", description="This address leads nowhere."
    )
    base = frame.base_url.rstrip("/")
    if base:
        shown |= {"assets": f"{base}/_assets/{frame.version}", "home": f"{base}/index.html"}
    return shown
