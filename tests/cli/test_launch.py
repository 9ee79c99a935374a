"""What a resumed run insists on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli import configuration
from cli.errors import CommandError
from cli.launch import continued
from deepk.lab import record as records
from deepk.lab import store
from deepk.lab.contract import plain
from deepk.lab.record import Record


@pytest.fixture
def config() -> Any:
    with configuration.session("eoc-training") as hydra:
        return configuration.compose(hydra, "eoc-training", "smoke", [])


@pytest.fixture
def failed(tmp_path: Path, config: Any) -> Path:
    """A folder whose run failed."""
    record = Record(
        experiment="eoc-training",
        scale="smoke",
        config_hash=records.config_hash(plain(config)),
        status="failed",
        error="the disk was full",
        data={"name": "digits", "sha256": "old"},
    )
    record.save(tmp_path)
    return tmp_path


def test_a_run_that_goes_on_is_running_again_and_says_what_it_was(failed: Path, config: Any) -> None:
    with store.hold(failed):
        continued(failed, config, {"name": "digits", "sha256": "old"})
        record = records.load(failed)
    assert (record.status, record.error) == ("running", "")
    assert [entry["was"] for entry in record.resumed] == ["failed"]


def test_other_images_are_refused_with_both_checksums(failed: Path, config: Any) -> None:
    with pytest.raises(CommandError, match="was begun with other images: old, not new"):
        continued(failed, config, {"name": "digits", "sha256": "new"})
    assert records.load(failed).status == "failed"
