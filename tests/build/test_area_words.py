"""What the settings of an area put on its page: introduction, contact, how often a run comes."""

from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from sites import TestSite, files_of, make_site

BASE, DAY = 1_700_000_000, 86_400


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    runs = [run("ubuntu/nfs", f"r{n}", [test("a")], event_time=BASE + n * DAY) for n in range(6)]
    return make_area(tmp_path, "a", runs=runs)


def site_with(area: TestArea, extra: str) -> TestSite:
    root = area.path.parent / "home"
    root.mkdir()
    site = make_site(root, area)
    site.write_config({"a": area.path}, extra)
    site.build()
    return site


def page(site: TestSite, path: str = "a/index.html") -> str:
    return files_of(site.tree)[path].decode()


def test_intro_and_contact_stand_on_the_page_with_secrets_masked(area: TestArea) -> None:
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    (area.path / "README.md").write_text(f"Runs **nightly** <script>x</script> {secret}\n")
    site = site_with(area, 'intro = "README.md"\ncontact = "mailto:ops@example.org"\n')
    text = page(site)
    assert "<strong>nightly</strong>" in text
    assert 'href="mailto:ops@example.org"' in text
    assert "<script>x" not in text
    assert secret not in text


def test_intro_that_changes_changes_the_page(area: TestArea) -> None:
    (area.path / "README.md").write_text("first\n")
    site = site_with(area, 'intro = "README.md"\n')
    (area.path / "README.md").write_text("second\n")
    site.build()
    assert "second" in page(site)


@pytest.mark.parametrize("name", ["../secret.md", "link.md", "missing.md", "."])
def test_intro_shows_no_file_outside_the_area(area: TestArea, name: str) -> None:
    secret = area.path.parent / "secret.md"
    secret.write_text("the keys of the house\n")
    (area.path / "link.md").symlink_to(secret)
    text = page(site_with(area, f'intro = "{name}"\n'))
    assert "the keys of the house" not in text
    assert f"intro {name}" in text


def test_runs_that_came_daily_are_expected_daily(area: TestArea) -> None:
    site = site_with(area, "")
    for path in ("index.html", "a/index.html", "a/ubuntu/index.html", "a/ubuntu/nfs/index.html"):
        assert "expected daily" in page(site, path)


def test_settings_say_how_often_on_every_level(area: TestArea) -> None:
    site = site_with(area, 'expected = "7d"\n')
    paths = ("index.html", "a/index.html", "a/ubuntu/nfs/index.html")
    assert all("expected weekly" in page(site, path) for path in paths)
    site.write_config({"a": area.path}, 'expected = "forever"\n')
    site.build()
    assert not any("expected" in page(site, path) for path in paths)
