"""What a resumed run insists on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli import configuration
from cli.catalogue import find
from deepk.errors import LabError
from deepk.lab import record as records
from deepk.lab.configuration import plain
from deepk.lab.folder import RunFolder
from deepk.lab.record import Record
from deepk.lab.resuming import continued


@pytest.fixture
def config() -> Any:
    entry = find("eoc-training")
    with configuration.session(entry) as hydra:
        return configuration.compose(hydra, entry, "smoke", [])


@pytest.fixture
def failed(tmp_path: Path, config: Any) -> RunFolder:
    """A folder whose run failed."""
    record = Record(
        experiment="eoc-training",
        scale="smoke",
        config_hash=records.config_hash(plain(config)),
        status="failed",
        error="the disk was full",
        data={"name": "digits", "sha256": "old"},
    )
    folder = RunFolder(tmp_path)
    record.save(folder)
    return folder


def test_a_run_that_goes_on_is_running_again_and_says_what_it_was(failed: RunFolder, config: Any) -> None:
    with failed.hold():
        continued(failed, config, {"name": "digits", "sha256": "old"})
        record = records.load(failed)
    assert (record.status, record.error) == ("running", "")
    assert [entry["was"] for entry in record.resumed] == ["failed"]


def test_other_images_are_refused_with_both_checksums(failed: RunFolder, config: Any) -> None:
    with pytest.raises(LabError, match="was begun with other images: old, not new"):
        continued(failed, config, {"name": "digits", "sha256": "new"})
    assert records.load(failed).status == "failed"
