"""Which runs a command is about: by target, runname, age, state and status. Pure."""

from msgspec import Struct

from mtsite.megatest.activity import RunActivity
from mtsite.megatest.pattern import matcher, target_matcher
from mtsite.megatest.reader import RunHead


class Selection(Struct, frozen=True):
    """Runs that fulfil all that is asked for; what is empty or None asks for nothing.

    `target`, `runname`, `state` and `status` are patterns (`pattern.py`); states and statuses are
    compared without regard to case. `older_than` and `newer_than` are seconds since the run's last
    sign of life.
    """

    target: str = ""
    runname: str = ""
    older_than: int | None = None
    newer_than: int | None = None
    state: str = ""
    status: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked for."""
        return self == Selection()

    def matches(self, run: RunHead | RunActivity, now: int, *, status: str | None = None) -> bool:
        """Whether a run is chosen at `now` (Unix seconds).

        `status` stands for the row's own, which Megatest never works out from the tests. A run
        that no row gives a time for has no age: it is neither older nor newer than anything.
        """
        target, runname, activity = _facts(run)
        return (
            self.matches_name(target, runname)
            and self._has_age(activity, now)
            and _chosen(self.state, run.state)
            and _chosen(self.status, run.status if status is None else status)
        )

    def matches_name(self, target: tuple[str, ...], runname: str) -> bool:
        """Whether target and runname are chosen, whatever else is asked for."""
        return (not self.target or target_matcher(self.target)(target)) and (
            not self.runname or matcher(self.runname)(runname)
        )

    def parts_lacking(self, keys: int) -> str:
        """Why `target` can't fit a target of so many keys that are all set; '' if it may."""
        short = [
            one
            for one in (part.strip() for part in self.target.split(","))
            if one != "%" and len([part for part in one.split("/") if part]) < keys
        ]
        if not self.target or len(short) < len(self.target.split(",")):
            return ""
        parts = [part for part in short[0].split("/") if part]
        whole = "/".join(parts + ["%"] * (keys - len(parts)))
        return f"--target {short[0]} has fewer parts than targets have keys: try {whole}"

    def _has_age(self, activity: int | None, now: int) -> bool:
        if self.older_than is None and self.newer_than is None:
            return True
        if not activity:
            return False
        age = now - activity
        return (self.older_than is None or age >= self.older_than) and (
            self.newer_than is None or age < self.newer_than
        )


def _facts(run: RunHead | RunActivity) -> tuple[tuple[str, ...], str, int | None]:
    if isinstance(run, RunHead):
        return run.key.target, run.key.runname, run.activity_time
    return run.target, run.runname, run.activity


def _chosen(pattern: str, value: str) -> bool:
    return not pattern or matcher(pattern, any_case=True)(value)
