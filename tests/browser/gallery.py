"""Every page kind from handmade records: `python tests/browser/gallery.py OUT` writes the pages
to OUT/site and screenshots (light, dark; 1400 and 390 px) to OUT.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from browser import (  # noqa: E402
    attached,
    gallery_levels,
    gallery_shards,
    headless,
    jobs,
    known_runs,
    log_site,
    odd_runs,
    odd_tests,
    past_records,
    pieces,
    push_records,
    records,
    rehearsals,
    side_records,
    waiting_runs,
)
from browser.gallery_levels import Page  # noqa: E402

from mtsite import rollup, urls  # noqa: E402
from mtsite.build.catalogue import families_of  # noqa: E402
from mtsite.build.theme import Theme  # noqa: E402
from mtsite.config import LogsConfig  # noqa: E402
from mtsite.model import RunKey  # noqa: E402
from mtsite.onhosts import Numbers, hosts_of  # noqa: E402
from mtsite.pages import (  # noqa: E402
    catalogue,
    cluster,
    coming,
    compare,
    comparing,
    disagreement,
    gone,
    host,
    hosts,
    index,
    issues,
    job,
    leaving,
    log,
    notfound,
    redirect,
    run,
    run_tests,
    search,
    strange,
    test,
)
from mtsite.pages.beside import Beside, RunLink  # noqa: E402
from mtsite.pages.place import RunPlace  # noqa: E402
from mtsite.pages.run_list import RunList  # noqa: E402

FRAME = gallery_levels.FRAME
BESIDE = Beside(
    links=(("Build log of the area", "https://ci.example/chipyard/ww47.5"),),
    leaving=True,
    related=(
        RunLink(
            "retry-of",
            "ww47.4",
            urls.run_page(RunKey(records.AREA, records.TARGET, "ww47.4")),
            "F",
        ),
        RunLink("depends-on", "tools/x86/b31"),
    ),
)


def pages() -> Iterator[Page]:
    """(path, template, context) of each page of the gallery's site."""
    night = records.Night()
    runs = past_records.past(night)
    nodes = past_records.nodes(night)
    yield urls.index_page(), index.TEMPLATE, index.context(FRAME, nodes, ends=True)
    yield from gallery_levels.tree(night)
    yield gallery_levels.night_of(night)
    yield from _run_pages(night)
    yield from _run_pages(records.Night(seed=3, runname="hostile", hostile=True), 80)
    yield from _odd_pages(odd_tests.Odd())
    yield from _known_pages()
    yield from _run_pages(waiting_runs.small())
    # The first two, on which the other 500 hang.
    yield from _run_pages(waiting_runs.fans(), 2)
    yield from _attached_pages()
    for odd in odd_runs.every_odd_run().values():
        yield from run_pages(odd)
    yield _log_page(night, ("pcie_retry_smoke", ""))
    stub = replace(
        night.record,
        key=replace(night.key, runname="ww01.1"),
        summary=night.summary,
        gone="expired on 2026-05-01 by rule rows = 180d",
    )
    yield urls.run_page(stub.key), gone.TEMPLATE, gone.context(FRAME, stub)
    name = ("pcie_retry_smoke", "")
    yield urls.test_page(stub.key, name), gone.TEMPLATE, gone.test_context(FRAME, stub, name)
    departures = side_records.departures(night)
    yield urls.leaving_page(), leaving.TEMPLATE, leaving.context(FRAME, departures)
    early = replace(night.key, runname="ww02.1")
    path = urls.run_page(early)
    yield path, coming.TEMPLATE, coming.context(FRAME, early, records.KEYS, path)
    yield from _job_pages()
    meanings = list(families_of(LogsConfig()))
    yield urls.rules_page(), catalogue.TEMPLATE, catalogue.context(FRAME, meanings)
    alike = side_records.clusters(night)
    yield urls.clusters_page(), cluster.TEMPLATE, cluster.newest_context(FRAME, alike)
    path = urls.clusters_page(urls.KNOWN)
    yield path, issues.TEMPLATE, issues.context(FRAME, known_runs.RULES, known_runs.fittings())
    path = urls.clusters_page("ab")
    yield path, cluster.TEMPLATE, cluster.shelf_context(FRAME, "ab", alike, len(alike) + 3)
    yield compare.PATH, compare.TEMPLATE, compare.context(FRAME)
    months = {"2026-10": 1, "2026-11": 2}
    yield urls.search_page(), search.TEMPLATE, search.context(FRAME, months)
    yield from _hosts(night)
    yield from push_records.pages()
    yield rehearsals.page()
    yield notfound.PATH, notfound.TEMPLATE, notfound.context(FRAME)
    pointer = urls.pointer_page(records.AREA, records.TARGET, "latest")
    leads = redirect.context(FRAME, pointer, urls.run_page(runs[1].key), "ww47.5, the newest run")
    yield pointer, redirect.TEMPLATE, leads


