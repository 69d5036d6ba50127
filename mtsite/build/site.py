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

from mtsite import lock
from mtsite.annotations import Annotations, load_annotations
from mtsite.build import clusterrules, digest, listing, quiet, sweep, unreadable
from mtsite.build.areawords import (
    area_words,
    grid_settings,
    has_leaving_page,
    held,
    names_now,
    rhythms,
    satellites,
)
from mtsite.build.clusterrules import forget_lines
from mtsite.build.framing import beside_of, frame_of, theme_dirs
from mtsite.build.issues import judge_again, note_rules
from mtsite.build.judge import rule_set_of
from mtsite.build.masked import redactor_of
from mtsite.build.pen import Look, forget_stale_theme
from mtsite.build.plan import BuildPlan, due_again, only_areas, plan_build
from mtsite.build.pushlogs import tell_pushes
from mtsite.build.recipes import note_recipes, recipes_of
from mtsite.build.runs import rehome_runs, write_runs
from mtsite.build.state import BuildFlags, BuildState, BuildSummary, Report
from mtsite.build.themefiles import ThemeFiles
from mtsite.build.vanished import write_gone
from mtsite.config import Config
from mtsite.engines.engine import Engine
from mtsite.engines.inprocess import InProcess
from mtsite.errors import MtsiteError
from mtsite.manifest import FILE as MANIFEST_FILE
from mtsite.manifest import RULES_KEY, Manifest

LARGEST_DROP = 0.1
AS_USUAL = BuildFlags()


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
        if not quiet.nothing_moved(state):
            # To load all that makes these pages takes longer than to find that none is due.
            from mtsite.build.around import write_around

            write_around(state, plan)
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
    forget_stale_theme(dirs, compiled)
    files = ThemeFiles(dirs)
    made_from, recipes = recipes_of((frame, beside), files, (dirs, compiled), manifest)
    recipe = digest.of(sorted(recipes.items()), repr(config.redact), config.reduce.dead_after)
    lost = manifest.holds("index.html") and not (site / "index.html").exists()
    adopted = flags.full or lost or manifest.get("site") != str(site)
    if adopted:
        adopted = sweep.adopt(site, manifest)
        manifest.put("site", str(site))
    look = Look(dirs, compiled, frame, recipes, beside, files.templates_digest, files.assets_digest)
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
    clusterrules.gather_again(state, plan)
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
        name: repr((expected, grid_settings(state, name)))
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


def _finish(state: BuildState) -> BuildSummary:
    state.summary.left = len(state.left)
    for name, runs in sorted(state.went_away.items()):
        what = f"area {name}: moved or vanished during the build"
        state.summary.problems.append(f"{what}; {runs} runs of it stay as they were")
    if state.interrupted and not state.unfinished:
        state.summary.removed += sweep.clear(state.site, state.manifest)
    note_rules(state)
    clusterrules.note_rules(state)
    state.touched = state.unfinished
    state.areas_moved = False
    rules = rule_set_of(state.config.logs).digest
    state.summary.older_rules = state.manifest.get(RULES_KEY) != rules
    state.manifest.put("recipe", state.recipe)
    note_recipes(state.manifest, state.recipes_made_from, dict(state.look.recipes))
    state.save_touched()
    quiet.note_finished(state)
    shutil.rmtree(state.spool, ignore_errors=True)
    return state.summary
