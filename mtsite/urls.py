"""Where each page lies, and back: the only place that turns a name into a path.

All paths are relative to the site's root, with '/' between segments, ASCII only. The rule
(docs/urls.md): characters outside `A–Z a–z 0–9 . _ - = , @` become `~XX` (bytes in hex); a leading
`_` or `.` and names that the tree uses itself have their first character escaped; a segment over
120 bytes ends in `~~` + 32 hex of the SHA-256 of the whole name; a path over 900 bytes ends in one
segment `~~` + 32 hex of the rest.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from mtsite.model import RunKey, TestName

SEGMENT_BYTES = 120
PATH_BYTES = 900
JOB_PAGES = 40
RESERVED = frozenset(
    "index.html index.json latest.html last-good.html last-failed.html robots.txt 404.html"
    " badge.svg feed.xml favicon.svg".split()
)
_SAFE = re.compile(rb"[A-Za-z0-9.=,@_-]")
_UNIT = re.compile(r"~[0-9A-F]{2}|[A-Za-z0-9.=,@_-]")
_WHOLE = re.compile(r"(?:~[0-9A-F]{2}|[A-Za-z0-9.=,@_-])+")
_PLAIN = re.compile(r"[A-Za-z0-9=,@-][A-Za-z0-9.=,@_-]{0,119}")
_UNQUOTED = re.compile(r"[A-Za-z0-9.=,@_~/-]*").fullmatch
EMPTY_PART = "~"
EMPTY_KEY_VALUE = "x"


@lru_cache(maxsize=4096)
def segment(name: str) -> str:
    """One path segment for a name; different names give different segments."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    if not name:
        return EMPTY_PART
    raw = _bytes(name)
    units = [chr(b) if _SAFE.match(bytes((b,))) else f"~{b:02X}" for b in raw]
    if name[0] in "_." or name in RESERVED:
        units[0] = f"~{raw[0]:02X}"
    whole = "".join(units)
    if len(whole) <= SEGMENT_BYTES:
        return whole
    return _cut(units, SEGMENT_BYTES - 34) + "~~" + hashlib.sha256(raw).hexdigest()[:32]


def name_of(path_segment: str) -> str | None:
    """The name behind a segment.

    None when it can't be told because the segment was cut, and for what is no name's segment:
    the tree's own (`_tests`, `index.html`), and any other way to write a name.
    """
    if path_segment == EMPTY_PART:
        return ""
    if "~~" in path_segment or not _WHOLE.fullmatch(path_segment):
        return None
    raw = b"".join(
        bytes((int(u[1:], 16),)) if u[0] == "~" else u.encode() for u in _UNIT.findall(path_segment)
    )
    name = raw.decode("utf-8", "surrogateescape")
    return name if segment(name) == path_segment else None


def area_dir(area: str, values: Sequence[str] = ()) -> str:
    """The directory of an area, of a key level, or (all key values given) of a target."""
    return "/".join([segment(area), *(segment(value or EMPTY_KEY_VALUE) for value in values)])


@lru_cache(maxsize=64)
def run_dir(key: RunKey) -> str:
    """The directory of a run, before any bound on the length of a path."""
    return f"{area_dir(key.area, key.target)}/{segment(key.runname)}"


@lru_cache(maxsize=4096)
def test_dir(key: RunKey, name: TestName) -> str:
    """The directory of a test or item in a run, before any bound on the length of a path."""
    return f"{run_dir(key)}/{test_path(name)}"


def test_path(name: TestName) -> str:
    """The same below the directory of any run."""
    testname, item_path = name
    parts = [segment(testname)]
    if item_path:
        parts += [segment(part) for part in item_path.split("/")]
    return "/".join(parts)


def index_page() -> str:
    """The front page of the site."""
    return "index.html"


def area_page(area: str, values: Sequence[str] = ()) -> str:
    """The page of an area, a key level or a target."""
    return page(area_dir(area, values), "index.html")


def node_twin(area: str = "", values: Sequence[str] = ()) -> str:
    """The JSON twin of an area, a key level or a target; of the front page without any."""
    return page(area_dir(area, values), "index.json") if area else "index.json"


def names_page(number: int, area: str = "", values: Sequence[str] = ()) -> str:
    """A part, from 1, of the list of all that lies directly below a node, by name."""
    return page(area_dir(area, values), f"_all/{number}.html") if area else f"_all/{number}.html"


def below_shard(area: str = "", values: Sequence[str] = ()) -> str:
    """The names of all that lies directly below a node, for a script."""
    return page(area_dir(area, values), "_below.js") if area else "_below.js"


