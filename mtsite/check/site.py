"""The verb `check_site`: what of the tree moved is read, and what is wrong with it is told."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from msgspec import Struct, field

from mtsite import lock
from mtsite.atomicfile import TEMPORARY_PREFIX
from mtsite.check.files import FileReader, Limits, Looked, link_number
from mtsite.check.remembered import Remembered
from mtsite.check.rules import RULES, Finding, PageIds
from mtsite.config import Config
from mtsite.engines.engine import Engine
from mtsite.errors import MissingError
from mtsite.manifest import FILE as MANIFEST_FILE
from mtsite.manifest import Manifest
from mtsite.treefiles import on_disk

FORMAT = "2"
BATCH = 64
STORES = ("_record/", "_blobs/")
VOLATILE = ("_status.json", "_status.js", "_jobs")
ENTRANCES = frozenset({"index.html", "404.html", "_compare/index.html"})
"""Pages that need nobody to lead to them; runs are compared from pages of later runs only."""


Report = Callable[[str, int, int], None]


class Wishes(Struct, frozen=True):
    """What one check is asked for.

    `levels` has rule → error, warn or off. `changed` looks only at what moved since the last check
    of the same rules, and leaves orphans out. `keep`: remember what was learnt.
    """

    levels: Mapping[str, str]
    schemas: Path
    changed: bool = False
    keep: bool = True


class CheckSummary(Struct):
    """What a check found. `looked` files were read, `elsewhere` are at the destination only."""

    files: int = 0
    looked: int = 0
    elsewhere: int = 0
    findings: list[tuple[str, Finding]] = field(default_factory=list)

    def count(self, level: str) -> int:
        """How many findings have this level."""
        return sum(one == level for one, _ in self.findings)

    def by_rule(self, level: str) -> Counter[str]:
        """How many findings of this level each rule has."""
        return Counter(found.rule for one, found in self.findings if one == level)


def check_site(config: Config, engine: Engine, report: Report, wishes: Wishes) -> CheckSummary:
    """Look at the built tree; nothing in it is changed.

    Raises:
        MissingError: nothing was built.
        BusyError: a build of this site is going on.
    """
    if not (config.state_dir / MANIFEST_FILE).exists():
        raise MissingError(f"nothing is built in {config.site.output}", "run `mtsite build` first")
    with (
        lock.hold(config.state_dir, "build", "mtsite check"),
        Manifest.open(config.state_dir) as manifest,
        Remembered.open(config.state_dir, keep=wishes.keep) as known,
    ):
        return _Check(config, engine, report, wishes, manifest, known).run()


class _Check:
    """One check while it goes on."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        report: Report,
        wishes: Wishes,
        manifest: Manifest,
        known: Remembered,
    ) -> None:
        self._site = config.site.output
        self._lets_go = config.site.keep_local is not None
        self._engine = engine
        self._report = report
        self._wishes = wishes
        self._manifest = manifest
        self._known = known
        own = tuple((rule.name, rule.regex) for rule in config.redact.own)
        redact = (config.redact.rules, own, config.redact.allow)
        rules = frozenset(rule for rule, level in wishes.levels.items() if level != "off")
        limits = Limits(config.check.page, config.check.style, config.check.script)
        self._rules = rules
        base = config.site.base_url
        self._reader = FileReader(self._site, wishes.schemas, rules, redact, limits, base)
        told = (FORMAT, sorted(rules), redact, limits, base, self._lets_go, _stamps(wishes.schemas))
        self._made_from = hashlib.sha256(repr(told).encode()).hexdigest()
        self._summary = CheckSummary()
        self._ids: dict[str, PageIds] = {}
        self._names: dict[frozenset[str], frozenset[str]] = {}
        self._waiting: dict[str, dict[str, list[str]]] = {}
        self._linked: set[str] = set()

    def run(self) -> CheckSummary:
        revision = self._manifest.revision()
        before = self._known.stands_for(self._made_from) if self._wishes.changed else ""
        changed = self._manifest.changed_since(before) if before else None
        self._known.begin()
        if changed is None:
            self._look_at_all()
        else:
            self._look_at_changes(changed)
        self._known.finish(self._made_from, revision)
        for one in self._known.findings():
            level = self._wishes.levels.get(one.rule, "off")
            if level != "off":
                self._summary.findings.append((level, one))
        order = list(RULES)
        self._summary.findings.sort(key=lambda f: (order.index(f[1].rule), f[1].path, f[1].told))
        return self._summary

    def _look_at_all(self) -> None:
        self._known.clear()
        paths = [path for path, _, _ in self._manifest.tree()]
        paths += [path for path in self._volatile() if not self._manifest.holds(path)]
        there = set(paths)
        self._summary.files = len(paths)
        for looked in self._looks(paths):
            self._judge(looked, there)
            self._known.note(looked)
        self._judge_places()
        if "orphans" in self._rules and not self._wishes.changed:
            self._known.note_findings(self._orphans(there))

    def _look_at_changes(self, changed: Collection[str]) -> None:
        there = _There(self._manifest, self._site)
        volatile = list(self._volatile())
        vanished = [path for path in changed if path not in there]
        self._known.forget(vanished, pages=True)
        # Which files nobody asked for takes a look at all of them.
        self._known.forget_rule("orphans")
        first = {path for path in changed if path in there} | set(volatile)
        first |= {one.path for one in self._known.findings() if one.path in there}
        stirred = {number for path in vanished for number in _numbers(path)}
        for looked in self._looks(sorted(first)):
            self._known.forget([looked.path])
            self._judge(looked, there)
            if looked.is_here and self._known.note(looked):
                stirred.add(link_number(looked.path, "#"))
        second = {path for path in self._known.leading_to(stirred) if path not in first}
        for looked in self._looks(sorted(second)):
            self._known.forget([looked.path])
            self._judge(looked, there)
        for looked in self._looks(sorted(self._waiting.keys() - self._ids.keys())):
            self._keep_ids(looked)
        self._judge_places()
        self._summary.files = len(first | second)

    def _looks(self, paths: list[str]) -> Iterator[Looked]:
        """Each of these files, as it was looked at."""
        waiting = iter(paths)
        batches = iter(lambda: tuple(islice(waiting, BATCH)), ())
        done = 0
        for outcome in self._engine.map(self._reader, batches):
            if outcome.returned is None:
                yield from (self._failed(path, outcome.error) for path in outcome.task)
            else:
                yield from outcome.returned
            done += len(outcome.task)
            self._report("checking", done, len(paths))

    def _failed(self, path: str, error: str) -> Looked:
        last = error.strip().rsplit("\n", 1)[-1]
        return Looked(path, findings=(Finding("links", path, f"can't be checked: {last}"),))

    def _judge(self, looked: Looked, there: "Collection[str] | _There") -> None:
        path = looked.path
        if not looked.is_here:
            self._judge_absent(path)
            return
        self._summary.looked += 1
        self._keep_ids(looked)
        findings = [one for one in looked.findings if one.rule in self._rules]
        if "links" in self._rules:
            findings += [
                Finding("links", path, _dead(one)) for one in looked.targets if one not in there
            ]
        self._linked.update(looked.targets)
        for target, fragment in looked.places:
            if target.endswith(".html") and target in there:
                self._waiting.setdefault(target, {}).setdefault(fragment, []).append(path)
        self._known.note_findings(findings)

    def _judge_absent(self, path: str) -> None:
        if self._lets_go and not path.startswith(STORES):
            self._summary.elsewhere += 1
        elif "links" in self._rules:
            told = "the build made it, and it is not on this disk: `mtsite build --full` helps"
            self._known.note_findings([Finding("links", path, told)])

    def _keep_ids(self, looked: Looked) -> None:
        if looked.is_here and looked.path.endswith(".html"):
            names = self._names.setdefault(looked.ids.names, looked.ids.names)
            self._ids[looked.path] = looked.ids._replace(names=names)

    def _judge_places(self) -> None:
        """The fragments of links, once the pages that they lead to were read."""
        if "fragments" not in self._rules:
            return
        for target, fragments in self._waiting.items():
            ids = self._ids.get(target)
            for fragment, sources in fragments.items():
                # A page that is at the destination only can't be asked.
                if ids is not None and not ids.holds(fragment):
                    told = f"no place #{fragment} on {target}"
                    self._known.note_findings(Finding("fragments", one, told) for one in sources)

    def _orphans(self, there: Collection[str]) -> Iterator[Finding]:
        for path in sorted(on_disk(self._site)):
            if path not in there and not path.startswith("_manifest/"):
                left = TEMPORARY_PREFIX in path
                told = "a write that was killed left it" if left else "no build made it"
                yield Finding("orphans", path, told)
        for path in sorted(self._ids.keys() - self._linked - ENTRANCES):
            yield Finding("orphans", path, "no page leads to it")

    def _volatile(self) -> Iterator[str]:
        for name in VOLATILE:
            if (self._site / name).is_file():
                yield name
            for path in sorted((self._site / name).rglob("*")):
                if path.is_file() and TEMPORARY_PREFIX not in path.name:
                    yield path.relative_to(self._site).as_posix()


class _There:
    """Which paths the site has, asked one by one."""

    def __init__(self, manifest: Manifest, site: Path) -> None:
        self._manifest = manifest
        self._site = site
        self._asked: dict[str, bool] = {}

    def __contains__(self, path: object) -> bool:
        name = str(path)
        found = self._asked.get(name)
        if found is None:
            found = self._manifest.holds(name) or (
                name.split("/", 1)[0] in VOLATILE and (self._site / name).is_file()
            )
            self._asked[name] = found
        return found


def _numbers(path: str) -> Iterable[int]:
    return link_number(path), link_number(path, "#")


def _dead(target: str) -> str:
    if target.startswith(("/", "..")):
        return f"a link leaves the site: {target.removeprefix('/') or target}"
    return f"a link leads to no file: {target}"


def _stamps(schemas: Path) -> list[tuple[str, int]]:
    return sorted((one.name, one.stat().st_size) for one in schemas.glob("*.json"))
