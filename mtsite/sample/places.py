"""Where a sample area keeps what: its directory, its linktree, and the disks that tests run on."""

from pathlib import Path

from msgspec import Struct

from mtsite.sample.history import SampleRun, SampleTest

NEVER_RAN = "/tmp/badname"
"""What Megatest stores as run directory until a test is launched."""


class Places(Struct, frozen=True):
    """The directories of one area; all are below the sample's root."""

    area: Path
    linktree: Path
    disks: tuple[Path, ...]

    def link(self, run: SampleRun, test: SampleTest) -> str:
        """The path through the linktree, as `tests.rundir` has it."""
        return f"{self.linktree}/{_tail(run, test)}"

    def physical(self, run: SampleRun, test: SampleTest) -> str:
        """The directory on a disk, as `tests.shortdir` has it; a toplevel row has only its link."""
        if test.toplevel:
            return self.link(run, test)
        return f"{self.disks[test.pid % len(self.disks)]}/{_tail(run, test)}"


def places_below(root: Path, area: str) -> Places:
    """The usual places of an area below the root of all samples."""
    home = root / "areas" / area
    disks = tuple(root / "disks" / f"{area}_{letter}" for letter in "ab")
    return Places(home, home / "links", disks)


def _tail(run: SampleRun, test: SampleTest) -> str:
    name = f"{test.spec.name}/{test.item_path}" if test.item_path else test.spec.name
    return f"{'/'.join(run.target)}/{run.runname}/{name}"
