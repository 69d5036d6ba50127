"""Attachments in Chromium: nothing of them runs or moves the page, real pictures stay pictures."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import attached

from mtsite.logs.pictures import read_picture

pytestmark = pytest.mark.browser
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => done(sum), 100));
})"""
DRAWN = """(type) => {
  const canvas = document.createElement("canvas");
  canvas.width = 60; canvas.height = 40;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#c00"; pen.fillRect(0, 0, 60, 40); pen.fillStyle = "#00c";
  pen.fillRect(20, 10, 9, 9);
  return canvas.toDataURL(type).split(",")[1];
}"""


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


def test_no_script_of_an_attachment_runs(page: Any, gallery_site: Path) -> None:
    asked: list[str] = []

    def leaves(route: Any) -> None:
        asked.append(route.request.url)
        route.abort()

    # What the policy stops doesn't come so far.
    page.route(re.compile("^http"), leaves)
    for name in ("texts", "hostile"):
        page.goto((gallery_site / attached.page(name)).as_uri())
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        for frame in page.locator(".attachments iframe").all():
            frame.scroll_into_view_if_needed()
        page.wait_for_timeout(150)
        assert name in page.title()
        assert len(page.frames) > 1
        for frame in page.frames[1:]:
            assert frame.evaluate("document.title !== 'ran' && origin === 'null'")
    assert any("Coverage" in one.evaluate("document.body.textContent") for one in page.frames[1:])
    assert asked == []
    page.unroute_all()


def test_pictures_load_late_and_move_nothing(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / attached.page("few")).as_uri())
    page.wait_for_function(
        "[...document.querySelectorAll('.shots img')].every((one) => one.complete)"
    )
    assert page.evaluate(SHIFTS) < 0.001
    sizes = page.evaluate(
        "[...document.querySelectorAll('.shots img')]"
        ".map((one) => [one.naturalWidth > 0, one.clientWidth <= 300, one.clientHeight <= 144])"
    )
    assert sizes == [[True, True, True]] * len(sizes)


def test_pictures_that_are_folded_are_not_loaded(page: Any, gallery_site: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((gallery_site / attached.page("many")).as_uri())
    page.wait_for_timeout(100)
    shown = {url for url in asked if url.endswith(".png")}
    assert 0 < len(shown) <= 12


def test_a_picture_is_reached_and_opened_by_keyboard(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / attached.page("few")).as_uri())
    page.locator(".shots a").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/_blobs/**")
    assert page.url.endswith(".png")


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_real_picture_stays_one_without_what_is_taken_away(page: Any, form: str) -> None:
    page.goto("about:blank")
    content = base64.b64decode(page.evaluate(DRAWN, f"image/{form}"))
    found = read_picture(content + b"<script>")
    assert found[:3] == ({"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}[form], 60, 40)
    kept = base64.b64encode(found.content).decode()
    pixel = page.evaluate(
        """async (source) => {
          const image = new Image();
          image.src = source;
          await image.decode();
          const pen = document.createElement("canvas").getContext("2d");
          pen.drawImage(image, 0, 0);
          return [...pen.getImageData(24, 14, 1, 1).data, image.naturalWidth];
        }""",
        f"data:image/{form};base64,{kept}",
    )
    assert pixel[2] > 150 > 60 > pixel[0]
    assert pixel[4] == 60