def month_page(area: str, target: Sequence[str], month: str, part: int = 0) -> str:
    """The listing of one month ('2026-11') of a target; a long month has parts, from 1.

    Part 0 is the month itself, with the runs that fill no whole part yet.
    """
    name = f"{month}.{part}" if part else month
    return page(area_dir(area, target), f"_runs/{name}.html")


def grid_page(area: str, target: Sequence[str], window: str, part: int = 1) -> str:
    """All tests × the runs of a window: '30', '100' (newest runs), '2026-11', '2026-11-b2'."""
    tail = f"-p{part}" if part > 1 else ""
    return page(area_dir(area, target), f"_runs/grid-{window}{tail}.html")


def grid_file(area: str, target: Sequence[str], name: str) -> str:
    """The grid for programs ('grid.csv', 'grid.json') and for scripts ('grid.js', 'cells.js')."""
    return page(area_dir(area, target), f"_runs/{name}")


def night_page(area: str, night: str, part: int = 1) -> str:
    """Tests × targets of the night that began on a day ('2026-11-19')."""
    tail = f"-p{part}" if part > 1 else ""
    return page(area_dir(area), f"_nights/{night}{tail}.html")


def pointer_page(area: str, target: Sequence[str], which: str) -> str:
    """A redirect page: `which` is 'latest', 'last-good' or 'last-failed'."""
    return page(area_dir(area, target), f"{which}.html")


def history_page(area: str, target: Sequence[str], name: TestName) -> str:
    """The history of one test in one target."""
    return page(f"{area_dir(area, target)}/_tests/{test_path(name)}", "index.html")


def history_part(area: str, target: Sequence[str], name: TestName, part: int) -> str:
    """Older stretches of one test in one target, counted from the oldest; never change again."""
    return page(f"{area_dir(area, target)}/_tests/{test_path(name)}", f"_part/{part:04d}.html")


def badge(area: str, target: Sequence[str]) -> str:
    """How the newest run of a target went, as a small picture for other pages."""
    return page(area_dir(area, target), "badge.svg")


def feed(area: str, target: Sequence[str] = ()) -> str:
    """The newest runs of a target, or of an area, as Atom."""
    return page(area_dir(area, target), "feed.xml")


def run_page(key: RunKey) -> str:
    """The page of a run: its permanent address."""
    return page(run_dir(key), "index.html")


def run_twin(key: RunKey) -> str:
    """The JSON twin of the run page."""
    return page(run_dir(key), "index.json")


def run_list(key: RunKey, number: int) -> str:
    """A page that lists tests of a run, beside the run's page (`number` from 1)."""
    # As long as index.html: a path that is cut is cut at the same place, so they stay neighbours.
    return page(run_dir(key), f"_p{number:03x}.html")


def run_shard(key: RunKey, digest: str) -> str:
    """Tests of a run as its filter loads them; the name is a digest of the content."""
    return page(run_dir(key), f"_shard/{digest}.js")


def run_values(key: RunKey) -> str:
    """What the tests of a run came to, for the page that compares two runs."""
    # As long as index.html: where a path is cut they stay neighbours, so one tells the other.
    return page(run_dir(key), "_values.js")


def relations_file(key: RunKey) -> str:
    """Which tests of a run hang on which; only runs that have such tests have it."""
    return page(run_dir(key), "_relations.json")


def compare_page(there: RunKey, here: RunKey) -> tuple[str, str]:
    """The page that compares any two runs, and the query that names these two."""
    one, other = (run_page(key).removesuffix("/index.html") for key in (there, here))
    return "_compare/index.html", f"?a={one}&b={other}"


def test_page(key: RunKey, name: TestName) -> str:
    """The page of a test or item in a run."""
    return page(test_dir(key, name), "index.html")


def log_page(key: RunKey, name: TestName, log: str) -> str:
    """The page of one log of a test; lines are its fragments `#L120` and `#L120-180`."""
    return page(test_dir(key, name), f"_log/{segment(log)}.html")


def log_part(key: RunKey, name: TestName, log: str, number: int) -> str:
    """One of the pages that have a long log in parts; `number` counts from 1."""
    return page(test_dir(key, name), f"_log/_part/{segment(log)}/{number:04}.html")


def log_index(key: RunKey, name: TestName, log: str, digest: str) -> str:
    """The index of a large log, a shard; `digest` is that of what it says."""
    return page(test_dir(key, name), f"_log/_part/{segment(log)}/{digest}.js")


def hosts_page(part: int = 1) -> str:
    """The list of all hosts; where they are many it has parts."""
    return "_hosts/index.html" if part == 1 else f"_hosts/_all/{part}.html"


def host_page(host: str) -> str:
    """What is known of one host."""
    return f"_hosts/{segment(host)}/index.html"


def repositories_page() -> str:
    """The list of all repositories that runs name, or whose pushes are known."""
    return "_pushes/index.html"


