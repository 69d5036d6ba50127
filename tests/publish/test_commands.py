"""`mtsite publish` and `mtsite serve` as a user calls them."""

import hashlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from publishing import small_site

from mtsite import cli, lock
from mtsite.invocation import Invocation
from mtsite.manifest import Manifest, Page

CONFIG = '[site]\nbase_url = "https://runs.example"\n[publish]\ndestination = "www"\n'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built site of its own, and the shell in its directory."""
    (tmp_path / "mtsite.toml").write_text(CONFIG)
    build(tmp_path, small_site())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "site" / path).write_bytes(content)
    with Manifest.open(root / ".mtsite") as manifest:
        manifest.note_pages(
            Page(path, hashlib.sha256(content).hexdigest(), len(content), "", "shared")
            for path, content in files.items()
        )
        manifest.commit()


def mtsite(*arguments: str) -> int:
    return cli.run(list(arguments), Invocation())


def test_publish_sends_the_tree_and_tells_its_address(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mtsite("publish") == 0
    said = capsys.readouterr()
    assert f"generation 1 at {site}/www" in said.out
    assert "https://runs.example/index.html" in said.err
    assert (site / "www" / "index.html").read_bytes() == small_site()["index.html"]
    root = json.loads((site / "www" / "_manifest" / "root.json").read_text())
    assert (root["schema"], root["generation"], root["areas"]) == ("mtsite/manifest/1", 1, ["a"])


def test_publish_with_nothing_new_is_one_request(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mtsite("publish") == 0
    capsys.readouterr()
    assert mtsite("publish", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "mtsite/publish/1"
    assert told["requests"] == {"GET": 1}


def test_a_destination_given_by_hand_is_below_the_current_directory(site: Path) -> None:
    assert mtsite("publish", "elsewhere") == 0
    assert (site / "elsewhere" / "index.html").exists()
    assert not (site / "www").exists()


def test_a_dry_run_writes_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mtsite("publish", "-n") == 0
    assert "would be sent" in capsys.readouterr().out
    assert not (site / "www").exists()


@pytest.mark.parametrize("destination", ["ftp://x/y", "s3://", "s3:///prefix"])
def test_a_destination_that_is_none_is_a_usage_error(
    site: Path, capsys: pytest.CaptureFixture[str], destination: str
) -> None:
    assert mtsite("publish", destination) == 2
    assert destination in capsys.readouterr().err


@pytest.mark.parametrize("destination", ["site", "site/inside", "."])
def test_the_tree_is_not_published_into_itself(
    site: Path, capsys: pytest.CaptureFixture[str], destination: str
) -> None:
    before = sorted((site / "site").rglob("*"))
    assert mtsite("publish", destination) == 2
    assert "site" in capsys.readouterr().err
    assert sorted((site / "site").rglob("*")) == before


def test_the_paths_that_changed_are_written_for_a_cache(site: Path) -> None:
    assert mtsite("publish") == 0
    build(site, {"a/index.html": b"another"})
    assert mtsite("publish", "--changed-paths", "changed.txt") == 0
    assert (site / "changed.txt").read_text() == "a/index.html\n"


def test_without_a_build_there_is_nothing_to_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mtsite.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    assert mtsite("publish") == 10
    assert "mtsite build" in capsys.readouterr().err


def test_a_second_publish_is_told_who_is_at_it(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lock.hold(site / ".mtsite", "publish", "mtsite publish"):
        assert mtsite("publish") == 11
    assert "publish is locked by `mtsite publish` on host" in capsys.readouterr().err


def test_an_area_that_left_is_refused_then_dropped(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(site, {"b/index.html": b"b"})
    assert mtsite("publish") == 0
    with Manifest.open(site / ".mtsite") as manifest:
        manifest.forget_pages(["b/index.html"])
        manifest.commit()
    assert mtsite("publish") == 12
    assert "--drop-area" in capsys.readouterr().err
    assert mtsite("publish", "--drop-area", "b") == 0


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert mtsite("publish", "--help") == 0
    assert "12 the destination refused" in " ".join(capsys.readouterr().out.split())


def test_serve_says_where_it_is_and_ends_by_a_signal(site: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "mtsite", "serve", "--port", "0"],
        cwd=site,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    address = child.stdout.readline().strip()
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == small_site()["index.html"]
    child.terminate()
    child.communicate(timeout=20)
    assert child.returncode == 143


def test_serve_without_a_site_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mtsite("serve", "-d", str(tmp_path)) == 10
    assert "no site in" in capsys.readouterr().err


def test_nothing_new_reads_no_row_of_the_tree_and_loads_no_boto3(site: Path) -> None:
    assert mtsite("publish") == 0
    script = (
        "import sys; from mtsite import cli; from mtsite.invocation import Invocation\n"
        "from mtsite.manifest import Manifest\n"
        "def refuse(self): raise AssertionError('the tree was read')\n"
        "Manifest.tree = refuse\n"
        "assert cli.run(['publish'], Invocation()) == 0\n"
        "assert 'boto3' not in sys.modules and 'jinja2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=site, check=True)
