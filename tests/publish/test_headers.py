import pytest

from mtsite.publish.headers import IMMUTABLE, REVALIDATED, headers_for

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("a/index.json", "application/json"),
        ("_assets/v1/site.css", "text/css; charset=utf-8"),
        ("_assets/v1/site.js", "text/javascript; charset=utf-8"),
        ("a/badge.svg", "image/svg+xml"),
        ("a/feed.xml", "application/atom+xml; charset=utf-8"),
        ("robots.txt", "text/plain; charset=utf-8"),
        (".nojekyll", "text/plain; charset=utf-8"),
        ("a/no-extension", "text/plain; charset=utf-8"),
        (f"_manifest/ab/{DIGEST}.jsonl.gz", "application/gzip"),
        (f"_blobs/ab/{DIGEST}.txt", "text/plain; charset=utf-8"),
        (f"_blobs/ab/{DIGEST}.logz", "application/gzip"),
        (f"_blobs/ab/{DIGEST}.png", "image/png"),
    ],
)
def test_every_kind_has_its_type(path: str, content_type: str) -> None:
    assert headers_for(path).content_type == content_type


@pytest.mark.parametrize("extension", "html xhtml svg xml js css json HTML db wasm x".split())
def test_a_blob_never_runs(extension: str) -> None:
    found = headers_for(f"_blobs/ab/{DIGEST}.{extension}")
    assert found.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        f"_blobs/ab/{DIGEST}.txt",
        f"_manifest/ab/{DIGEST}.jsonl.gz",
        f"_search/{DIGEST}.json",
        f"_clusters/x/{DIGEST}.json",
    ],
)
def test_what_is_named_by_its_digest_is_immutable(path: str) -> None:
    assert headers_for(path).cache_control == IMMUTABLE


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "_manifest/root.json",
        "_assets/v1/site.css",
        f"_record/a/t/{DIGEST}/_run.json",
        f"a/t/w1/test/_log/{DIGEST}.html",
        f"{DIGEST}/{DIGEST}",
        "_status.json",
    ],
)
def test_all_else_is_asked_for_again(path: str) -> None:
    assert headers_for(path).cache_control == REVALIDATED


def test_text_is_packed_and_pictures_and_archives_are_not() -> None:
    assert headers_for("index.html").compress
    assert headers_for("a/index.json").compress
    assert headers_for(f"_blobs/ab/{DIGEST}.txt").compress
    assert not headers_for(f"_blobs/ab/{DIGEST}.png").compress
    assert not headers_for(f"_blobs/ab/{DIGEST}.logz").compress
    assert not headers_for(f"_manifest/ab/{DIGEST}.jsonl.gz").compress
