"""Data sets of the papers in other encodings than theirs, which a run names instead of passing over."""

from __future__ import annotations

# CIFAR-10 as 60,000 JPEG files, {train,test}/CLASS/NNNN.jpg; by the sha256 of their manifest (`deepk data check`).
RE_ENCODED = {"f10d4c9e536a564f17fa5e8d68ba087d1235e60cd1f21700e11ff43f0647bbb0": "cifar10, re-encoded as JPEG"}
