"""By which rules failures of all runs are brought together, and which runs left their cluster."""

from mtsite.build import digest
from mtsite.build.plan import BuildPlan
from mtsite.build.state import BuildState
from mtsite.logs import likeness
from mtsite.model import RunKey

RULES = "cluster rules"
NOBODY = RunKey("", (), "")


def forget_lines(state: BuildState, plan: BuildPlan) -> None:
    """What runs that go now failed with is in no cluster any more."""
    for run_dir in (*plan.gone, *plan.renamed):
        state.note_clusters(state.manifest.failing.forget(run_dir))
        news = state.manifest.annotated.note(run_dir, NOBODY, 0, ())
        state.annotated = state.annotated or news


def gather_again(state: BuildState, plan: BuildPlan) -> None:
    """Add the runs that went wrong: their failures may be alike in another way now."""
    if rules_moved(state):
        for run_dir in state.manifest.failing.runs():
            state.read_again(plan, run_dir, "cluster rules")


def note_rules(state: BuildState) -> None:
    """The failures of all runs are brought together by the rules as they are."""
    state.manifest.put(RULES, _rules(state))


def rules_moved(state: BuildState) -> bool:
    """Whether the rules are others than those that clusters were made by."""
    return state.manifest.get(RULES) != _rules(state)


def _rules(state: BuildState) -> str:
    return digest.of(repr(state.config.clusters.rules), likeness.EDITION)