def pushes_page(repository: str, part: int | None = None) -> str:
    """The newest pushes of a repository; `part` is one of its list, from 0, the oldest."""
    below = f"_pushes/{segment(repository)}"
    return f"{below}/index.html" if part is None else f"{below}/_part/{part:04d}.html"


def push_page(repository: str, revision: str) -> str:
    """A push by a revision of it; by another than its last one it is led to."""
    name = segment(revision)
    # The list of all has this name.
    return f"_pushes/{segment(repository)}/{'~69ndex' if name == 'index' else name}.html"


def build_page(repository: str, build: str) -> str:
    """A build of a repository by its name."""
    return f"_builds/{segment(repository)}/{segment(build)}.html"


def json_beside(path: str) -> str:
    """The JSON twin of a page of pushes or of a build."""
    return f"{path.removesuffix('.html')}.json"


def search_page() -> str:
    """The search over the whole site."""
    return "_search/index.html"


def search_shard(month: str, number: int) -> str:
    """What is searched of the runs of a month ('2026-11'); `number` from 1, the oldest first."""
    return f"_search/{month}-{number}.js"


KNOWN = "known"


def clusters_page(shelf: str = "index") -> str:
    """All failures whose cluster begins with these two digits; without any the newest ones.

    `KNOWN` names the page of known issues.
    """
    return f"_clusters/{shelf}.html"


def leaving_page() -> str:
    """What leaves next, what is held and what has ended."""
    return "_gone/index.html"


def jobs_page() -> str:
    """The jobs of the site: what ran, what comes next. Volatile, as all below `_jobs/`."""
    return "_jobs/index.html"


def job_page(job: str, number: int) -> str:
    """The page of one run of a job. There are `JOB_PAGES` per job, used in turn.

    So a destination never holds more of them, and none has to be deleted there.
    """
    return f"_jobs/{segment(job)}-{number % JOB_PAGES:02d}.html"


def rules_page() -> str:
    """The catalogue of all that log rules can say; `rule_anchor` is a place on it."""
    return "_rules/index.html"


def rule_anchor(code: str) -> str:
    """The fragment of a code ("family/what") in the catalogue; two codes never share one."""
    return segment(code)


def record_file(key: RunKey) -> str:
    """Where the record of a run lies. A leading `_` keeps it apart from every name."""
    return page(f"_record/{run_dir(key)}", "_run.json")


def blob_file(digest: str, extension: str) -> str:
    """Where an immutable blob lies; `digest` is 64 hex of its uncompressed text."""
    return f"_blobs/{digest[:2]}/{digest}.{extension}"


def blob_digest(path: str) -> str:
    """The digest that the path of a blob names."""
    return path.rpartition("/")[2].partition(".")[0]


def page(directory: str, tail: str) -> str:
    """A file below a directory, kept to 900 bytes by a digest in place of the directory's end."""
    whole = f"{directory}/{tail}"
    if len(whole) <= PATH_BYTES:
        return whole
    segments = directory.split("/")
    room = PATH_BYTES - len(tail) - 36
    kept = 0
    used = 0
    while kept < len(segments) and used + len(segments[kept]) + 1 <= room:
        used += len(segments[kept]) + 1
        kept += 1
    rest = hashlib.sha256("/".join(segments[kept:]).encode()).hexdigest()[:32]
    return "/".join([*segments[:kept], f"~~{rest}", tail])


def relative(source: str, destination: str) -> str:
    """The link from one page of the site to another, percent-encoded where a browser needs it."""
    for directory, up in _ways_up(source[: source.rfind("/") + 1]):
        if destination.startswith(directory):
            link = up + destination[len(directory) :]
            return link if _UNQUOTED(link) else quote(link, safe="/~=,@")
    raise AssertionError("the root is above every page")


@lru_cache(maxsize=1024)
def _ways_up(directory: str) -> tuple[tuple[str, str], ...]:
    """A directory ('a/b/') and those above it to the root (''), each with the link to it."""
    segments = directory.split("/")[:-1]
    above = ("".join(f"{s}/" for s in segments[:depth]) for depth in range(len(segments), -1, -1))
    return tuple((one, "../" * ups) for ups, one in enumerate(above))


def _bytes(name: str) -> bytes:
    """The bytes that the name was read from; they, not its characters, are its identity."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # A lone surrogate of JSON: no bytes decode to it, its own are the nearest there is.
        return b"".join(
            c.encode("utf-8", "surrogateescape" if "\udc80" <= c <= "\udcff" else "surrogatepass")
            for c in name
        )


def _cut(units: Sequence[str], limit: int) -> str:
    kept: list[str] = []
    used = 0
    for unit in units:
        if used + len(unit) > limit:
            break
        kept.append(unit)
        used += len(unit)
    return "".join(kept)
