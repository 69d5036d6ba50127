"""A way to the server that fails: what arrives, and what is said when nothing does."""

import random
from pathlib import Path

import pytest
import s3server
from failing_proxy import Proxy
from publishing import Publishing, dead_links, small_site

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError
from mtsite.publish import wire
from mtsite.publish.headers import headers_for

ARRIVING = {"truncated", "unheard"}
FAULTS = ["500", "503", "reset", "truncated", "late", "lies", "unheard"]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch, s3: s3server.Server) -> None:
    monkeypatch.setattr(wire, "_LONGEST_PAUSE", 0.02)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)


def site_behind(proxy: Proxy, s3: s3server.Server, root: Path) -> Publishing:
    bucket = s3.make_bucket()
    one = Publishing(root, f"s3://{bucket}/x", PublishConfig(endpoint_url=proxy.endpoint))
    one.build(small_site(runs=10))
    return one


@pytest.mark.parametrize("fault", FAULTS)
def test_everything_arrives_when_one_request_in_twenty_fails(
    fault: str, s3: s3server.Server, tmp_path: Path
) -> None:
    chance = random.Random(fault)
    with Proxy(
        s3.endpoint, lambda n, _: fault if n == 20 or chance.random() < 0.05 else ""
    ) as proxy:
        one = site_behind(proxy, s3, tmp_path / "one")
        one.publish()
        assert proxy.faults
        proxy._plan = lambda _n, _m: ""
        assert one.stored() == one.tree
        one.close()


@pytest.mark.parametrize("fault", ["500", "503", "reset", "truncated", "lies", "unheard"])
def test_when_every_request_fails_the_old_generation_stays_whole(
    fault: str, s3: s3server.Server, tmp_path: Path
) -> None:
    with Proxy(s3.endpoint, lambda _n, _m: "") as proxy:
        one = site_behind(proxy, s3, tmp_path / "one")
        one.publish()
        before = one.stored()
        one.build({path: content + b"<!-- new -->" for path, content in one.tree.items()})
        proxy._plan = lambda _n, method: fault if method == "PUT" else ""
        with pytest.raises(DestinationError) as refused:
            one.publish()
        assert refused.value.exit_code == 12
        assert refused.value.hint
        proxy._plan = lambda _n, _m: ""
        assert not dead_links(one.stored())
        if fault not in ARRIVING:
            assert one.stored() == before
        one.publish()
        assert one.stored() == one.tree
        one.close()


def test_what_breaks_off_on_its_way_back_is_fetched_again(
    s3: s3server.Server, tmp_path: Path
) -> None:
    """Read in pieces, a body that ends early looks whole: its length is compared."""
    with Proxy(s3.endpoint, lambda _n, _m: "") as proxy:
        one = site_behind(proxy, s3, tmp_path / "one")
        content = random.Random(3).randbytes(3_000_000)
        one.destination.put("large", content, headers_for("a.bin"))
        faults = iter(["truncated", "reset"])
        proxy._plan = lambda _n, _m: next(faults, "")
        with (tmp_path / "fetched").open("w+b") as file:
            assert one.destination.fetch("large", file)
            assert file.read() == content
        assert proxy.faults == ["truncated", "reset"]
        one.close()
