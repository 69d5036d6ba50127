"""The gallery, on which all browser tests stand, has a page of every kind that there is."""

import re
from pathlib import Path

from browser.kinds import of_each_kind

TEMPLATES = Path(__file__).parents[2] / "templates"


def test_the_gallery_has_every_kind_of_page(gallery_site: Path) -> None:
    texts = [file.read_text("utf-8") for file in TEMPLATES.glob("*.html")]
    known = {kind for text in texts for kind in re.findall(r"block kind %}([a-z-]+)", text)}
    assert of_each_kind(gallery_site).keys() == known - {"plain"}
