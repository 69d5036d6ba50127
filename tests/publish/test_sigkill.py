"""SIGKILL between any two requests to a real server: what readers find, and how it goes on.

A crawl begins at the front page and at every address that was ever published.
"""

import random
from pathlib import Path

import pytest
import s3server
from dying_publisher import Life

pytestmark = pytest.mark.faults
ROUNDS, KILLS = 4, 50


def test_killed_at_every_request_of_a_small_site(s3: s3server.Server, tmp_path: Path) -> None:
    """Each position is met in a publish that adds, changes and drops; the first one adds all."""
    life = Life(s3, tmp_path, threads=1)
    position, killed = 0, 0
    while True:
        lived = life.publish(position)
        life.crawl()
        killed += not lived
        assert life.publish()
        life.check_whole()
        if lived:
            break
        position += 1
        life.generation += 1
    assert killed > 10


@pytest.mark.slow
@pytest.mark.parametrize("chance", range(ROUNDS))
def test_killed_at_random_requests(s3: s3server.Server, tmp_path: Path, chance: int) -> None:
    """Four uploads at a time, so some are under way when the process dies; 200 deaths in all."""
    life = Life(s3, tmp_path, threads=4)
    life.generation = chance * 40
    draw = random.Random(chance)
    assert life.publish()
    killed = 0
    while killed < KILLS:
        life.generation += 1
        died = not life.publish(draw.randrange(life.requests + 3))
        life.crawl()
        killed += died
        while killed < KILLS and draw.random() < 0.6:
            killed += not life.publish(draw.randrange(life.requests))
            life.crawl()
        assert life.publish()
        life.check_whole()
