"""What is made from all runs: pages of targets and of the levels above them, and all the lists.

A build in which no run moved, nor anything else that these pages show, does not come here.
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from mtsite.build import former, levels, unreadable
from mtsite.build.areawords import (
    area_words,
    grid_settings,
    has_leaving_page,
    held,
    keys_of,
    names_now,
    rhythms,
    satellites,
)
from mtsite.build.catalogue import write_catalogue
from mtsite.build.clusters import write_clusters
from mtsite.build.coming import write_coming
from mtsite.build.former import write_former
from mtsite.build.grids import GridSettings
from mtsite.build.hosts import begin_hosts, finish_hosts
from mtsite.build.issues import judge_of
from mtsite.build.leaving import write_leaving
from mtsite.build.nights import write_nights
from mtsite.build.nodes import TargetNode, Tree
from mtsite.build.pen import Pen
from mtsite.build.plan import BuildPlan
from mtsite.build.pulse import begin_pulse
from mtsite.build.pushes import has_pushes, write_pushes
from mtsite.build.search import write_search
from mtsite.build.state import BuildState
from mtsite.build.targets import TargetTask, TargetWriter, target_owner

COMMIT_TARGETS = 16


def write_around(state: BuildState, plan: BuildPlan) -> None:
    """Bring in line with all runs what is made from more than one of them."""
    write_former(state, plan)
    write_coming(state)
    hosts = begin_hosts(state)
    # A new run changes the pages of one target, made here, and of many hosts, made by workers.
    _write_targets(state)
    write_nights(state)
    finish_hosts(state, hosts)
    write_pushes(state)
    write_leaving(state)
    write_catalogue(state)
    write_clusters(state)
    write_search(state)
    unreadable.forget_wait(state)
    begin_pulse(state.config)
    _write_levels(state)


def _write_targets(state: BuildState) -> None:
    writer = TargetWriter(state.site, state.config.state_dir, state.look)
    words = area_words(state)
    expected = rhythms(state, words)
    judge = judge_of(state)
    now_called = names_now(state.config.areas)
    _touch_former(state, now_called)
    tasks = (
        TargetTask(
            name,
            values,
            keys_of(state, words, name, values),
            GridSettings(*grid_settings(state, name)),
            state.pages_of(target_owner(name, values), trusted=not state.interrupted),
            expected.get(name),
            now_called.get(name, ""),
            judge.of_target(name, values),
        )
        for name, values in sorted(state.touched)
    )
    for done, outcome in enumerate(state.engine.map(writer, tasks), start=1):
        written = outcome.returned
        if written is None:
            values = outcome.task.values
            state.failed(f"target {outcome.task.area}/{'/'.join(values)}", outcome.error)
            state.unfinished.add((outcome.task.area, values))
            continue
        state.manifest.note_target(written.area, written.values, written.node, written.past)
        state.note_files(written.pages, written.removed, written.rendered)
        if done % COMMIT_TARGETS == 0:
            state.commit()
        state.report("targets", done, len(state.touched))
    state.commit()


def _touch_former(state: BuildState, now_called: Mapping[str, str]) -> None:
    """What leads to a target is looked at with it: it may have a last good run now."""
    if now_called:
        for name, values in state.manifest.targets():
            if (now_called.get(name), values) in state.touched:
                state.touched.add((name, values))


def _write_levels(state: BuildState) -> None:
    """Every level above what was touched, and the root."""
    everything = state.all_pages or state.interrupted or state.areas_moved
    shown = f"{state.look.assets} {has_pushes(state)}"
    if not state.touched and not everything and state.manifest.get("assets") == shown:
        return
    state.manifest.put("assets", shown)
    words = area_words(state)
    found = state.manifest.targets()
    tree = Tree(
        {key: TargetNode.decode(line) for key, line in found.items()},
        words,
        ZoneInfo(state.look.frame.timezone),
        satellites(state),
        held(state),
        has_leaving_page(state),
    )
    all_names = sorted({*words, *(area_name for area_name, _ in found)})
    moved = {area_name for area_name, _ in state.touched}
    moved |= {home for home, births in tree.satellites.items() if moved & set(births.split(", "))}
    now_called = names_now(state.config.areas)
    for name in all_names:
        if everything or name in moved:
            pen = _pen(state, levels.area_owner(name))
            if name in now_called:
                former.write_levels(pen, tree, name, now_called[name])
            else:
                touched = None if everything else state.touched
                levels.write_area(pen, state.manifest, tree, name, touched)
            state.note_files(pen.changed, pen.remove_rest(), pen.rendered)
    pen = _pen(state, levels.SITE_OWNER)
    nodes = [tree.node(name) for name in all_names if name not in now_called]
    levels.write_root(pen, nodes, ends=tree.ends, pushed=has_pushes(state))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def _pen(state: BuildState, owner: str) -> Pen:
    known = state.pages_of(owner, trusted=not state.interrupted)
    return Pen(state.site, state.look, owner, known)
