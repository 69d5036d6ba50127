"""What testconfigs say on pages and in the twin: taken into the record, never read for a page."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from areas import TestArea, make_area, run, test
from sites import TestSite, difference, make_site
from storage import connect, insert

from mtsite import urls
from mtsite.model import RunKey

KEY = RunKey("fullrun", ("ubuntu", "nfs"), "w1")
CONFIG = """\
[test_meta]
owner bob
author matt
description Says **hello** to <script>alert(1)</script>
tags first,single
[requirements]
waiton compile nobody
priority 7
[ezsteps]
listfiles ls -l
"""


class Defined:
    """A site of one area whose run w1 has the tests compile and regress, and two items of sweep."""

    def __init__(self, root: Path, files: dict[str, str], config: str = "") -> None:
        tests = [
            test("compile", log="fine\n"),
            test("regress", log="fine\n", files=files),
            test("sweep", items=["a", "b"]),
        ]
        self.area: TestArea = make_area(root, runs=[run("ubuntu/nfs", "w1", tests)], config=config)
        (root / "home").mkdir()
        self.site: TestSite = make_site(root / "home", self.area)

    def define(self, name: str, text: str) -> Path:
        """Give the area a testconfig of this test."""
        path = self.area.path / "tests" / name / "testconfig"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def page(self, testname: str = "regress", item: str = "") -> str:
        assert self.site.build().problems == []
        return (self.site.tree / urls.test_page(KEY, (testname, item))).read_text("utf-8")

    def twin(self) -> dict[str, dict[str, Any]]:
        found = json.loads((self.site.tree / urls.run_twin(KEY)).read_text())
        return {one["testname"]: one for one in found["definitions"]}

    def seal(self) -> None:
        """A much later run settles this one."""
        self.area.add_run(run("ubuntu/nfs", "w2", [test("compile")], event_time=1_800_000_000))
        assert self.site.build().sealed


@pytest.fixture
def defined(tmp_path: Path) -> Callable[..., Defined]:
    def defined(text: str = "", config: str = "", **files: str) -> Defined:
        given = {"testconfig": text} if text else {}
        return Defined(tmp_path, {**given, **files}, config)

    return defined


def test_the_page_shows_what_the_testconfig_in_the_run_directory_says(
    defined: Callable[..., Defined],
) -> None:
    page = defined(CONFIG).page()
    for shown in ("bob", "matt", "<strong>hello</strong>", "single", "priority", "ls -l"):
        assert shown in page
    assert "<script>alert" not in page
    assert "Waits for" in page and "<bdi>nobody</bdi>" in page
    assert '<a href="../compile/index.html"><bdi>compile</bdi></a>' in page
    assert "As its testconfig said when it ran." in page


def test_the_twin_says_the_same(defined: Callable[..., Defined]) -> None:
    one = defined(CONFIG)
    one.page()
    said = one.twin()["regress"]
    assert said["source"] == "run directory"
    assert (said["owner"], said["waiton"]) == ("bob", ["compile", "nobody"])
    assert said["requirements"] == [{"name": "priority", "value": "7"}]
    assert said["ezsteps"] == [{"name": "listfiles", "command": "ls -l"}]


def test_the_cached_parse_of_the_run_wins(defined: Callable[..., Defined]) -> None:
    cached = '(("test_meta" ("owner" "carol")) ("requirements" ("waiton" "compile")))'
    files = {".testconfig": cached}
    page = defined("[test_meta]\nowner #{getenv WHO}\n", **files).page()
    assert "carol" in page and "WHO" not in page


def test_a_cached_parse_that_is_none_is_passed_over(defined: Callable[..., Defined]) -> None:
    assert "bob" in defined(CONFIG, **{".testconfig": "(((("}).page()


def test_without_one_in_the_run_directory_the_areas_is_shown_and_said(
    defined: Callable[..., Defined],
) -> None:
    one = defined()
    one.define("regress", CONFIG)
    page = one.page()
    assert "bob" in page and "its run directory held none" in page


def test_items_are_told_with_those_that_have_no_row(defined: Callable[..., Defined]) -> None:
    one = defined()
    one.define("sweep", "[items]\nCORNER a b ss\n")
    page = one.page("sweep")
    assert "CORNER" in page and "Items without a row in this run" in page
    assert "<bdi>ss</bdi>" in page
    assert "without a row" not in one.page("sweep", "a")
    assert one.twin()["sweep"]["items"] == ["a", "b", "ss"]


def test_the_database_has_the_first_word(defined: Callable[..., Defined]) -> None:
    one = defined(CONFIG)
    with closing(connect(one.area.database)) as connection, connection:
        insert(connection, "test_meta", {"testname": "regress", "owner": "dora", "author": ""})
    page = one.page()
    assert "dora" in page and "bob" not in page
    assert "matt" in page, "what the database leaves empty the testconfig says"


def test_what_needs_a_command_is_named(defined: Callable[..., Defined]) -> None:
    page = defined("[requirements]\nwaiton #{shell ls}\n[ezsteps]\na b\n").page()
    assert "<bdi>requirements.waiton</bdi> is computed by a command (shell)" in page


def test_values_see_the_target_and_the_areas_variables(defined: Callable[..., Defined]) -> None:
    one = defined(
        "[ezsteps]\ns #{getenv sysname} #{getenv FROM_AREA} #{getenv MT_RUNNAME}\n",
        config="[env-override]\nFROM_AREA here\n",
    )
    assert "ubuntu here w1" in one.page()


def test_a_value_given_in_mtsite_toml_stands_in(defined: Callable[..., Defined]) -> None:
    one = defined("[requirements]\nwaiton #{shell ls}\n")
    given = '[areas.fullrun.tests.regress]\nrequirements.waiton = "compile"\n'
    one.site.write_config({"fullrun": one.area.path}, given)
    assert "../compile/index.html" in one.page()


# -- taken once ------------------------------------------------------------------------------------


def test_it_stays_when_the_run_directory_is_gone(defined: Callable[..., Defined]) -> None:
    one = defined(CONFIG)
    one.define("regress", "[test_meta]\nowner other\n")
    assert "bob" in one.page()
    shutil.rmtree(one.area.rundir("w1", "regress").resolve())
    assert "bob" in one.page()


def test_a_sealed_run_keeps_what_was_said(defined: Callable[..., Defined], tmp_path: Path) -> None:
    one = defined()
    config = one.define("regress", CONFIG)
    one.page()
    one.seal()
    config.write_text("[test_meta]\nowner zoe\n")
    assert "bob" in one.page()
    assert difference(one.site.tree, one.site.build_clean(tmp_path / "clean")) == []
    assert "bob" in one.page()


def test_an_unsealed_run_follows_its_testconfig(
    defined: Callable[..., Defined], tmp_path: Path
) -> None:
    one = defined(CONFIG)
    one.page()
    (one.area.rundir("w1", "regress") / "testconfig").write_text("[test_meta]\nowner zoe\n")
    assert "zoe" in one.page()
    assert difference(one.site.tree, one.site.build_clean(tmp_path / "clean")) == []


# -- hostile ---------------------------------------------------------------------------------------


def test_secrets_are_masked_also_by_rules_that_came_later(
    defined: Callable[..., Defined],
) -> None:
    one = defined("[ezsteps]\nput curl -H token=ghp_" + "a1B2" * 9 + "\nask badge-77\n")
    page = one.page()
    assert "▮▮▮[" in page and "ghp_" not in page and "badge-77" in page
    one.seal()
    own = '[[redact.own]]\nname = "badge"\nregex = "badge-[0-9]+"\n'
    one.site.write_config({"fullrun": one.area.path}, own)
    assert "badge-77" not in one.page()
    assert "badge-77" not in json.dumps(one.twin())


HOSTILE = """\
[ezsteps]
first is shown
a #{{getenv PLANTED}}
b #{{getenv VIA_AREA}}
c #{{getenv aws_key}}
d #{{shell cat {outside}}}
e [system cat {outside}]
f #{{scheme (getenv "PLANTED")}}
[include {outside}]
[include link]
[include ../../../../../../../../../../../../..{outside}]
[scriptinc cat {outside}]
"""


@pytest.mark.parametrize("where", ["run", "area"])
def test_nothing_from_outside_is_published(
    defined: Callable[..., Defined],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    monkeypatch.setenv("PLANTED", "do-not-tell")
    outside = tmp_path / "credentials"
    outside.write_text("aws_key do-not-tell\n")
    config = f"[env-override]\nVIA_AREA #{{getenv PLANTED}}\n[include {outside}]\n"
    one = defined("[ezsteps]\nno x\n" if where == "run" else "", config=config)
    path = one.define("regress", "") if where == "area" else None
    path = path or one.area.rundir("w1", "regress") / "testconfig"
    (path.parent / "link").symlink_to(outside)
    path.write_text(HOSTILE.format(outside=outside))
    page = one.page()
    assert "is shown" in page and "do-not-tell" not in page
    assert "do-not-tell" not in json.dumps(one.twin())


@pytest.mark.parametrize("name", ["testconfig", ".testconfig"])
def test_a_testconfig_that_is_no_file_of_the_area_is_not_read(
    defined: Callable[..., Defined], tmp_path: Path, name: str
) -> None:
    one = defined()
    outside = tmp_path / "outside"
    outside.write_text("[test_meta]\nowner do-not-tell\n")
    (one.area.rundir("w1", "regress") / name).symlink_to(outside)
    os.mkfifo(one.area.rundir("w1", "compile") / name)
    linked = one.area.path / "tests" / "regress"
    linked.mkdir(parents=True)
    (linked / "testconfig").symlink_to(outside)
    page = one.page()
    assert "do-not-tell" not in page and "Definition" not in page
