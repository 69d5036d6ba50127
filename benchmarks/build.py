"""How fast the site is built: full, nothing new, one new run; beside Jinja2 alone and Hugo.

    python benchmarks/build.py [--runs 100] [--tests 200] [--peers] [--memory] [--against COMMIT]

`--against` builds the same area with an earlier commit too, in turn with this one; without a name
it is the first whole site builder, before logs were understood and runs were moved.

Prints one table; docs/performance.md quotes it. Ratios count, seconds depend on the machine.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from big_area import add_runs, make_big_area

FIRST_BUILD = "6fc3d38"
HUGO_PAGES = 4000
JINJA_PAGES = 4000


def main() -> None:
    """Run what was asked for in a temporary directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="Jinja2 alone and Hugo as well")
    parser.add_argument("--memory", action="store_true", help="50 and 200 runs as well")
    parser.add_argument("--against", nargs="?", const=FIRST_BUILD, help="an earlier commit as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        seconds, html = bench_builds(root, given.runs, given.tests, given.rounds)
        if given.peers:
            jinja = JINJA_PAGES / timed(lambda: jinja_line(root / "jinja"), given.rounds)
            hugo = HUGO_PAGES / timed(lambda: hugo_pages(root / "hugo"), given.rounds)
            rate = given.runs * given.tests / seconds
            pages = html / seconds
            print(f"jinja2 line          {jinja:9.0f} pages/s   ours/theirs {rate / jinja:.2f}")
            print(
                f"hugo                 {hugo:9.0f} pages/s   ours/theirs {pages / hugo:.2f}"
                f" (all {html} pages, {pages:.0f}/s)"
            )
        if given.against:
            bench_against(root / "against", given.against, given.runs, given.tests, given.rounds)
        if given.memory:
            small = peak_of(root / "m50", 50, given.tests)
            large = peak_of(root / "m200", 200, given.tests)
            print(
                f"peak memory 50 runs {small:.0f} MB, 200 runs {large:.0f} MB,"
                f" ratio {large / small:.2f}"
            )


def bench_builds(root: Path, runs: int, tests: int, rounds: int) -> tuple[float, int]:
    """Full, nothing new and one new run, whole processes; seconds of the full build, its pages."""
    area = make_big_area(root / "area", runs, tests)
    home = root / "home"
    home.mkdir()
    (home / "mtsite.toml").write_text(f'[site]\ntitle = "bench"\n[areas.big]\npath = "{area}"\n')

    def fresh() -> float:
        put_away(home)
        return build(home)

    full = statistics.median(fresh() for _ in range(rounds))
    names = [name for _, _, names in os.walk(home / "site") for name in names]
    nothing = statistics.median(build(home) for _ in range(5))
    new = []
    for number in range(rounds):
        add_runs(area, range(runs + number, runs + number + 1), tests)
        new.append(build(home))
    one = statistics.median(new)
    count = runs * tests
    print(
        f"full build           {full:9.2f} s   {count / full:.0f} test pages/s,"
        f" {len(names) / full:.0f} files/s, {len(names)} files"
    )
    print(f"nothing new          {nothing:9.2f} s   1/{full / nothing:.0f} of full")
    print(f"one new run          {one:9.2f} s   1/{full / one:.0f} of full")
    return full, sum(name.endswith(".html") for name in names)


def bench_against(root: Path, commit: str, runs: int, tests: int, rounds: int) -> None:
    """This tree and an earlier commit's, in turn: full builds, and builds with one new run."""
    area = make_big_area(root, runs, tests)
    here, there = Path(__file__).parents[1], root / "commit"
    git = ["git", "-C", str(here), "worktree"]
    subprocess.run([*git, "add", "-q", "--detach", str(there), commit], check=True)
    homes = {tree: root / name for tree, name in ((here, "ours"), (there, "theirs"))}
    for home in homes.values():
        home.mkdir()
        toml = f'[site]\ntitle = "bench"\n[areas.big]\npath = "{area}"\n'
        (home / "mtsite.toml").write_text(toml)

    def both(what: str, *, fresh: bool) -> float:
        pair = []
        for tree, home in homes.items():
            if fresh:
                put_away(home)
            os.sync()
            pair.append(build(home, tree))
        print(f"{what:<20} {pair[0]:9.2f} s, {commit} {pair[1]:.2f} s")
        return pair[0] / pair[1]

    try:
        full = statistics.median(both("full build", fresh=True) for _ in range(rounds))
        new = []
        for number in range(rounds):
            add_runs(area, range(runs + number, runs + number + 1), tests)
            new.append(both("one new run", fresh=False))
        one = statistics.median(new)
        print(f"against {commit}      full {full:.2f} x, one new run {one:.2f} x")
    finally:
        subprocess.run([*git, "remove", "--force", str(there)], check=True)


def put_away(home: Path) -> None:
    """Let a home be without a site. Deleted at the end: ext4 looks at each inode that was just
    freed before it takes another, which would be a part of the next build's time.
    """
    beside = Path(tempfile.mkdtemp(prefix="away-", dir=home.parent))
    for name in ("site", ".mtsite"):
        if (home / name).exists():
            (home / name).rename(beside / name)
    os.sync()


def build(home: Path, tree: Path | None = None) -> float:
    """Seconds of one `mtsite build`, start of the program included; `tree`: another mtsite."""
    # As installed: modules are compiled once, not at every start.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if tree is not None:
        environ["PYTHONPATH"] = str(tree)
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "mtsite", "-q", "build"], cwd=home, env=environ, check=True
    )
    return time.monotonic() - started


