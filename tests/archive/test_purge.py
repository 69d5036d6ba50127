"""Content taken back: from records, pages and store, and nothing leads nowhere."""

import contextlib
import io
import json
import shutil
import tracemalloc
from pathlib import Path

import pytest
from archive.purging import (
    NOW,
    OWN,
    RUN,
    SECRET,
    SHARED,
    SUMS,
    configure,
    folder,
    here,
    holding,
    take_back,
    the_run,
    there,
    whole,
    www,
)
from archive.purging import area as area
from archive.purging import both as both
from archive.purging import once as once
from archive.purging import site as site
from areas import TestArea, run, test
from shards import read_shard
from sites import TestSite

from mtsite.archive.names import find_run
from mtsite.archive.purge import plan_blob, plan_rule, plan_run
from mtsite.archive.remask import changed_lines
from mtsite.cli import run as command
from mtsite.errors import MissingError, UsageError
from mtsite.invocation import Invocation
from mtsite.logs.redact import make_redactor
from mtsite.publish.upload import publish_site


def test_nothing_of_a_purged_run_but_names_and_counts_is_left(site: TestSite) -> None:
    words = (f"{SECRET} 1", "about w1", "a comment of w1")
    assert all(holding(here(site), word) for word in words)
    summary = take_back(site, the_run(site))
    for word in words:
        assert holding(here(site), word) == []
        assert holding(there(site), word) == []
    assert len(summary.blobs) == 1
    whole(site)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert command(["--config", str(site.root / "mtsite.toml"), "check"], Invocation()) == 0
    assert said.getvalue() == ""


def test_neither_search_nor_clusters_know_a_purged_run_but_by_its_name(
    site: TestSite, area: TestArea
) -> None:
    said = {"host": "secrethost", "log": "ERROR: the vault of Umbrella leaks\n"}
    failed = test("vault_test", status="FAIL", **said)
    area.add_run(run("ubuntu/nfs", "w9", [failed, test("calm_test")], owner="carlos"))
    site.build()
    publish_site(site.config(), now=NOW)
    words = ("vault_test", "calm_test", "Umbrella leaks", "secrethost", "carlos")
    assert all(set(map(folder, holding(here(site), word))) & SUMS for word in words)
    take_back(site, plan_run(site.config(), find_run(site.config(), "fullrun/ubuntu/nfs/w9", {})))
    for files in (here(site), there(site)):
        for word in words:
            assert set(map(folder, holding(files, word))) & SUMS == set()
        assert "w9" in json.dumps(read_shard(files["_search/2023-11-1.js"])["runs"])


def test_its_addresses_say_who_took_it_back_and_why(site: TestSite) -> None:
    take_back(site, the_run(site))
    files = there(site)
    for path in ("index.html", "own/index.html", "own/_log/final.log.html"):
        page = files[f"{RUN}/{path}"].decode()
        assert "aken back on 2024-02-22 by maria: they asked us to" in page


def test_a_log_that_other_runs_have_stays_and_is_named(site: TestSite) -> None:
    plan = the_run(site)
    ((blob, runs),) = plan.shared.items()
    assert (runs, (site.tree / blob).read_text()) == (3, SHARED)
    take_back(site, plan)
    assert (site.tree / blob).exists()


def test_no_later_build_brings_it_back(site: TestSite) -> None:
    take_back(site, the_run(site))
    site.build(full=True)
    assert holding(here(site), f"{SECRET} 1") == []
    shutil.rmtree(site.state)
    site.build()
    assert holding(here(site), f"{SECRET} 1") == []


def test_other_runs_stay_as_they_were(site: TestSite) -> None:
    before = here(site)["fullrun/ubuntu/nfs/w2/own/index.html"]
    take_back(site, the_run(site))
    assert here(site)["fullrun/ubuntu/nfs/w2/own/index.html"] == before


def blob_with(site: TestSite, word: str) -> str:
    (path,) = [p for p in (site.tree / "_blobs").glob("??/*") if word in p.read_text()]
    return path.relative_to(site.tree).as_posix()


def test_a_stored_log_goes_from_every_run_that_has_it(site: TestSite) -> None:
    blob = blob_with(site, SHARED)
    plan = plan_blob(site.config(), blob)
    assert len(plan.runs) == 4
    take_back(site, plan)
    assert holding(here(site), SHARED.strip()) == holding(there(site), SHARED.strip()) == []
    page = here(site)[f"{RUN}/shared/_log/final.log.html"].decode()
    assert "aken back on" in page
    whole(site)


def test_what_was_found_in_it_goes_along(site: TestSite) -> None:
    take_back(site, plan_blob(site.config(), blob_with(site, f"{SECRET} 1").split("/")[-1][:12]))
    assert holding(here(site), f"{SECRET} 1") == holding(there(site), f"{SECRET} 1") == []
    assert holding(here(site), "a comment of w1")
    whole(site)


def test_a_digest_that_is_not_stored_is_told(site: TestSite) -> None:
    with pytest.raises(MissingError, match="no stored log"):
        plan_blob(site.config(), "0" * 64)


def test_a_rule_reaches_runs_that_are_gone(site: TestSite, area: TestArea) -> None:
    area.drop_run("w1")
    shutil.rmtree(area.linktree)
    site.build(allow_drop=True)
    configure(site, area, str(www(site)), OWN)
    assert holding(here(site), "Umbrella")
    take_back(site, plan_rule(site.config(), "customer", lambda *_: None, store=True))
    assert holding(here(site), "Umbrella") == []


def test_a_rule_that_redact_does_not_have_is_refused(site: TestSite) -> None:
    with pytest.raises(UsageError, match="no such rule"):
        plan_rule(site.config(), "customer", lambda *_: None, store=False)


def test_a_rule_that_masks_nothing_new_is_refused(site: TestSite, area: TestArea) -> None:
    configure(site, area, str(www(site)), '[redact]\nrules = ["github-token"]\n')
    with pytest.raises(UsageError, match="what comes later would not be masked"):
        plan_rule(site.config(), "password", lambda *_: None, store=False)


def test_a_line_as_long_as_a_log_is_masked_again_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "_blobs/aa/a.log"
    path.parent.mkdir(parents=True)
    long = b"x" * (24 << 20)
    path.write_bytes(b"one\nUmbrella " + long + b"\n" + long + b" Umbrella\nfour\n")
    redactor = make_redactor([], [("customer", "Umbrella")])
    tracemalloc.start()
    changed = changed_lines(path, redactor)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {number: line[:22] for number, line in changed.items()} == {
        2: "▮▮▮[customer]▮▮▮ xxxxx",
        3: "x" * 22,
    }
    assert peak < 10 << 20


def test_looking_at_what_a_rule_would_do_writes_nothing(site: TestSite, area: TestArea) -> None:
    configure(site, area, str(www(site)), OWN)
    before = here(site)
    assert plan_rule(site.config(), "customer", lambda *_: None, store=False).blobs
    assert here(site) == before
