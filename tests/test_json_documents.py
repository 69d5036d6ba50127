"""Every JSON document of a command, and every JSON file of the demo's site, keeps its schema."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from shards import read_shard

from mtsite.build.theme import ASSETS
from mtsite.cli import run
from mtsite.invocation import Invocation

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "docs/schemas"
SETTINGS = {"MTSITE_PUBLISH_DESTINATION": "s3://bucket/prefix", "MTSITE_RETAIN_LOGS": "1d"}
"""For `destination` and `retain`, which have nothing to say about the demo's own settings."""
LOOKS = """
area ls
ingest objects JUNITFILE --area ingested --dry-run
ingest pushes PUSHLOG --repository chip --dry-run
ingest junit JUNITFILE --area ingested --target x --runname r --dry-run
area show chipyard
config show
config check
doctor
run ls
run export
run show RUN
run show TEST
run diff RUN RUN
run annotate RUN build=b31
explain RUN
link RUN
log rules ls
log rules test LOGFILE
log show LOGGED
log grep FAIL
log reanalyse --dry-run
retain plan
hold add RUN --why looked-at
hold ls
hold rm RUN
annotations ls
annotations test LINE
retain apply --dry-run
purge RUN --why secret
archive verify
reduce --dry-run
restore chipyard --runname % --dry-run
migrate chipyard --destination chipyard_archive --runname % --dry-run
automigrate --dry-run
homehost show chipyard
homehost move chipyard --dry-run
homehost hand-over chipyard --dry-run
destination setup
build --dry-run
build
publish
publish --audit
check
nightly
status
schedule
completion bash
init AREADIR --dry-run
area show nosuch
""".strip().splitlines()


class Site:
    """A demo's site, and what its commands print."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.documents: dict[str, Any] = {}
        made = self.ask(["demo", str(root), "--days", "3"], demo=True)
        assert made["schema"] == "mtsite/demo/1"
        junit = root.parent / "junit.xml"
        junit.write_text('<testsuite name="s"><testcase name="t"/></testsuite>')
        pushlog = root.parent / "pushlog.json"
        pushlog.write_text('{"1": {"changesets": ["27e624"], "user": "ann", "date": 1790000000}}')
        log = min(root.glob("site/_blobs/*/*.log"))
        listed = self.ask(["run", "ls"])["runs"]
        name = next(
            "/".join((one["area"], one["target"], one["runname"]))
            for one in reversed(listed)
            if "rtlsim" in one["target"]
        )
        test = self.ask(["run", "show", name])["tests"][0]
        logged = next((root / "site" / name).glob("*/*/_log")).parent.relative_to(root / "site")
        self.names = {
            "RUN": name,
            "TEST": f"{name}/{test['testname']}",
            "LOGGED": str(logged),
            "LOGFILE": str(log),
            "AREADIR": str(root / "areas" / "chipyard"),
            "JUNITFILE": str(junit),
            "PUSHLOG": str(pushlog),
        }

    def ask(self, words: list[str], *, demo: bool = False) -> Any:
        """The document of one call."""
        config = [] if demo else ["--config", str(self.root / "mtsite.toml")]
        environ = SETTINGS if words[0] in {"destination", "retain"} else {}
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
            run([*config, "--json", *words], Invocation(environ=environ))
        return json.loads(told.getvalue())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("json") / "demo")


@cache
def judge_of(schema: str) -> Any:
    """What tells whether a document keeps this schema."""
    name, version = re.fullmatch(r"mtsite/([a-z-]+)/(\d+)", schema).groups()  # type: ignore[union-attr]
    text = (SCHEMAS / f"{name}-{version}.json").read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def files(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*.json")) if path.is_file())


@pytest.mark.parametrize("words", LOOKS)
def test_what_a_command_prints_keeps_its_schema(site: Site, words: str) -> None:
    document = site.ask([site.names.get(word, word) for word in words.split()])
    judge = judge_of(document["schema"])
    assert [error.message for error in judge.iter_errors(document)] == []


@pytest.mark.parametrize("tree", ["site", "published"])
def test_every_json_file_keeps_its_schema(site: Site, tree: str) -> None:
    seen = set()
    for file in files(site.root / tree):
        if ASSETS in file.as_posix():
            continue
        document = json.loads(file.read_text("utf-8"))
        judge_of(document["schema"]).validate(document)
        seen.add(document["schema"])
    assert seen >= {"mtsite/run/1", "mtsite/node/1", "mtsite/grid/1", "mtsite/record/1"}
    assert "mtsite/relations/1" in seen


@pytest.mark.parametrize("tree", ["site", "published"])
def test_every_shard_keeps_its_schema(site: Site, tree: str) -> None:
    seen = set()
    for file in sorted((site.root / tree).rglob("*.js")):
        if ASSETS in file.as_posix():
            continue
        seen.add(read_shard(file.read_bytes())["schema"])
    written = {json.loads(file.read_text())["$id"] for file in SCHEMAS.glob("shard-*.json")}
    # Those of large logs and large runs are judged where tests make such.
    assert seen == written - {"mtsite/shard-log/1", "mtsite/shard-rows/1"}


def test_the_site_holds_the_schemas_of_its_documents(site: Site) -> None:
    published = {path.name for path in (site.root / "published" / ASSETS / "schema").iterdir()}
    names = ("grid", "node", "relations", "run", "site-status")
    documents = {f"{name}-1.json" for name in names}
    assert published == documents | {file.name for file in SCHEMAS.glob("shard-*.json")}


@pytest.mark.parametrize("file", sorted(SCHEMAS.iterdir()), ids=lambda file: file.name)
def test_a_schema_is_one_and_refuses_what_is_not_its_own(file: Path) -> None:
    schema = json.loads(file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    name, version = file.stem.rsplit("-", 1)
    assert schema["$id"] == f"mtsite/{name}/{version}"
    assert not jsonschema.Draft202012Validator(schema).is_valid({"schema": schema["$id"]})


def test_every_document_that_the_code_prints_has_a_schema() -> None:
    printed = set()
    for file in (ROOT / "mtsite").rglob("*.py"):
        printed |= set(re.findall(r'print_json\(\s*"([a-z-]+)"', file.read_text("utf-8")))
    assert len(printed) > 25
    assert {name for name in printed if not (SCHEMAS / f"{name}-1.json").exists()} == set()
