"""The night that tests of pages look at."""

import pytest
from browser import records


@pytest.fixture(scope="module")
def night() -> records.Night:
    return records.Night()
