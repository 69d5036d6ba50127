"""Which pages of a tree stand for all: of each kind the smallest and a full one."""

import re
from pathlib import Path

from browser import gallery

FULL_BYTES = 60_000
"""A page of this size shows all that its kind can show, and is still looked at quickly."""
_KIND = re.compile(rb'<body class="([a-z-]+)"')


def shown_in_gallery() -> list[str]:
    """The pages that the gallery takes pictures of, without their queries and fragments."""
    return sorted({re.split("[?#]", path)[0] for path in gallery.shots().values()})


def of_each_kind(site: Path) -> dict[str, list[str]]:
    """Page kind (the class of its body) → paths below `site`, one or two."""
    found: dict[str, list[tuple[int, str]]] = {}
    for file in sorted(site.rglob("*.html")):
        if not file.is_file():  # a test may be called like a page
            continue
        content = file.read_bytes()
        match = _KIND.search(content)
        if match:
            path = file.relative_to(site).as_posix()
            found.setdefault(match[1].decode(), []).append((len(content), path))
    return {kind: _small_and_full(sorted(pages)) for kind, pages in sorted(found.items())}


def _small_and_full(pages: list[tuple[int, str]]) -> list[str]:
    full = [path for size, path in pages if size <= FULL_BYTES][-1:]
    return list(dict.fromkeys([pages[0][1], *full]))
