"""What rules find in a text: how a family of rules is tested.

from scanning import findings_of, shown

def test_a_full_disk_is_critical() -> None:
    assert shown("cp: x: No space left on device\\n", disk.FAMILY) == [
        "1-1 CRITICAL disk/full cp: x: No space left on device"
    ]
"""

from collections.abc import Mapping
from typing import Any

from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.family import Family
from mtsite.logs.scan import Judged, scan
from mtsite.model import Finding


def judged(
    log: str | bytes,
    *families: Family,
    name: str = "build.log",
    settings: Mapping[str, Any] | None = None,
) -> Judged:
    """The verdict of these families alone (none: of all built-in ones); no rule may fail.

    `settings` is what the table [logs.FAMILY] of the first of them says.
    """
    content = log.encode("utf-8", "surrogateescape") if isinstance(log, str) else log
    rules = RuleSet(families, settings={families[0].name: settings or {}}) if families else None
    found = scan(content, rules or built_in(), name)
    assert found.faults == ()
    return found


def findings_of(log: str | bytes, *families: Family, name: str = "build.log") -> list[Finding]:
    """Errors and warnings in the order of lines (the first 20 of each are kept)."""
    found = judged(log, *families, name=name)
    return sorted((*found.findings, *found.warnings), key=lambda one: one.first_line)


def shown(log: str | bytes, *families: Family, name: str = "build.log") -> list[str]:
    """The same, each as "FIRST-LAST LEVEL RULE EXCERPT"."""
    return [
        f"{one.first_line}-{one.last_line} {one.level} {one.rule} {one.excerpt}"
        for one in findings_of(log, *families, name=name)
    ]
