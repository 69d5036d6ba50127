"""A test that some runs did not have: nothing links to pages of it that never were."""

from pathlib import Path

from areas import datum, make_area, run, test
from crawl import crawl
from sites import make_site


def test_values_over_runs_link_only_to_runs_that_had_the_test(tmp_path: Path) -> None:
    runs = [
        run(
            "u/n",
            f"w{number}",
            [test("always")]
            + ([test("b", data=[datum("c", "v", value=number)])] if number != 1 else []),
        )
        for number in range(4)
    ]
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", make_area(tmp_path, runs=runs))
    site.build()
    page = next(site.tree.glob("*/u/n/w3/b/index.html")).read_text("utf-8")
    assert '<th scope="row"><bdi>w1</bdi></th>' in page
    assert "../../w2/b/index.html" in page
    assert crawl(site.tree).dead == []
