"""The licences of all that mtsite needs, from the metadata of what is installed: docs/licences.md.

    python docs/write_licences.py

Follows `dependencies` of pyproject.toml through what each package requires in turn. Versions are
left out, so that the page moves only when a package or a licence does. A test compares, and refuses
a licence that isn't in `FREE`.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("licences.md")
FREE = frozenset(
    ("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD", "MIT", "PSF-2.0", "Public domain")
)
"""Licences under which a package may be used beside Apache-2.0 without a further look."""

# What metadata say in their own words, or say two things: the one that is taken.
_WORDS = {
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Public Domain": "Public domain",
    "Python Software Foundation License": "PSF-2.0",
}
_NOT_NEEDED = frozenset({"pip"})
"""Named by a package for a command of its own that mtsite doesn't use."""


def needed() -> dict[str, str]:
    """Package → its licence, for everything that is installed for mtsite to run."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        waiting = [_name(text) for text in tomllib.load(file)["project"]["dependencies"]]
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in found or name in _NOT_NEEDED:
            continue
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # Of another Python or system.
        found[name] = licence_of(package)
        waiting += [_name(text) for text in package.requires or () if "extra ==" not in text]
    return dict(sorted(found.items()))


def licence_of(package: metadata.Distribution) -> str:
    """The licence that the metadata tell, as an SPDX name where it is a known one."""
    told = package.metadata
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    words = [told.get("License-Expression"), *classifiers, told.get("License")]
    for word in filter(None, words):
        if (licence := _WORDS.get(word, word)) in FREE:
            return licence
    return next(filter(None, words), "unknown")


def page() -> str:
    """docs/licences.md."""
    rows = "".join(f"| {name} | {licence} |\n" for name, licence in needed().items())
    return (
        "# Licences of what mtsite needs\n\n"
        "mtsite is Apache-2.0. It needs these packages, and those that they need; none is part of\n"
        "its own files, and a built site holds nothing of them. `python docs/write_licences.py`\n"
        "writes this page.\n\n"
        f"| package | licence |\n|---|---|\n{rows}"
    )


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