def _job_pages() -> Iterator[Page]:
    pulse = jobs.pulse()
    yield urls.jobs_page(), job.TEMPLATE, job.context(FRAME, pulse)
    for entry in pulse.history.entries:
        if job.has_page(entry, pulse.history):
            path = urls.job_page(entry.job, entry.number)
            yield path, job.RUN_TEMPLATE, job.run_context(FRAME, entry)


def _hosts(night: records.Night) -> Iterator[Page]:
    """A page for each host of a night's run, one of which stands out, and the list of all."""
    numbers = [
        Numbers(1, 40, 38, 2, 30, 2, 1500, 1400, 1_763_000_000 + 90_000 * n, 0, 3 + n % 5, 9 << 20)
        for n in range(12)
    ]
    past = past_records.past(night)
    everywhere: dict[str, Numbers] = {}
    for one in hosts_of(night.run, night.verdicts):
        runs = [(past[i], replace(n, last=n.first + 7200)) for i, n in enumerate(numbers[::-1], 1)]
        loads = tuple(n for _, n in runs)
        sums = (sum(getattr(n, name) for n in loads) for name in Numbers.__struct_fields__[:8])
        times = (loads[-1].first, loads[0].last, loads[0].load, loads[0].disk)
        total = Numbers(*sums, *times, one.uname)
        if one.host == "lnx07":
            total = replace(total, wrong=61, bad=61)
        everywhere[one.host] = total
        tests = tuple((night.key, ran) for ran in one.tests[: host.MOST_TESTS])
        shown = host.Shown(one.host, total, tuple(runs), tests, loads)
        yield urls.host_page(one.host), host.TEMPLATE, host.context(FRAME, shown)
    (part,) = hosts.parts_of(sorted(everywhere.items()))
    yield urls.hosts_page(), hosts.TEMPLATE, hosts.context(FRAME, part)


def _run_pages(night: records.Night, limit: int = 10_000) -> Iterator[Page]:
    yield from run_pages(night)
    place = RunPlace(FRAME, night.run, night.verdicts, night.facts, night.record)
    for i, one in enumerate(night.run.tests[:limit]):
        kept = night.records[one.name]
        odd = pieces.UNUSUAL if one.testname == "pcie_retry_smoke" else None
        made = test.context(place, i, kept, test.Found(unusual=odd))
        yield urls.test_page(night.key, one.name), test.TEMPLATE, made


def _known_pages() -> Iterator[Page]:
    """A run whose failures are known, but for a few, and one of its tests."""
    night = known_runs.Known()
    yield from run_pages(night)
    place = RunPlace(FRAME, night.run, night.verdicts, night.facts, night.record)
    for name in (("uart_t03", ""), ("spi_t03", ""), ("waived_t0", "")):
        at = [one.name for one in night.run.tests].index(name)
        told = night.known.get(name, ())
        made = test.context(place, at, night.records[name], test.Found(known=told))
        yield urls.test_page(night.key, name), test.TEMPLATE, made


def _odd_pages(night: odd_tests.Odd) -> Iterator[Page]:
    place = RunPlace(FRAME, night.run, night.verdicts, night.facts, night.record)
    for name in odd_tests.names().values():
        at = night.at(*name)
        kept = night.records[name]
        made = test.context(place, at, kept)
        yield urls.test_page(night.key, name), test.TEMPLATE, made


def _attached_pages() -> Iterator[Page]:
    night = attached.Attached()
    place = RunPlace(FRAME, night.run, night.verdicts, night.facts)
    for at, one in enumerate(night.run.tests):
        kept = night.records[one.name]
        found = test.Found(heads=attached.heads(kept))
        made = test.context(place, at, kept, found)
        yield urls.test_page(night.key, one.name), test.TEMPLATE, made


