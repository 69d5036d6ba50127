"""Which runs a filter finds: the language of the pages (docs/filter.md) over runs in databases."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field

from mtsite import record, rollup
from mtsite.megatest.reader import RunHead
from mtsite.model import Run
from mtsite.query import CHANGES, Query, Row
from mtsite.rollup import Verdict

_OF_TESTS = frozenset({"verdict", "host", "test", "item"})
_OF_SITE = frozenset({"change"})
_NO_HOST = frozenset({"", "n/a"})


class Wanted(Struct, frozen=True):
    """Judges runs by `query`. What moved against the run before, the records of `site` know."""

    query: Query = field(default_factory=lambda: Query((), 0))
    site: Path = Path()

    @property
    def needs_tests(self) -> bool:
        """Whether the tests of a run must be read before it is judged."""
        return bool(self.query.asks & _OF_TESTS)

    def may_be(self, head: RunHead) -> bool:
        """Whether a run can be wanted, as far as its own row says."""
        beyond = () if head.gone else _OF_TESTS | _OF_SITE
        return self.query.without(beyond).hits(_row(head))

    def hits(self, head: RunHead, run: Run | None, verdicts: Sequence[Verdict]) -> bool:
        """Whether it is wanted; `run` None: its tests were not asked for, or lie nowhere."""
        if not self.query.asks & (_OF_TESTS | _OF_SITE):
            return True
        change = self._change(head) if self.query.asks & _OF_SITE else ""
        return self.query.hits(_row(head, run, verdicts, change))

    def _change(self, head: RunHead) -> str:
        try:
            kept = record.load(self.site, head.key)
        except ValueError:
            return ""
        summary = kept.summary if kept is not None else None
        return " ".join(one for one in CHANGES if getattr(summary, one, 0))


EVERY_RUN = Wanted()


def _row(
    head: RunHead, run: Run | None = None, verdicts: Sequence[Verdict] = (), change: str = ""
) -> Row:
    target = "/".join(head.key.target)
    whole = f"{head.key.area}/{target}/{head.key.runname}"
    tests = run.tests if run is not None else ()
    named: dict[str, Iterable[str]] = {
        "run": [head.key.runname],
        "target": [target],
        "area": [head.key.area],
        "owner": [head.owner],
        "state": [head.state],
        "status": [head.status],
        "test": {test.testname for test in tests},
        "item": {test.item_path for test in tests if test.item_path},
        "host": {test.host for test in tests} - _NO_HOST,
    }
    counts = rollup.count(run, list(verdicts)) if run is not None else {}
    verdict = rollup.run_verdict(counts).name if run is not None else "gone" if head.gone else ""
    return Row(
        verdict=verdict.lower().replace("_", "-"),
        change=change,
        marks=("run", "gone") if head.gone else ("run",),
        tags=tuple(filter(None, (head.contour.lower(),))),
        text="\n".join((whole, head.owner, head.comment, head.contour)).lower(),
        named={name: [value.lower() for value in values] for name, values in named.items()},
        when=head.event_time,
    )