def peak_of(root: Path, runs: int, tests: int) -> float:
    """Peak resident memory in MB of the largest process of a full build."""
    area = make_big_area(root / "area", runs, tests)
    (root / "mtsite.toml").write_text(f'[site]\ntitle = "bench"\n[areas.big]\npath = "{area}"\n')
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'mtsite', '-q', 'build'], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True
    )
    return int(out.stdout.split()[-1]) / 1024


def timed(work: Callable[[], object], rounds: int) -> float:
    """Median seconds of some rounds."""
    seconds = []
    for _ in range(rounds):
        started = time.monotonic()
        work()
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head>
<body><nav><a href="{{ root }}index.html">areas</a> / {{ target }}</nav>
<h1>{{ title }}</h1>
<table><thead><tr><th>test</th><th>item</th><th>state</th><th>status</th><th>host</th><th>load</th>
<th>time</th><th>log</th><th>comment</th></tr></thead><tbody>
{% for r in rows %}<tr class="{{ r.status }}"><td><a href="{{ r.href }}">{{ r.name }}</a></td>
<td>{{ r.item }}</td><td>{{ r.state }}</td><td>{{ r.status }}</td><td>{{ r.host }}</td>
<td>{{ r.load }}</td><td>{{ r.dur }}</td><td><a href="{{ r.log }}">log</a></td>
<td>{{ r.comment }}</td></tr>
{% endfor %}</tbody></table></body></html>"""


def jinja_line(out: Path) -> None:
    """Jinja2 as anybody would use it: pages with a table of 20 rows and 9 cells, written."""
    import jinja2

    page = jinja2.Environment(autoescape=True).from_string(PAGE)
    rows = [
        {
            "name": f"alu_smoke_{i:02d}",
            "href": f"t{i}/index.html",
            "item": f"ss/0.7{i % 9}",
            "state": "COMPLETED",
            "status": ("PASS", "FAIL", "WARN")[i % 3],
            "host": f"host{i:04d}",
            "load": f"{i / 7:.2f}",
            "dur": f"{i * 37}s",
            "log": f"t{i}/run.log.html",
            "comment": "" if i % 5 else f'expected <0> & got "{i}"',
        }
        for i in range(20)
    ]
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for number in range(JINJA_PAGES):
        text = page.render(title=f"run {number} <&>", root="../../", target="ubuntu/nfs", rows=rows)
        (out / f"{number:06d}.html").write_bytes(text.encode())


def hugo_pages(out: Path) -> None:
    """Hugo (Debian's) on Markdown pages with a table of 20 rows."""
    if not (out / "content").exists():
        (out / "content").mkdir(parents=True)
        (out / "layouts" / "_default").mkdir(parents=True)
        (out / "config.toml").write_text(
            'title = "bench"\ndisableKinds = ["taxonomy", "term", "RSS"]\n'
        )
        layout = "<!doctype html><title>{{ .Title }}</title><h1>{{ .Title }}</h1>{{ .Content }}"
        (out / "layouts/_default/single.html").write_text(layout)
        (out / "layouts/_default/list.html").write_text(layout)
        table = (
            "| test | item | state | status | host | load | time | log | comment |\n" + "|--" * 9
        )
        table += "|\n" + "".join(
            f"| alu_{i} | ss/{i} | COMPLETED | PASS | h{i} | {i} | {i}s | [log](t{i}.html) | x |\n"
            for i in range(20)
        )
        for number in range(HUGO_PAGES):
            text = f'---\ntitle: "run {number}"\n---\n{table}'
            (out / "content" / f"p{number:05d}.md").write_text(text)
    shutil.rmtree(out / "public", ignore_errors=True)
    subprocess.run(["hugo", "--quiet"], cwd=out, check=True)


if __name__ == "__main__":
    main()