def run_pages(night: records.Night, beside: Beside = BESIDE) -> Iterator[Page]:
    """The page of a run with the list pages that it leads to."""
    shown, listed = divided(night)
    made = run.context(FRAME, shown, listed, beside)
    yield urls.run_page(night.key), run.TEMPLATE, made
    for i, page in enumerate(listed.lists):
        yield page.path, run_tests.TEMPLATE, run_tests.context(FRAME, night.run, listed, i)


def divided(night: records.Night) -> tuple[run.Shown, RunList]:
    """A night as its page sees it, and where its tests are shown."""
    letters = [str(verdict) for verdict in night.verdicts]
    differences = disagreement.of_all(night.run, letters, night.record)
    kept = (night.record, night.facts, night.summary)
    shown = run.Shown(night.run, letters, *kept, differences, getattr(night, "known", {}))
    return shown, run.divide(shown)


def _log_page(night: records.Night, name: tuple[str, str]) -> Page:
    kept = night.records[name]
    first = kept.logs[0]
    verdict = rollup.Verdict(kept.verdict)
    found = [replace(f, first_line=1482, last_line=1485) for f in first.findings]
    extra = replace(
        found[0],
        first_line=844,
        last_line=844,
        level="WARNING",
        excerpt="UVM_WARNING @ 104656 ns: credit low",
    )
    taken = replace(
        first, findings=(*found, extra), lines=1700, redacted={"aws-key": 1}, broken_bytes=16
    )
    siblings = [each.name for each in kept.logs if each.blob]
    made = log.context(
        FRAME,
        night.key,
        name,
        verdict,
        taken,
        side_records.log_text(),
        keys=records.KEYS,
        siblings=siblings,
    )
    path = urls.log_page(night.key, name, first.name)
    made["unusual"] = strange.shown(night.key, pieces.UNUSUAL, path)
    return path, log.TEMPLATE, made


