"""The verb `build_site`: the tree brought in line with the areas.

    list the areas → plan → per batch of targets: read runs and logs → facts → pages of runs
                          → pages of targets → levels above → files at the root

A kill anywhere leaves a tree that the next build finishes: see `mtsite.manifest`.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from mtsite import lock
from mtsite.annotations import Annotations, load_annotations
from mtsite.build import clusters, digest, former, levels, listing, sweep, unreadable
from mtsite.build.areawords import area_words, held, keys_of, rhythms, satellites
from mtsite.build.catalogue import write_catalogue
from mtsite.build.clusters import forget_lines, write_clusters
from mtsite.build.coming import write_coming
from mtsite.build.former import names_now, write_former
from mtsite.build.framing import beside_of, frame_of, theme_dirs
from mtsite.build.grids import PLAIN, GridSettings
from mtsite.build.hosts import write_hosts
from mtsite.build.issues import judge_again, judge_of, note_rules
from mtsite.build.judge import rule_set_of
from mtsite.build.leaving import has_leaving_page, write_leaving
from mtsite.build.masked import redactor_of
from mtsite.build.nights import write_nights
from mtsite.build.nodes import TargetNode, Tree
from mtsite.build.pen import Look, Pen, load_theme, theme
from mtsite.build.plan import BuildPlan, due_again, only_areas, plan_build
from mtsite.build.pulse import begin_pulse
from mtsite.build.pushes import has_pushes, tell_pushes, write_pushes
from mtsite.build.runs import rehome_runs, write_runs
from mtsite.build.search import write_search
from mtsite.build.state import BuildFlags, BuildState, BuildSummary, Report
from mtsite.build.targets import TargetTask, TargetWriter, target_owner
from mtsite.build.theme import Theme
from mtsite.build.vanished import write_gone
from mtsite.config import Config
from mtsite.engines.engine import Engine
from mtsite.engines.inprocess import InProcess
from mtsite.errors import MtsiteError
from mtsite.manifest import FILE as MANIFEST_FILE
from mtsite.manifest import RULES_KEY, Manifest
from mtsite.pages import (
    area,
    build,
    catalogue,
    cluster,
    coming,
    compare,
    gone,
    grid,
    history,
    host,
    hosts,
    index,
    issues,
    leaving,
    log,
    month,
    names,
    night,
    notfound,
    part,
    push,
    pushes,
    redirect,
    repositories,
    run,
    run_tests,
    search,
    target,
    test,
)
from mtsite.pages.beside import RunBeside
from mtsite.pages.page import SiteFrame

KINDS = (
    *(index, area, target, grid, night, month, history, run, run_tests, test, log, part),
    *(names, redirect, coming, gone, leaving, catalogue, cluster, compare, notfound, host, hosts),
    *(issues, search, repositories, pushes, push, build),
)
LARGEST_DROP = 0.1
AS_USUAL = BuildFlags()
COMMIT_TARGETS = 16


def build_site(
    config: Config,
    engine: Engine,
    report: Report,
    flags: BuildFlags = AS_USUAL,
    *,
    environ: Mapping[str, str] = os.environ,
) -> BuildSummary:
    """Bring the site in line with the areas; cost follows what changed, not what exists.

    Where [build] time_limit ends it, the tree is whole as far as it goes, and the next build goes
    on: `BuildSummary.left` says with how many runs.

    Raises:
        BusyError: another build of this site is going on.
        MtsiteError: more than a tenth of the known runs would go.
    """
    with (
        lock.hold(config.state_dir, "build", "mtsite build"),
        Manifest.open(config.state_dir) as manifest,
    ):
        state = _start(config, engine, report, manifest, flags)
        state.told(rule_set_of(config.logs).faults)
        state.told(state.annotations.mistakes)
        plan = _plan(state, environ, flags)
        tell_pushes(state)
        _mark_touched(state, plan)
        rehome_runs(state, plan)
        forget_lines(state, plan)
        write_gone(state, plan)
        write_runs(state, plan)
        write_former(state, plan)
        write_coming(state)
        _write_targets(state)
        write_nights(state)
        write_hosts(state)
        write_pushes(state)
        write_leaving(state)
        write_catalogue(state)
        write_clusters(state)
        write_search(state)
        unreadable.forget_wait(state)
        begin_pulse(config)
        _write_levels(state)
        return _finish(state)


def preview_site(
    config: Config, flags: BuildFlags = AS_USUAL, *, environ: Mapping[str, str] = os.environ
) -> dict[str, tuple[int, int]]:
    """What a build would do now: why → how many runs, and how many files are theirs.

    Of a run that has no pages yet the page of each test is counted. Nothing is written but the
    cache of templates.

    Raises:
        MtsiteError: more than a tenth of the known runs would go.
    """
    with TemporaryDirectory(prefix="mtsite-") as scratch:
        if not (config.state_dir / MANIFEST_FILE).exists():
            config = replace(config, state_dir=Path(scratch))
        with Manifest.open(config.state_dir) as manifest:
            state = _know(config, InProcess(1), lambda *_: None, manifest, flags)
            plan = _plan(state, environ, flags)
            found: dict[str, tuple[int, int]] = {}
            planned = {**plan.read, **dict.fromkeys(plan.gone, "gone")}
            planned |= dict.fromkeys(plan.renamed, "area renamed")
            for run_dir, why in planned.items():
                head = state.listed.heads.get(run_dir)
                files = len(manifest.owned(run_dir)) or (head.tests + 1 if head else 1)
                runs, all_files = found.get(why, (0, 0))
                found[why] = (runs + 1, all_files + files)
            return found


def _start(
    config: Config, engine: Engine, report: Report, manifest: Manifest, flags: BuildFlags
) -> BuildState:
    config.site.output.mkdir(parents=True, exist_ok=True)
    first = not (config.site.output / "_record").exists()
    state = _know(config, engine, report, manifest, flags)
    if first:
        manifest.put(RULES_KEY, rule_set_of(config.logs).digest)
    shutil.rmtree(state.spool, ignore_errors=True)
    state.spool.mkdir(parents=True)
    return state


def _know(
    config: Config, engine: Engine, report: Report, manifest: Manifest, flags: BuildFlags
) -> BuildState:
    """Know the tree: from the manifest, else from what lies in the site."""
    site = config.site.output
    frame = frame_of(config)
    dirs, compiled = theme_dirs(config), config.state_dir / "templates"
    beside = beside_of(config)
    loaded = load_theme(dirs, compiled)
    made_from, recipes = _recipes(frame, beside, loaded, manifest)
    recipe = digest.of(sorted(recipes.items()), repr(config.redact), config.reduce.dead_after)
    lost = manifest.holds("index.html") and not (site / "index.html").exists()
    adopted = flags.full or lost or manifest.get("site") != str(site)
    if adopted:
        adopted = sweep.adopt(site, manifest)
        manifest.put("site", str(site))
    look = Look(dirs, compiled, frame, recipes, beside, loaded.templates_digest)
    state = BuildState(config, engine, report, manifest, look, recipe, time.time(), made_from)
    state.annotations = load_annotations(config.root) if config.file else Annotations()
    state.clock = flags.clock
    if config.build.time_limit:
        state.ends = flags.clock() + config.build.time_limit
    state.load_touched()
    state.interrupted = state.interrupted or adopted
    state.all_pages = manifest.get("recipe") != recipe
    state.known = manifest.known_runs()
    return state


def _recipes(
    frame: SiteFrame, beside: RunBeside, theme: Theme, manifest: Manifest
) -> tuple[str, dict[str, str]]:
    """(digest of all template files, recipe per template).

    Which templates a page includes takes parsing all of them: the answer is remembered for as
    long as no file among them moves.
    """
    editions = {kind.TEMPLATE: kind.EDITION for kind in KINDS}
    made_from = digest.of(theme.templates_digest, editions, repr(frame), repr(beside))
    if manifest.get("recipes made from") == made_from:
        remembered: dict[str, str] = json.loads(manifest.get("recipes"))
        return made_from, remembered
    for template in editions:
        # All pages are going to be made: workers then need not compile the same ones again.
        theme.load(template)
    shared = {run.TEMPLATE: repr(beside)}
    return made_from, {
        template: digest.of(edition, theme.recipe(template), repr(frame), shared.get(template, ""))
        for template, edition in editions.items()
    }


def _plan(state: BuildState, environ: Mapping[str, str], flags: BuildFlags) -> BuildPlan:
    """List the areas and find what moved."""
    state.report("listing areas", 0, 0)
    settings = list(state.config.areas.values())
    redactor = redactor_of(state.config.redact)
    state.listed = listing.list_site(settings, environ, state.manifest, redactor)
    state.summary.runs = len(state.listed.heads)
    state.summary.unreadable = len(state.listed.unreadable)
    for name, error in state.listed.unreadable.items():
        state.summary.problems.append(f"area {name}: {error.removeprefix(f'area {name}: ')}")
    state.listed = unreadable.without_marks(state.listed, state.known)
    left_out = frozenset(state.listed.unreadable)
    plan = plan_build(
        state.known,
        state.listed.heads,
        left_out,
        all_pages=state.all_pages,
        names_now=names_now(state.config.areas),
    )
    judge_again(state, plan)
    clusters.gather_again(state, plan)
    if flags.areas:
        whole, plan = plan, only_areas(plan, state.known, state.listed.heads, flags.areas)
        state.skipped = due_again(whole) - due_again(plan)
    standing = sum(not one.gone for one in state.known.values())
    if len(plan.lost) > standing * LARGEST_DROP and not flags.allow_drop:
        raise MtsiteError(
            f"this build would drop {len(plan.lost)} of {standing} known runs,"
            f" the first: {min(plan.lost)}",
            "if that is meant, run `mtsite build --allow-drop`",
        )
    return plan


def _mark_touched(state: BuildState, plan: BuildPlan) -> None:
    """Targets whose pages may change are on disk before the first change: a kill forgets none."""
    heads = state.listed.heads
    for run_dir, why in plan.read.items():
        if why not in {"not sealed", "next run"}:
            state.touch(heads[run_dir].key)
    for run_dir in plan.gone:
        old = state.known.get(run_dir)
        state.touch(old.key if old is not None else heads[run_dir].key)
    for run_dir in plan.renamed:
        state.touch(state.known[run_dir].key)
    unreadable.keep_published(state)
    words = area_words(state)
    told = (sorted(words.items()), satellites(state), held(state), has_leaving_page(state))
    said = digest.of(repr(told))
    state.areas_moved = bool(plan.rehomed) or state.manifest.get("areas") != said
    state.manifest.put("areas", said)
    asked = names_now(state.config.areas) | {
        name: repr((expected, _grids_of(state, name)))
        for name, expected in rhythms(state, words).items()
    }
    before = json.loads(state.manifest.get("asked of targets") or "{}")
    state.manifest.put("asked of targets", json.dumps(asked))
    everything = state.all_pages or state.interrupted
    if everything or before != asked:
        state.touched.update(
            target
            for target in state.manifest.targets()
            if everything or before.get(target[0]) != asked.get(target[0])
        )
    state.save_touched()


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
            _grids_of(state, name),
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
    assets = theme(state.look.dirs, state.look.compiled).assets_digest
    shown = f"{assets} {has_pushes(state)}"
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


def _finish(state: BuildState) -> BuildSummary:
    state.summary.left = len(state.left)
    for name, runs in sorted(state.went_away.items()):
        what = f"area {name}: moved or vanished during the build"
        state.summary.problems.append(f"{what}; {runs} runs of it stay as they were")
    if state.interrupted and not state.unfinished:
        state.summary.removed += sweep.clear(state.site, state.manifest)
    note_rules(state)
    clusters.note_rules(state)
    state.touched = state.unfinished
    state.areas_moved = False
    rules = rule_set_of(state.config.logs).digest
    state.summary.older_rules = state.manifest.get(RULES_KEY) != rules
    state.manifest.put("recipe", state.recipe)
    state.manifest.put("recipes", json.dumps(state.look.recipes))
    state.manifest.put("recipes made from", state.recipes_made_from)
    state.save_touched()
    shutil.rmtree(state.spool, ignore_errors=True)
    return state.summary


def _pen(state: BuildState, owner: str) -> Pen:
    known = state.pages_of(owner, trusted=not state.interrupted)
    return Pen(state.site, state.look, owner, known)


def _grids_of(state: BuildState, area_name: str) -> GridSettings:
    settings = state.config.areas.get(area_name)
    return GridSettings(settings.grid_heads, settings.grid_metric) if settings else PLAIN
