"""Objects that go, and publishers who bring one back in that very moment.

What nothing referred to for the grace time is deleted before the root is written that says so. A
publisher who has put such a path meanwhile, and hasn't written its root, loses it against ours and
puts the path again. One who wrote its root between our look and our deletion is found by our own
root, which loses: then it is looked whether the path is there, and where it isn't the next root
says so, and the other one's next publish puts it.
"""

from msgspec.structs import replace

from mtsite.errors import DestinationError
from mtsite.publish.destination import Destination
from mtsite.publish.ledger import Ledger
from mtsite.publish.plan import PublishPlan
from mtsite.publish.shards import ROOT


def delete_due(
    plan: PublishPlan, destination: Destination, ledger: Ledger
) -> tuple[PublishPlan, DestinationError | None]:
    """Remove what is due, unless somebody published since the last look.

    The plan comes back with what was removed, and the refusal, if there was one.
    """
    if not plan.due:
        return plan, None
    _, tag = ledger.root()
    found = destination.get(ROOT, unless=tag)
    if found is None or not found.unchanged:
        return replace(plan, due=()), None
    paths = [row.path for row in plan.due]
    ledger.begin_delete(paths)
    try:
        destination.delete(paths)
    except DestinationError as refused:
        return replace(plan, due=()), refused
    destination.flush()
    ledger.note_deleted(paths)
    return plan, None


def settle_doubts(destination: Destination, ledger: Ledger) -> int:
    """Look for what others brought back while we deleted it; how many paths are not there."""
    paths = ledger.doubtful()
    lost = [path for path in paths if destination.get(path) is None]
    if lost:
        ledger.mark_missing(lost)
    if paths:
        ledger.clear_doubts()
    return len(lost)
