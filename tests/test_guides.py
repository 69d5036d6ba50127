"""What the guides tell to copy is carried out here, as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs/from-ci.md").read_text(encoding="utf-8")
RESULTS = (
    '<testsuites><testsuite name="pytest"><testcase classname="t" name="a"/>'
    '<testcase classname="t" name="b"><failure message="no"/></testcase></testsuite></testsuites>'
)
NUMBERS = dict.fromkeys(("GITHUB_RUN_NUMBER", "CI_PIPELINE_IID", "BUILD_NUMBER"), "7")


def block(heading: str) -> str:
    """The first code below a heading."""
    found = re.search(rf"### {re.escape(heading)}\n.*?```\w+\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


def github() -> list[str]:
    job = yaml.safe_load(block("GitHub Actions"))["jobs"]["test"]
    return [step["run"] for step in job["steps"] if "run" in step]


def gitlab() -> list[str]:
    job = yaml.safe_load(block("GitLab CI"))["test"]
    return [*job["script"], *job["after_script"]]


def jenkins() -> list[str]:
    return [
        a or b for a, b in re.findall(r"sh (?:'''(.*?)'''|'(.*?)')", block("Jenkins"), re.DOTALL)
    ]


SETTINGS = {
    "github": yaml.safe_load(block("GitHub Actions"))["jobs"]["test"]["env"],
    "gitlab": yaml.safe_load(block("GitLab CI"))["test"]["variables"],
    "jenkins": dict(re.findall(r"(MTSITE_\w+) = '(.*?)'", block("Jenkins"))),
}
SCRIPTS = {"github": github(), "gitlab": gitlab(), "jenkins": jenkins(), "cron": [block("cron")]}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A results directory with the guide's mtsite.toml, and programs that a runner would have."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "project").mkdir()
    found = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    (tmp_path / "results").mkdir()
    (tmp_path / "results/mtsite.toml").write_text(found[1])
    told = {
        "mtsite": f'exec {sys.executable} -m mtsite "$@"',
        # Tests fail, and a runner goes on to what it always does.
        "pytest": f"cat > $2 <<'END'\n{RESULTS}\nEND\nexit 1",
        "pip": "exit 0",
        "git": "exit 0",
    }
    for name, text in told.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


SLOW = [pytest.param(one, marks=pytest.mark.slow) for one in ("gitlab", "jenkins", "cron")]


@pytest.mark.parametrize("guide", ["github", *SLOW])
def test_a_guide_leads_from_a_test_run_to_a_link(place: Path, guide: str) -> None:
    environ = {
        **os.environ,
        **NUMBERS,
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(place / "summary.md"),
    }
    if guide == "github":
        (place / "results").rename(place / "project/runs")
        (place / "results").symlink_to("project/runs")
    for name, value in SETTINGS.get(guide, {}).items():
        there = value.replace("${{ github.workspace }}", str(place / "project"))
        environ[name] = there.replace("/srv/", f"{place}/")
    said = ""
    for script in SCRIPTS[guide]:
        there = script.replace("/srv/", f"{place}/")
        ended = subprocess.run(
            ["sh", "-c" if "pytest" in script else "-ec", there],
            cwd=place / "project",
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0 or script.startswith("pytest"), ended.stderr
        said += ended.stdout
    if guide == "github":
        said += (place / "summary.md").read_text()
    (address,) = set(re.findall(r"https://results\.example/([\w./-]+)", said))
    public = place / "results" / ("docs" if guide == "github" else "public")
    assert "1 of 2 tests" in (public / address).read_text("utf-8")
