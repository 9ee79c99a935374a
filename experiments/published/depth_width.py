"""What Chatziafratis, Nagarajan and Panageas print of their experiment, and what their slides say of it."""

from __future__ import annotations

ARXIV = "arXiv:2003.00777"
PAPER = f"Chatziafratis, Nagarajan, Panageas 2020 ({ARXIV})"
SLIDES = f"{PAPER}, slides: experimental section"
SLOPE, SLOPE_DIGIT = 1.618, 0.0005  # of slope |x| - 1, printed for period 3, and half a unit of its last digit
WIDTH, DEPTHS = 20, (1, 2, 3, 4, 5)  # hidden layers for which the bound is drawn
EASY, HARD = 8, 40  # compositions
POINTS, EPOCHS = 10_000, 1500

TELGARSKY = "Telgarsky 2016 (arXiv:1602.04485)"
SHOWN_PIECES = (6, 64)  # compositions and pieces of the slides' picture of the tent map
LAYERS, DEEP_UNITS = 100, 400  # the slides' deep network, against a shallow one of 10000
