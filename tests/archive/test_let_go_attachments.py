"""Attachments that were published: masked again, taken back, and ended with the logs."""

import gzip
import json
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from crawl import crawl, pages
from sites import TestSite, files_of, make_site

from mtsite import urls
from mtsite.archive.purge import PurgePlan, plan_blob, plan_rule, plan_run
from mtsite.archive.records import Who
from mtsite.archive.remask import Remasked, mask_blobs
from mtsite.departures import RetainTerms, purge
from mtsite.logs.redact import make_redactor
from mtsite.model import RunKey
from mtsite.publish.upload import publish_site
from mtsite.terminal import TerminalReport

NOW = BASE + 100 * DAY
KEY = RunKey("fullrun", ("u", "v"), "w1")
OWN = '[[redact.own]]\nname = "customer"\nregex = "Umbrella Corp"\n'
FILES: dict[str, str | bytes] = {
    "notes.csv": "who,what\nUmbrella Corp,1\n",
    "dump.db": b"\0\1 Umbrella Corp \0",
    "plain.txt": "nothing to see\n",
}


@pytest.fixture
def site(tmp_path: Path) -> TestSite:
    area = make_area(tmp_path, runs=[run("u/v", "w1", [test("t", files=FILES)])])
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    configure(made, area)
    made.build()
    publish_site(made.config(), now=NOW)
    return made


def configure(site: TestSite, area: TestArea, more: str = "") -> None:
    chosen = '[attachments]\ninclude = ["notes.csv", "dump.db", "plain.txt"]\n'
    public = f'[publish]\ndestination = "{site.root / "www"}"\n'
    site.write_config(
        {area.name: area.path}, f'[build]\nengine = "inprocess"\n{chosen}{public}{more}'
    )


def take_back(site: TestSite, plan: PurgePlan) -> None:
    terms = RetainTerms(Who("maria", NOW, "mtsite purge"), environ={})
    purge(site.config(), plan, terms, "they asked us to", TerminalReport(verbosity=-1))


def everywhere(site: TestSite) -> dict[str, bytes]:
    there = files_of(site.root / "www")
    return files_of(site.tree) | {f"www/{path}": content for path, content in there.items()}


def attachments_of(site: TestSite) -> dict[str, dict[str, object]]:
    twin = json.loads((site.tree / urls.run_twin(KEY)).read_bytes())
    return {one["name"]: one for one in twin["tests"][0]["attachments"]}


def test_a_new_rule_masks_texts_and_takes_back_what_cannot_be_masked(site: TestSite) -> None:
    file = site.root / "mtsite.toml"
    file.write_text(file.read_text() + OWN)
    take_back(site, plan_rule(site.config(), "customer", lambda *_: None, store=True))
    assert [path for path, content in everywhere(site).items() if b"Umbrella" in content] == []
    found = attachments_of(site)
    assert found["notes.csv"]["redacted"] == {"customer": 1}
    assert (found["dump.db"]["blob"], found["dump.db"]["note"]) == (
        "",
        "taken back: holds a secret that can't be masked",
    )
    assert "▮▮▮[customer]▮▮▮" in (site.tree / urls.test_page(KEY, ("t", ""))).read_text()
    assert crawl(site.tree, pages(site.tree)).dead == []


def test_one_attachment_is_taken_back_by_its_digest(site: TestSite) -> None:
    blob = str(attachments_of(site)["notes.csv"]["blob"])
    take_back(site, plan_blob(site.config(), blob))
    assert not any(path.endswith(blob) for path in everywhere(site))
    found = attachments_of(site)
    assert "they asked us to" in str(found["notes.csv"]["note"])
    assert found["plain.txt"]["blob"]
    site.build()
    assert attachments_of(site)["notes.csv"]["blob"] == ""


def test_those_of_a_run_go_with_it(site: TestSite) -> None:
    take_back(site, plan_run(site.config(), KEY))
    assert not any(b"Umbrella" in content for content in everywhere(site).values())
    assert not any(path.endswith((".txt", ".bin")) for path in everywhere(site) if "_blobs" in path)


def test_a_new_rule_finds_what_lies_packed_in_a_file(tmp_path: Path) -> None:
    blob = tmp_path / "_blobs/ab/abc.bin"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(gzip.compress(b"binary \0\0 ticket-4711 \0"))
    redactor = make_redactor([], [("ticket", "ticket-[0-9]+")])
    found = mask_blobs(tmp_path, redactor, lambda *_: None, store=False)
    assert found == {"_blobs/ab/abc.bin": Remasked("", 0, {"ticket": 1})}
