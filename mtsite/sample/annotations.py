"""What the people of the sample areas know of failures: one rule that holds, one that has ended."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

_ENDED_DAYS = 3
_CHIPYARD = """# Failures that somebody knows of; docs/known-issues.md tells more.
[[known]]
title = "Rounding of FMA differs from the model"
pattern = 'rounding mismatch'
test = "fpu_ieee"
area = "chipyard"
link = "https://bugs.example/FPU-118"
owner = "mwong"
why = "The **model** rounds to nearest even only; see the errata of revision C."
"""
_WEBSTACK = """[[known]]
title = "Clicks run out of time on shared runners"
pattern = 'Locator\\.click: Timeout'
test = "e2e_browser"
area = "webstack"
until = {until}
link = "https://bugs.example/WEB-2041"
owner = "priya"
"""


def write_annotations(directory: Path, now: int) -> None:
    """Write the rules of both areas; the one of webstack ended some days before `now`."""
    until = datetime.fromtimestamp(now, UTC).date() - timedelta(days=_ENDED_DAYS)
    directory.mkdir(exist_ok=True)
    (directory / "chipyard.toml").write_text(_CHIPYARD, encoding="utf-8")
    (directory / "webstack.toml").write_text(_WEBSTACK.format(until=until), encoding="utf-8")
