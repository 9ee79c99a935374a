"""What a finished run says: its claims judged again and its figures drawn again, from its CSV files alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deepk.lab import record as records
from deepk.lab import rules, store
from deepk.lab.claims import count_line, counts, rows, unexplained
from deepk.lab.contract import Entry
from deepk.lab.folder import RunFolder
from deepk.lab.reading import read_groups
from deepk.lab.runner import Group, Tables, altered, draw_groups, judge_groups, note_outputs, remove_figures

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Judgement:
    """A run's claims, judged now.

    Attributes:
        folder: of the run.
        table: the verdicts, in the columns of claims.csv.
        status: of the run; of one that is not done, what it has is judged.
        edited: the files, of tables and configuration, that are no longer those which the run wrote.
        rules: the digest of what judged them.
        change: verdicts that moved, claims that are new, and all, where these rules are newer than the data; else none.
    """

    folder: RunFolder
    table: pd.DataFrame
    status: str
    edited: list[str]
    rules: str
    change: dict[str, int] | None

    @property
    def line(self) -> str:
        """The counts, and whether the rules are newer than the data."""
        return "; ".join([count_line(self.table), *([rules.in_words(self.change)] if self.change else [])])

    @property
    def unexplained(self) -> list[str]:
        """Names of the claims that differ, and are not known to."""
        return unexplained(self.table)

    def as_dict(self) -> dict[str, Any]:
        """What JSON shows."""
        return {
            "run": str(self.folder),
            "count": self.line,
            "counts": counts(self.table),
            "rules": {"digest": self.rules, "newer_than_the_data": self.change is not None, **(self.change or {})},
            "status": self.status,
            "edited": self.edited,
            "unexplained": self.unexplained,
            "claims": rows(self.table),
        }


@dataclass(frozen=True)
class FinishedRun:
    """A run that has data, opened."""

    folder: RunFolder
    entry: Entry
    record: records.Record
    groups: Sequence[Group]

    @staticmethod
    def open(folder: RunFolder, entry: Entry) -> FinishedRun:
        """Raises StoreError where the run has no data yet, or its configuration cannot be read."""
        record = records.load(folder)
        if not folder.table("data").is_file():
            raise store.StoreError(f"{folder} is {record.status} and has no data yet")
        groups = [Group(at, config) for at, config in read_groups(folder.config, entry.config)]
        return FinishedRun(folder, entry, record, groups)

    @cached_property
    def tables(self) -> Tables:
        """The run's tables, as read back from its CSV files."""
        return Tables.read(self.folder)

    def judge(self, *, save: bool = False) -> Judgement:
        """The claims judged again; with `save`, claims.csv and the record are brought up to date.

        The record then says when and by which rules, and keeps the verdicts that the run's own rules gave.
        """
        table = judge_groups(self.entry.experiment, self.tables, self.groups)
        digest = rules.digest(self.entry.experiment)
        first = self.record.first_verdicts or self._stored()
        change = rules.moved(first, table) if digest != self.record.rules else None
        edited = [*altered(self.folder, self.record), *self._edited_config()]
        judgement = Judgement(self.folder, table, self.record.status, edited, digest, change)
        if save:
            self.folder.refuse_live()
            store.write_table(self.folder.claims, table)
            self.record.verdicts = count_line(table)
            self.record.judged = {"at": records.now(), "git": records.git_state(), "rules": digest, **(change or {})}
            self.record.first_verdicts = first if change else {}
            note_outputs(self.folder, self.record, [self.folder.claims])
            self.record.save(self.folder)
        return judgement

    def _edited_config(self) -> list[str]:
        """config.yaml, where it is not the configuration that the run was begun with."""
        if self.record.kind == "sweep":
            return []
        content = yaml.safe_load(self.folder.config.read_text())
        return [] if records.config_hash(content) == self.record.config_hash else [self.folder.config.name]

    def _stored(self) -> dict[str, str]:
        """Name -> verdict, as claims.csv has them; nothing where there is none that can be read."""
        try:
            stored = store.read_table(self.folder.claims)
        except store.StoreError:
            return {}
        if not {"name", "verdict"} <= set(stored.columns):
            return {}
        return dict(zip(stored["name"].astype(str), stored["verdict"].astype(str), strict=True))

    def draw(self) -> list[Path]:
        """The figures drawn again, in place; their new checksums go into the record.

        Those of the record that the experiment draws no more are removed.
        """
        self.folder.refuse_live()
        paths = draw_groups(self.entry.experiment, self.folder, self.tables, self.groups)
        remove_figures(self.folder, self.record, but=paths)
        note_outputs(self.folder, self.record, paths)
        self.record.save(self.folder)
        return paths


def summary(folder: RunFolder) -> dict[str, Any]:
    """A run in a row of a list, from its record alone; one that cannot be read says so."""
    row: dict[str, Any] = {"run": f"{folder.path.parent.name}/{folder.name}"}
    try:
        record = records.load(folder)
    except store.StoreError:
        return {**row, "status": "unreadable"}
    judged = record.judged
    newer = judged.get("moved") is not None and judged.get("rules") != record.rules
    return {
        **row,
        "status": record.status,
        "kind": record.kind,
        "scale": record.scale,
        "started": record.started,
        "seconds": record.seconds,
        "commit": str(record.git.get("commit", ""))[:8] + ("+" if record.git.get("dirty") else ""),
        "rules": rules.in_words(judged) if newer else "",
        "verdicts": record.error or record.verdicts,
        "overrides": " ".join(record.overrides),
    }
