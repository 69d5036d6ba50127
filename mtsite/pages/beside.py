"""What the page of a run shows that is not of the run: what the settings say, and its neighbour."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from mtsite.model import Run

PLACEHOLDERS = ("area", "target", "runname")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Beside:
    """For one run: `next_run` is '' for the newest, `links` are (title, address).

    `leaving`: there is a page of what leaves, and when.
    """

    next_run: str = ""
    links: Sequence[tuple[str, str]] = ()
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class RunBeside:
    """For all runs: `links` has title → address with placeholders, by area."""

    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    leaving: bool = False

    def of(self, run: Run, next_run: str) -> Beside:
        """What this run's page shows."""
        given = self.links.get(run.key.area, {})
        filled = tuple((title, fill(address, run)) for title, address in given.items())
        return Beside(next_run, filled, self.leaving)


def fill(address: str, run: Run) -> str:
    """An address with {area}, {target}, {runname} and the area's keys as {KEY}, URL-escaped.

    The values of a target stand between slashes, each escaped by itself. What is no placeholder
    stays as it is.
    """
    values = {name: quote(value, safe="") for name, value in _values(run)}
    values["target"] = "/".join(quote(_text(value), safe="") for value in run.key.target)
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), address)


def _values(run: Run) -> list[tuple[str, str]]:
    own = zip(run.keys, run.key.target, strict=False)
    named = [("area", run.key.area), ("runname", run.key.runname)]
    return [(name, _text(value)) for name, value in (*own, *named)]


def _text(value: str) -> str:
    """Bytes that are not UTF-8 as U+FFFD, as everywhere on a page."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
