"""Shells complete commands and options of mtsite, by scripts that click makes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from calling import called, mtsite


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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_that_has_a_syntax_check_takes_its_script(
    shell: str, tmp_path: Path, capsys
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"not applicable: no {shell} here")
    script = tmp_path / "script"
    script.write_text(called(["completion", shell], capsys).out)
    assert subprocess.run([shell, "-n", script], check=False).returncode == 0


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
