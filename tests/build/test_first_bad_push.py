"""Pages of tests, runs and pushes: which push was the first bad one, or among which it is."""

import json
import re
import shutil
from pathlib import Path

from crawl import crawl
from pushed import CHIP, REVISIONS, TARGETS, Place

from mtsite import urls


def since_of(place: Place, name: str, testname: str) -> str:
    page = (place.site.tree / f"fullrun/ubuntu/nfs/{name}/{testname}/index.html").read_text()
    lead = re.search(r'<p class="lead">(.*?)</p>', page, re.DOTALL)
    return re.sub("<[^>]*>", "", lead[1]) if lead else ""


def test_the_page_of_a_test_names_its_first_bad_push_or_among_which_it_is(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell(range(30))
    place.run("w1", 1)
    place.run("w2", 2, bad="a")
    place.run("w9", 9, bad="ab")
    place.run("w20", 20, bad="ab")
    place.site.build()
    short = REVISIONS[2][:12]
    assert f"First bad push: {short} by ann: Change 2." in since_of(place, "w2", "a")
    assert f"First bad push: {short} by ann: Change 2." in since_of(place, "w9", "a")
    among = f"Among 7 pushes is the first bad one; the last of them: {REVISIONS[9][:12]} by ann."
    assert among in since_of(place, "w20", "b")
    assert not crawl(place.site.tree).dead
    page = (place.site.tree / "fullrun/ubuntu/nfs/w9/index.html").read_text()
    said = re.sub("<[^>]*>", "", page[page.index("<h3>First bad push</h3>") :])
    assert f"one of 7 pushes up to {REVISIONS[9][:12]} by ann 1 test since w9" in said
    assert f"{short} by ann 1 test since w2" in said
    told = json.loads((place.site.tree / "fullrun/ubuntu/nfs/w20/index.json").read_text())
    by_good = {(one["good"], one["bad"]): one for one in told["facts"]["suspects"]}
    assert by_good["w1", "w2"]["total"] == 1
    assert by_good["w2", "w9"]["total"] == 7


def test_what_is_said_of_the_first_bad_push_is_frozen_with_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell(range(4))
    place.run("w1", 1)
    place.run("w3", 3, bad="a")
    place.run("w90", 90)
    place.site.build()
    before = since_of(place, "w3", "a")
    assert "Among 2 pushes" in before
    shutil.rmtree(place.root / "pushes")
    place.site.build()
    assert since_of(place, "w3", "a") == before
    shutil.rmtree(place.site.state)
    place.site.build()
    assert since_of(place, "w3", "a") == before


def test_a_push_among_those_that_lie_between_is_a_link_once_it_has_a_page(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tell(range(20))
    place.run("w0", 0)
    for number in (3, 7):
        place.run(f"u{number}", number, TARGETS[1])
    place.run("w9", 9, bad="a")
    place.site.build()
    place.run("u5", 5, TARGETS[1])
    place.site.build()
    page = (place.site.tree / urls.push_page(CHIP, REVISIONS[9])).read_text()
    assert f'href="{REVISIONS[5]}.html"' in page
    place.area.drop_run("u5")
    place.site.build(allow_drop=True)
    assert not crawl(place.site.tree).dead
