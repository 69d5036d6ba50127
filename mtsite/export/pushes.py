"""The pushes that lie between two runs, by the pushlogs beside mtsite.toml."""

from pathlib import Path

from msgspec import Struct

from mtsite.amounts import plural
from mtsite.model import Run
from mtsite.provenance import Provenance, Push, provenance_of
from mtsite.pushlog import Pushlog, between, load_pushlogs

SHOWN = 20


class PushesBetween(Struct, frozen=True):
    """The `pushes` after that of one run up to that of the other, oldest first.

    `turned`: the run that is called the earlier one tested the later push.
    """

    repository: str
    there: str
    here: str
    pushes: tuple[Push, ...]
    turned: bool

    def document(self, *, worse: bool) -> dict[str, object]:
        """Its form in schema mtsite/run-diff/1; `worse`: the later run has tests that are."""
        alone = worse and len(self.pushes) == 1 and not self.turned
        return {
            "repository": self.repository,
            "there": self.there,
            "here": self.here,
            "turned": self.turned,
            "first_bad": self.pushes[0].revision if alone else None,
            "pushes": [
                {
                    "revision": one.revision,
                    "id": one.id,
                    "author": one.by,
                    "time": one.time,
                    "commits": len(one.commits),
                    "message": one.commits[-1].message,
                }
                for one in self.pushes
            ],
        }

    def lines(self, *, worse: bool) -> list[str]:
        """The same for a person: what lies between, and the last of it."""
        many = plural(len(self.pushes), "push lies", "pushes lie")
        ends = f"{self.there[:12]} and {self.here[:12]} of {self.repository}"
        said = f"{many} between {ends}"
        if worse and not self.turned:
            alone = len(self.pushes) == 1
            said += ": the first bad one" if alone else ", among them the first bad one"
        if self.turned:
            said += "; the first run tested the later one"
        last = self.pushes[-SHOWN:]
        rest = len(self.pushes) - len(last)
        return [
            said,
            *([f"  {rest} more, and then"] if rest else []),
            *(f"  {one.revision[:12]}  {one.by}  {_subject(one)}".rstrip() for one in last),
        ]


def pushes_between(root: Path, there: Run, here: Run) -> PushesBetween | None:
    """What lies between two runs; None where that can't be told, or both tested one push."""
    one, other = provenance_of(there.attributes), provenance_of(here.attributes)
    names = {one.repository, other.repository} - {""}
    if not (one.named and other.named) or len(names) > 1:
        return None
    found = []
    for log in load_pushlogs(root):
        if names and log.repository not in names:
            continue
        numbered = bool(names)
        ends = (
            _revision(log, one, numbered=numbered),
            _revision(log, other, numbered=numbered),
        )
        lying = between(log.pushes, *ends)
        if lying is not None:
            found.append(PushesBetween(log.repository, *ends, lying.pushes, lying.turned))
    return found[0] if len(found) == 1 else None


def _revision(log: Pushlog, told: Provenance, *, numbered: bool) -> str:
    """The push of a run by its own name, where it has one, else by its revision.

    Only in a repository that is named (`numbered`) does a number say which push.
    """
    for push in log.pushes if told.push else ():
        if told.push == push.revision or (numbered and told.push == push.id):
            return push.revision
    return told.named


def _subject(one: Push) -> str:
    return one.commits[-1].message.strip().partition("\n")[0][:100]
