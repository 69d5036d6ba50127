"""`check` over a built tree: what it finds, what it reads again, what it leaves alone."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from areas import make_area, run
from areas import test as row
from msgspec.structs import replace
from sites import TestSite, make_site, silent

from mtsite import lock
from mtsite.build.theme import schemas_dir
from mtsite.check.remembered import FILE
from mtsite.check.rules import RULES
from mtsite.check.site import CheckSummary, Wishes, check_site
from mtsite.cli import run as command
from mtsite.engines.engine import open_engine
from mtsite.errors import BusyError, MissingError
from mtsite.invocation import Invocation
from mtsite.manifest import Manifest

RUN = "area/ubuntu/nfs/w2"
VOLATILE_FILES = 3
"""_jobs/index.html and the two of the status: they move without the manifest."""

SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    root = tmp_path_factory.mktemp("built")
    log = "one\nerror: two\n" + "more\n" * 40
    tests = [row("good"), row("bad", status="FAIL", log=log)]
    runs = [run("ubuntu/nfs", f"w{n}", tests=tests) for n in (1, 2)]
    site = make_site(root, make_area(root, name="area", runs=runs))
    site.build()
    check(site)
    return site


@pytest.fixture
def site(built: TestSite, tmp_path: Path) -> Iterator[TestSite]:
    """A copy of the built site that was checked already."""
    shutil.copytree(built.root / "site", tmp_path / "site")
    shutil.copytree(built.state, tmp_path / ".mtsite")
    shutil.copy(built.root / "mtsite.toml", tmp_path)
    yield TestSite(tmp_path)


def check(site: TestSite, **wishes: object) -> CheckSummary:
    config = site.config()
    engine = open_engine("inprocess", 1)
    asked = Wishes(config.check.levels, schemas_dir(), **wishes)  # type: ignore[arg-type]
    return check_site(config, engine, silent, asked)


def told(done: CheckSummary) -> list[tuple[str, str, str]]:
    return [(one.rule, one.path, one.told) for _, one in done.findings]


def change(site: TestSite, path: str, before: str, after: str) -> None:
    """As a build would have written it: the manifest is told."""
    file = site.tree / path
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")
    noted(site, path)


def noted(site: TestSite, path: str) -> None:
    with Manifest.open(site.state) as manifest:
        page = next(p for p in _owned(manifest) if p.path == path)
        manifest.note_pages([replace(page, digest="new")])
        manifest.commit()


def _owned(manifest: Manifest) -> list[object]:
    owners = {row[0] for row in manifest._db.execute("SELECT DISTINCT owner FROM tree")}
    return [page for owner in owners for page in manifest.owned(owner).values()]


def vanish(site: TestSite, path: str) -> None:
    (site.tree / path).unlink()
    with Manifest.open(site.state) as manifest:
        manifest.forget_pages([path])
        manifest.commit()


def test_a_built_site_is_clean(site: TestSite) -> None:
    done = check(site)
    assert told(done) == []
    assert done.looked == done.files > 40


@pytest.mark.parametrize(
    ("rule", "path", "before", "after", "said"),
    [
        (
            "links",
            "index.html",
            'href="area/',
            'href="era/',
            "a link leads to no file: era/index.html",
        ),
        (
            "links",
            "index.html",
            'href="area/index.html',
            'href="area/',
            "a link leads to no file: area/",
        ),
        (
            "links",
            "index.html",
            'href="area/',
            'href="/area/',
            "a link leaves the site: area/index.html",
        ),
        (
            "fragments",
            f"{RUN}/bad/index.html",
            "final.log.html#L2",
            "final.log.html#L99",
            f"no place #L99 on {RUN}/bad/_log/final.log.html",
        ),
        ("secrets", "index.html", "<h1>", f"<h1>{SECRET} ", "aws-access-key-id"),
        ("csp", "index.html", "<h1>", "<h1 onclick=x>", "onclick= on <h1>"),
        ("schemas", "index.json", '"areas"', '"ares"', ""),
        ("landmarks", "index.html", "<main", "<div", "no main part"),
    ],
)
def test_what_is_wrong_is_found(
    site: TestSite, rule: str, path: str, before: str, after: str, said: str
) -> None:
    if rule == "schemas":
        before, after = '"schema":"mtsite/node/1"', '"schema":"mtsite/node/1","more":1'
        said = "/: Additional properties are not allowed ('more' was unexpected)"
    change(site, path, before, after)
    for changed in (True, False):
        assert (rule, path, said) in told(check(site, changed=changed))


def test_a_secret_in_quotes_is_found_behind_entities(site: TestSite) -> None:
    change(site, "index.html", "<h1>", "<h1>password=&#34;hunter2hunter2&#34; ")
    assert [found[0] for found in told(check(site))] == ["secrets"]


def test_a_secret_in_quotes_is_found_in_json(site: TestSite) -> None:
    change(site, "index.json", '"title":""', r'"title":"password=\"hunter2hunter2\""')
    assert [found[0] for found in told(check(site))] == ["secrets"]


def test_the_count_of_masked_secrets_is_no_secret(site: TestSite) -> None:
    twin = site.tree / f"{RUN}/index.json"
    twin.write_text(twin.read_text().replace('"redacted":{}', '"redacted":{"password":2}'))
    assert told(check(site)) == []


def test_a_secret_in_a_stored_log_is_found(site: TestSite) -> None:
    log = min(site.tree.glob("_blobs/*/*.log"))
    log.write_text(f"key {SECRET}\n")
    found = told(check(site))
    assert ("secrets", log.relative_to(site.tree).as_posix(), "aws-access-key-id") in found


def test_files_over_their_budget_are_found(site: TestSite) -> None:
    with (site.root / "mtsite.toml").open("a") as file:
        file.write('[check]\npage = "1KiB"\nstyle = "100B"\nscript = "100B"\n')
    found = {path for rule, path, _ in told(check(site)) if rule == "budgets"}
    assert found >= {"index.html", "_assets/v1/site.css", "_assets/v1/site.js"}


def test_strays_and_pages_that_nothing_leads_to_are_orphans(site: TestSite) -> None:
    (site.tree / "stray.html").write_text("x")
    (site.tree / ".tmp-7-1").write_text("x")
    for page in (f"{RUN}/index.html", "area/ubuntu/nfs/index.html"):
        text = (site.tree / page).read_text().replace("w1/", "w2/")
        (site.tree / page).write_text(text)
    found = [(path, said) for rule, path, said in told(check(site)) if rule == "orphans"]
    assert (".tmp-7-1", "a write that was killed left it") in found
    assert ("stray.html", "no build made it") in found


def test_an_iterated_test_of_one_run_leads_to_its_history(tmp_path: Path) -> None:
    tests = [row("many", items=[row("a"), row("b")])]
    one = make_site(
        tmp_path, make_area(tmp_path, name="area", runs=[run("ubuntu/nfs", "w1", tests)])
    )
    one.build()
    assert told(check(one)) == []


def test_a_night_forgets_strays_that_a_whole_check_found(site: TestSite) -> None:
    (site.tree / "stray.html").write_text("x")
    assert [path for rule, path, _ in told(check(site)) if rule == "orphans"] == ["stray.html"]
    (site.tree / "stray.html").unlink()
    assert told(check(site, changed=True)) == []


def test_nothing_that_moved_means_nothing_is_read(site: TestSite) -> None:
    assert check(site, changed=True).looked == VOLATILE_FILES


def test_only_what_moved_is_read_again(site: TestSite) -> None:
    change(site, f"{RUN}/good/index.html", "<h1", "<h1 ")
    assert check(site, changed=True).looked == VOLATILE_FILES + 1


def test_what_leads_to_a_page_that_vanished_is_read_again(site: TestSite) -> None:
    vanish(site, f"{RUN}/good/index.html")
    found = told(check(site, changed=True))
    assert found == [one for one in told(check(site)) if one[0] != "orphans"]
    assert (
        "links",
        f"{RUN}/index.html",
        f"a link leads to no file: {RUN}/good/index.html",
    ) in found


def test_what_leads_to_a_place_that_vanished_is_read_again(site: TestSite) -> None:
    change(site, f"{RUN}/bad/_log/final.log.html", "id=L2 ", "id=X2 ")
    found = told(check(site, changed=True))
    assert {rule for rule, _, _ in found} == {"fragments"}
    assert found == told(check(site))


def test_what_stands_is_told_every_night_until_it_is_mended(site: TestSite) -> None:
    change(site, "index.html", 'href="area/', 'href="era/')
    first = told(check(site, changed=True))
    assert first == told(check(site, changed=True)) != []
    change(site, "index.html", 'href="era/', 'href="area/')
    assert told(check(site, changed=True)) == []


def test_a_link_is_well_again_when_its_page_comes(site: TestSite) -> None:
    page = site.tree / f"{RUN}/good/index.html"
    content = page.read_bytes()
    with Manifest.open(site.state) as manifest:
        kept = next(p for p in _owned(manifest) if p.path == f"{RUN}/good/index.html")
    vanish(site, f"{RUN}/good/index.html")
    assert told(check(site, changed=True))
    page.write_bytes(content)
    with Manifest.open(site.state) as manifest:
        manifest.note_pages([kept])
        manifest.commit()
    assert told(check(site, changed=True)) == []


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_was_remembered_may_be_lost_or_damaged(site: TestSite, content: bytes | None) -> None:
    if content is None:
        (site.state / FILE).unlink()
    else:
        (site.state / FILE).write_bytes(content)
    done = check(site, changed=True)
    assert told(done) == []
    assert done.looked == done.files > 40


def test_other_rules_look_at_everything_again(site: TestSite) -> None:
    with (site.root / "mtsite.toml").open("a") as file:
        file.write('[check]\npage = "2MiB"\n')
    assert check(site, changed=True).looked > 40


def test_a_check_that_was_killed_looks_again(site: TestSite) -> None:
    with sqlite3.connect(site.state / FILE) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'revision'")
    assert check(site, changed=True).looked > 40


def test_pages_that_left_this_disk_are_no_dead_links(site: TestSite) -> None:
    for page in (site.tree / RUN).rglob("*.html"):
        page.unlink()
    assert "links" in {rule for rule, _, _ in told(check(site))}
    (site.root / "mtsite.toml").write_text(
        (site.root / "mtsite.toml").read_text().replace("[site]", '[site]\nkeep_local = "1d"')
    )
    done = check(site)
    assert [one for one in told(done) if one[0] != "orphans"] == []
    assert done.elsewhere > 2


def test_a_rule_can_be_a_warning_or_off(site: TestSite) -> None:
    change(site, "index.html", "<main", "<div")
    with (site.root / "mtsite.toml").open("a") as file:
        file.write('[check]\nlandmarks = "warn"\n')
    assert check(site).count("warn") == 1
    config = site.config()
    off = Wishes({**config.check.levels, "landmarks": "off"}, schemas_dir())
    assert check_site(config, open_engine("inprocess", 1), silent, off).findings == []


def test_two_workers_find_what_one_does(site: TestSite) -> None:
    change(site, "index.html", 'href="area/', 'href="era/')
    engine = open_engine("processes", 2)
    try:
        config = site.config()
        done = check_site(config, engine, silent, Wishes(config.check.levels, schemas_dir()))
    finally:
        engine.close()
    assert told(done) == told(check(site))


def test_no_check_while_a_build_goes_on(site: TestSite) -> None:
    with lock.hold(site.state, "build", "a test"), pytest.raises(BusyError, match="a test"):
        check(site)


def test_a_site_that_was_not_built_is_told(tmp_path: Path) -> None:
    site = TestSite(tmp_path)
    site.write_config({})
    with pytest.raises(MissingError, match="nothing is built"):
        check(site)


def ask(site: TestSite, *words: str) -> int:
    return command(["--config", str(site.root / "mtsite.toml"), "check", *words], Invocation())


def test_the_command_ends_with_20_when_something_is_wrong(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(site) == 0
    change(site, "index.html", 'href="area/', 'href="era/')
    assert ask(site) == 20
    assert "error  links  index.html: a link leads to no file" in capsys.readouterr().out
    assert ask(site, "secrets", "csp") == 0
    assert ask(site, "--level", "links=warn") == 0
    assert ask(site, "--level", "links=loud") == 2


def test_the_document_names_level_rule_path_and_what(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    change(site, "index.html", "<main", "<div")
    assert ask(site, "--json", "landmarks") == 20
    document = json.loads(capsys.readouterr().out)
    said = {"level": "error", "rule": "landmarks", "path": "index.html", "told": "no main part"}
    assert document["findings"] == [said]
    assert set(document["levels"]) == set(RULES)
