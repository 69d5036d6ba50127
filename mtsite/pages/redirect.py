"""What a redirect page shows: where it leads, as a link, for whoever isn't taken there."""

from mtsite import urls
from mtsite.pages.page import SiteFrame, frame_context

EDITION = 1
TEMPLATE = "redirect.html"


def context(
    frame: SiteFrame, page_path: str, destination_path: str, label: str
) -> dict[str, object]:
    """A page at `page_path` that leads to `destination_path`; `label` says what is there."""
    link = urls.relative(page_path, destination_path)
    shown = frame_context(
        frame, page_path, (), title=f"→ {label}", description=f"This address leads to {label}."
    )
    base = frame.base_url.rstrip("/")
    return shown | {
        "href": link,
        "label": label,
        "canonical": f"{base}/{destination_path}" if base else link,
    }
