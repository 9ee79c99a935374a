"""What a worker is given before it measures."""

from __future__ import annotations

import os

import pytest

from deepk.lab.pool import pin_gpu


@pytest.mark.parametrize(
    ("visible", "index", "pinned"),
    [("0,1,2", 0, "0"), ("0,1,2", 1, "1"), ("0,1,2", 5, "2"), ("4,7", 1, "7"), ("3", 1, "3")],
)
def test_each_worker_gets_one_of_the_visible_gpus_in_turn(
    monkeypatch: pytest.MonkeyPatch, visible: str, index: int, pinned: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    pin_gpu(index)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == pinned
