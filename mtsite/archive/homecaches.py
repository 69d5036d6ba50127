"""The caches of an area that go from one host's /tmp to another's: where from, where to, whose."""

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from msgspec import Struct

from mtsite.archive.route import user_name
from mtsite.megatest.area import Area
from mtsite.megatest.caches import CACHE_NAMES, cache_directories, cache_places
from mtsite.megatest.homehost import NO_SYNC_NAME
from mtsite.megatest.whole import CHURNING, rows_only_in

LIVE, REFERENCE = CACHE_NAMES
CARRIED = (LIVE, REFERENCE, NO_SYNC_NAME)
"""What else Megatest keeps there is about servers of the old host."""


class Carried(Struct, frozen=True):
    """One user's cache: `files` (name here → file there) become the directory `place`."""

    user: str
    uid: int
    gid: int
    source: Path
    place: Path
    files: Mapping[str, Path]

    @property
    def draft(self) -> Path:
        """Where the copy is made: beside its place, so that a rename puts it there."""
        return self.place.with_name(f"{self.place.name}.mtsite-new")

    @property
    def may_be_written(self) -> bool:
        """Whether this user may make files of that owner."""
        return os.geteuid() in {0, self.uid}

    @property
    def owner(self) -> str:
        """Whose it is."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def asides(self) -> Iterator[Path]:
        """Names for what lay in its place."""
        for number in count(1):
            yield self.place.with_name(f"{self.place.name}.mtsite-aside-{number}")

    def only_there(self, database: Path) -> dict[str, int]:
        """Rows of its live database that another one lacks, by table."""
        found = rows_only_in(self.files[LIVE], database) if LIVE in self.files else {}
        return {table: number for table, number in found.items() if table not in CHURNING}

    def make_draft(self, tmp: Path) -> None:
        """Make the directory of the draft, and those above it, as this user's own.

        Raises:
            OSError: one of them is somebody else's, or a link; anyone may make names in /tmp.
        """
        for directory in reversed([self.draft, *self._between(tmp)]):
            if directory == self.draft or not directory.exists():
                directory.mkdir(mode=0o755)
                self._give(directory)
            status = directory.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, self.uid}:
                raise PermissionError(1, f"belongs to uid {status.st_uid}", str(directory))

    def finish_draft(self) -> None:
        """Mark the databases of the draft as ready, and give all of it to its owner."""
        for name in set(self.files) & {LIVE, REFERENCE}:
            (self.draft / f".ready-{Path(name).stem}").write_text("Ready\n", encoding="ascii")
        for path in self.draft.iterdir():
            self._give(path)

    def document(self, copy: str) -> dict[str, object]:
        """What a hand-over notes of it; `copy` is the directory of its files there."""
        place = self.place
        return {
            "copy": copy,
            "user": self.user,
            "uid": self.uid,
            "gid": self.gid,
            "testsuite": place.parent.name,
            "place": place.name,
            "files": sorted(self.files),
        }

    def equals_place(self) -> bool:
        """Whether its place already holds the very rows of the draft: a death came after."""
        return all(
            (self.place / name).is_file()
            and not rows_only_in(self.place / name, self.draft / name)
            and not rows_only_in(self.draft / name, self.place / name)
            for name in self.files
        )

    def _between(self, tmp: Path) -> Iterator[Path]:
        for parent in self.place.parents:
            if parent == tmp:
                return
            yield parent

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0 and path.lstat().st_uid != self.uid:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def caches_at(area: Area, old_tmp: Path, tmp: Path) -> tuple[Carried, ...]:
    """Every user's cache of an area below the /tmp of its homehost, as it is to be here."""
    return tuple(
        carried_from(directory, tmp / directory.relative_to(old_tmp.resolve()))
        for directory in cache_directories(area.path, old_tmp)
        if (directory / LIVE).is_file()
    )


def carried_from(directory: Path, place: Path) -> Carried:
    """A cache directory with what is carried of it."""
    status = directory.stat()
    files = {name: directory / name for name in CARRIED if (directory / name).is_file()}
    user = place.parent.parent.parent.name
    return Carried(user, status.st_uid, status.st_gid, directory, place, files)


def new_cache(area: Area, tmp: Path) -> Carried:
    """A cache made of megatest.db itself, for who runs this."""
    user = user_name()
    place = tmp / user / "megatest_localdb" / area.testsuite / cache_places(area.path)[0]
    files = {LIVE: area.live, REFERENCE: area.live}
    return Carried(user, os.geteuid(), os.getegid(), area.live, place, files)


def unseen_users(tmp: Path) -> tuple[str, ...]:
    """Users whose own directory below a /tmp may not be looked into: nobody knows what is there."""
    found = []
    for path in sorted(tmp.iterdir()) if tmp.is_dir() else ():
        try:
            theirs = pwd.getpwnam(path.name).pw_uid == path.lstat().st_uid
        except (KeyError, OSError, ValueError):
            continue
        if theirs and path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
            found.append(path.name)
    return tuple(found)
