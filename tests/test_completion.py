"""Shells complete commands and options of mtsite, by scripts that click makes."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from calling import ROOT, called, mtsite


@pytest.mark.parametrize(
    ("shell", "part"),
    [
        ("bash", "complete -o nosort -F"),
        ("zsh", "#compdef mtsite"),
        ("fish", "complete --no-files"),
    ],
)
def test_each_shell_has_its_script(shell: str, part: str, capsys) -> None:
    ended = called(["completion", shell], capsys)
    assert (ended.code, ended.err) == (0, "")
    assert part in ended.out
    assert f"_MTSITE_COMPLETE={shell}_complete" in ended.out


def needs(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here: .ci/shells installs it")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with `mtsite` in it, the first of the search path."""
    program = tmp_path / "bin" / "mtsite"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mtsite "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def told(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_bash_completes(command: Path) -> None:
    script = (
        'eval "$(mtsite completion bash)"; COMP_WORDS=(mtsite homeh); COMP_CWORD=1;'
        ' _mtsite_completion mtsite; echo "${COMPREPLY[@]}"'
    )
    assert told("bash", "--norc", "-c", script, cwd=command) == "homehost\n"


def test_fish_completes(command: Path) -> None:
    needs("fish")
    script = "mtsite completion fish | source; complete -C 'mtsite homeh'"
    assert told("fish", "--no-config", "-c", script, cwd=command).startswith("homehost")


def test_zsh_completes(command: Path) -> None:
    """Its completion only works in a line that somebody types."""
    needs("zsh")
    with typing_to(["zsh", "-f", "-i"], command) as typed:
        typed("autoload -U compinit && compinit -u -D; bindkey '^I' complete-word\n", "")
        typed('eval "$(mtsite completion zsh)"; echo re""ady\n', "ready")
        typed("mtsite homeh\t", "homehost")


@contextmanager
def typing_to(words: list[str], cwd: Path) -> Iterator[Callable[[str, str], None]]:
    """A program at a terminal; what is typed, and what must be shown after it."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd) as child:
        os.close(theirs)

        def typed(text: str, shown: str) -> None:
            os.write(ours, text.encode())
            seen, deadline = "", time.monotonic() + 30
            while shown not in seen:
                assert select.select([ours], [], [], deadline - time.monotonic())[0], seen
                seen += os.read(ours, 4096).decode(errors="replace")

        try:
            yield typed
        finally:
            child.kill()
            os.close(ours)


def test_commands_and_options_are_completed(tmp_path: Path) -> None:
    def asked(words: str, word: int) -> str:
        environ = {
            "COMP_WORDS": words,
            "COMP_CWORD": str(word),
            "_MTSITE_COMPLETE": "bash_complete",
        }
        return mtsite(cwd=tmp_path, **environ).out

    assert asked("mtsite homeh", 1) == "plain,homehost\n"
    assert "plain,--without-old-cache\n" in asked("mtsite homehost move --", 3)
