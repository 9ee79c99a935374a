"""What the simulations share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Of BLAS, whose threads wait for each other longer than small matrices take."""
    with threadpool_limits(limits=1):
        yield
