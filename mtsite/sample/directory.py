"""The directory that the samples are made in: only ever an empty one, or one of our own."""

import shutil
from pathlib import Path

from mtsite.errors import UsageError
from mtsite.sample.rundirs import OUTSIDE

MARKER = ".mtsite-demo"
"""A file that says: this directory was made by `mtsite demo`, which may make it anew."""

_OURS = (
    "areas",
    "disks",
    OUTSIDE,
    "mtsite.toml",
    "annotations",
    "pushes",
    "site",
    "published",
    ".mtsite",
)


def prepare_directory(root: Path) -> bool:
    """Make the directory ready for samples; True when an earlier demo there was taken away.

    Only what a demo makes is removed, so a file that was added by hand stays. A demo that was
    stopped half-way is recognised, too: the marker is written first.

    Raises:
        UsageError: it is a file, or a directory with something in it that no demo made.
    """
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file", "name a directory: mtsite demo DIR")
    root.mkdir(parents=True, exist_ok=True)
    own = (root / MARKER).is_file()
    if not own and any(root.iterdir()):
        raise UsageError(
            f"{root} is not empty, and no demo was made there", "name another: mtsite demo DIR"
        )
    if own:
        for name in _OURS:
            _remove(root / name)
    (root / MARKER).write_text("`mtsite demo` may make this directory anew.\n", encoding="utf-8")
    return own


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