def write_site(out: Path) -> list[str]:
    """Write all pages, twins and assets below `out`; the paths of the pages."""
    theme = Theme()
    paths = []
    for path, template, context in pages():
        _write(out / path, theme.render(template, context))
        paths.append(path)
    night = records.Night()
    odd = [one for each in odd_runs.every_odd_run().values() for one in divided(each)[1].shards]
    for path, content in (*theme.assets().items(), *odd, *gallery_shards.shards(night)):
        _write(out / path, content)
    twin = run.twin(night.run, night.verdicts, night.record, night.facts, night.summary)
    _write(out / urls.run_twin(night.key), json.dumps(twin).encode())
    hostile = records.Night(seed=3, runname="hostile", hostile=True)
    for one in (night, records.Night(seed=9, runname="ww47.4"), hostile):
        letters = [str(verdict) for verdict in one.verdicts]
        _write(out / urls.run_values(one.key), comparing.values_shard(one.run, letters))
    _write(out / rehearsals.TWIN, rehearsals.twin())
    log_site.write_example(out)
    attached.write_blobs(out)
    return paths


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def shots() -> dict[str, str]:
    """Name of a screenshot → path of its page."""
    night = records.Night()
    leaf = (records.AREA, records.TARGET)
    hostile = RunKey(*leaf, "hostile")
    return {
        "index": urls.index_page(),
        "area": urls.area_page(records.AREA),
        "target": urls.area_page(*leaf),
        "grid": urls.grid_page(*leaf, "30"),
        "grid-measured": urls.grid_page(*leaf, "100"),
        "grid-month": urls.grid_page(*leaf, "2026-11"),
        "night": urls.night_page(records.AREA, "2026-11-19"),
        "month": urls.month_page(*leaf, "2026-11"),
        "wide": urls.area_page(records.AREA, ("pool",)),
        "names": urls.names_page(1, records.AREA, ("pool",)),
        "run": urls.run_page(night.key),
        "test": urls.test_page(night.key, ("pcie_retry_smoke", "")),
        "item": urls.test_page(night.key, ("synth_sweep", "corner=ss,v=0.65")),
        "toplevel": urls.test_page(night.key, ("synth_sweep", "")),
        "log": urls.log_page(night.key, ("pcie_retry_smoke", ""), "sim.log") + "#L1470-1484",
        "logz": log_site.PAGE,
        "log-part": urls.log_part(log_site.KEY, ("big", ""), "sim.log", 1),
        "log-unusual": urls.log_page(night.key, ("pcie_retry_smoke", ""), "sim.log")
        + "?view=unusual",
        "history": urls.history_page(*leaf, ("pcie_retry_smoke", "")),
        "history-items": urls.history_page(*leaf, (gallery_levels.ITERATED, "")),
        "gone": urls.run_page(RunKey(*leaf, "ww01.1")),
        "gone-test": urls.test_page(RunKey(*leaf, "ww01.1"), ("pcie_retry_smoke", "")),
        "coming": urls.run_page(RunKey(*leaf, "ww02.1")),
        "leaving": urls.leaving_page(),
        "jobs": urls.jobs_page(),
        "job": urls.job_page("nightly", 60),
        "catalogue": urls.rules_page() + "#migration~2Ftoo-long",
        "clusters": urls.clusters_page(),
        "shelf": urls.clusters_page("ab"),
        "known": urls.clusters_page(urls.KNOWN),
        "run-known": urls.run_page(known_runs.KEY),
        "test-known": urls.test_page(known_runs.KEY, ("uart_t03", "")),
        "test-waived": urls.test_page(known_runs.KEY, ("waived_t0", "")),
        "run-waits": urls.run_page(waiting_runs.small().key),
        "run-fans": urls.run_page(waiting_runs.fans().key) + "#order",
        "test-blocked": urls.test_page(waiting_runs.small().key, ("smoke", "")),
        "test-waits": urls.test_page(waiting_runs.small().key, ("deploy", "")) + "#relations",
        "test-fan-in": urls.test_page(waiting_runs.fans().key, ("a_report", "")) + "#relations",
        **{f"attached-{name}": attached.page(name) for name in attached.HARMLESS},
        "compare": "".join(urls.compare_page(replace(night.key, runname="ww47.4"), night.key)),
        "gate": rehearsals.PATH,
        "search": urls.search_page() + "?q=pcie",
        "search-bad": urls.search_page() + "?q=s:bad host:lnx0*",
        "hosts": urls.hosts_page(),
        "host": urls.host_page("lnx07"),
        "pushes": urls.repositories_page(),
        "push-list": urls.pushes_page(push_records.REPOSITORY),
        "push-part": urls.pushes_page(push_records.REPOSITORY, 0),
        "push": push_records.push_path(75),
        "push-hostile": urls.push_page(push_records.ODD, records.HOSTILE[0]),
        "build": urls.build_page(push_records.REPOSITORY, push_records.BUILD),
        "notfound": "404.html",
        "hostile": urls.run_page(hostile),
        **{f"run-{name}": urls.run_page(RunKey(*leaf, name)) for name in odd_runs.NAMES},
        "run-many5000-list": urls.run_list(RunKey(*leaf, "many5000"), 2),
        "run-all_bad-list": urls.run_list(RunKey(*leaf, "all_bad"), 2),
        "run-many5000-filtered": urls.run_page(RunKey(*leaf, "many5000")) + "#q=s:fail%20new",
    } | {
        name: urls.test_page(replace(night.key, runname="odd"), test)
        for name, test in odd_tests.names().items()
    }


def main(out: Path, wanted: list[str]) -> None:
    write_site(out / "site")
    with headless.opened() as browser:
        for scheme in ("light", "dark"):
            for width, height in ((1400, 900), (390, 844)):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page = context.new_page()
                for name, path in shots().items():
                    if wanted and name not in wanted:
                        continue
                    at = min((i for i in map(path.find, "?#") if i >= 0), default=len(path))
                    path, tail = path[:at], path[at:]
                    page.goto((out / "site" / path).as_uri() + tail)
                    file = out / f"{name}-{width}-{scheme}.png"
                    _shoot(page, file, width, whole=not tail)
                context.close()


def _shoot(page: Any, file: Path, width: int, *, whole: bool) -> None:
    if not whole:
        page.screenshot(path=str(file))
        return
    clip = {"x": 0, "y": 0, "width": width, "height": 1500}
    page.screenshot(path=str(file), clip=clip, full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
