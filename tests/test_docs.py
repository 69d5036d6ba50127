"""The documentation says what the code does."""

import doctest
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mtsite.cli import COMMANDS, group
from mtsite.config import SECTIONS, AreaConfig
from mtsite.invocation import Invocation
from mtsite.options import Option, options_of
from mtsite.rollup import BAD, GOOD, Verdict

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SETTINGS = [
    (name, option)
    for name, section in {**SECTIONS, "areas": AreaConfig}.items()
    for option in options_of(section).values()
]
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def written(function: str, by: str = "write_commands") -> Any:
    """What a script of docs/ would write."""
    spec = importlib.util.spec_from_file_location(by, DOCS / f"{by}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, function)()


def test_every_command_and_its_help_stand_in_the_docs() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == written("page"), "make docs"


def test_every_json_document_stands_in_the_docs() -> None:
    assert (DOCS / "json.md").read_text(encoding="utf-8") == written("json_page"), "make docs"


def test_every_command_has_its_manual_page() -> None:
    found = {path.name: path.read_text("utf-8") for path in (DOCS / "man").iterdir()}
    assert found == written("pages", "write_man"), "make docs"
    assert {f"mtsite-{name}.1" for name in COMMANDS} < found.keys()


@pytest.mark.skipif(not shutil.which("man"), reason="not applicable: no man here")
def test_man_shows_a_manual_page_without_a_warning() -> None:
    shown = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", DOCS / "man" / "mtsite-build.1"],
        env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    assert "mtsite-build - Regenerate what changed." in shown.stdout
    assert "--area AREA" in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section(name: str) -> None:
    assert f"\n## mtsite {name}\n" in (DOCS / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if ">>>" in page.read_text("utf-8")])
def test_the_examples_of_a_page_are_true(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def shown_calls(text: str) -> Iterator[tuple[str, bool]]:
    """Calls of mtsite that a page shows, and whether they are to be typed as they stand."""
    fences = re.compile(r"^```.*?\n(.*?)^```", re.DOTALL | re.MULTILINE)
    for fence in fences.findall(text):
        for line in fence.splitlines():
            if call := re.match(r"(?:.*[|&] |\s*\$ |\s*)(mtsite .*)", line):
                yield call[1], True
    for call in re.findall(r"`(mtsite [^`\n]+)`", fences.sub("", text)):
        yield call, False


def parse_call(call: str) -> None:
    """Read a call as the command line does, down to the last option, and carry nothing out."""
    words = shlex.split(re.split(r"\\?\||>|&&", call)[0].replace("…", "X"), comments=True)[1:]
    words = [word.strip("[]") for word in words]
    context = group.make_context("mtsite", words, obj=Invocation())
    command: click.Command | None = group
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, words = command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, words, parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_calls_that_a_page_shows_are_understood(page: Path) -> None:
    if page.name == "commands.md":
        return  # it is written from the commands themselves
    for call, whole in shown_calls(page.read_text(encoding="utf-8")):
        try:
            parse_call(call)
        except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
            # In a sentence a command may stand by its name alone.
            assert not whole, f"{page.name}: {call}"
        except click.exceptions.Exit:
            pass
        except click.ClickException as mistake:
            pytest.fail(f"{page.name}: {call}: {mistake.format_message()}")


def test_the_make_targets_that_the_readme_shows_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)", text))
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"(?m)^{target}:", makefile), target


@pytest.fixture(scope="module")
def readers() -> str:
    """The source of all that may act on a setting."""
    files = [*(ROOT / "mtsite").rglob("*.py"), *(ROOT / "jobs").glob("*.py")]
    shown = [path for path in files if path.name != "config.py" and "sample" not in path.parts]
    return "\n".join(path.read_text(encoding="utf-8") for path in shown)


@pytest.mark.parametrize(
    ("section", "option"), SETTINGS, ids=lambda part: getattr(part, "name", part)
)
def test_a_setting_that_nothing_acts_on_says_so(section: str, option: Option, readers: str) -> None:
    wanted = [option.attribute] if section == "areas" else [section, option.attribute]
    acted_on = all(re.search(rf"\.{word}\b", readers) for word in wanted)
    says_so = option.sentence.endswith(("nothing acts on it yet.", "no page shows it yet."))
    assert says_so != acted_on


def test_the_table_of_verdicts_counts_them_as_the_code_does() -> None:
    text = (DOCS / "model.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([A-Z]) \| (\w+) \| (good|neither|bad) \|", text)
    counted = {
        verdict: "good" if verdict in GOOD else "bad" if verdict in BAD else "neither"
        for verdict in Verdict
    }
    assert {letter: (name, kind) for letter, name, kind in rows} == {
        verdict.value: (verdict.name, kind) for verdict, kind in counted.items()
    }
    assert len(rows) == len(Verdict)
