"""What goes wrong when experiments are run, each in one line: what is wrong, the value, and what to do."""

from __future__ import annotations


class LabError(RuntimeError):
    """Something that was started could not be done, or something that was made cannot be read."""


class Refused(LabError):
    """What was asked for is not allowed: nothing was started, and nothing is left behind."""
