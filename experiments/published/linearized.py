"""What the papers on linearized networks say: double descent, the staircase, quadratic targets."""

from __future__ import annotations

DESCENT = "arXiv:1908.05355"
DOUBLE_DESCENT = f"Mei, Montanari 2022 ({DESCENT})"
THEOREM_2 = f"{DOUBLE_DESCENT}, its main theorem"
# Of the same paper: for infinitely many features the best ridge is zero where the signal-to-noise ratio is above
# mu_1^2 / mu_*^2 of the activation.
WIDE_THRESHOLD = f"{DOUBLE_DESCENT}: at infinite width the best ridge is 0 above zeta^2"

STEPS = "arXiv:1904.12191"
STAIRCASE = f"Ghorbani, Mei, Misiakiewicz, Montanari 2021 ({STEPS})"
THEOREMS_STAIRCASE = f"{STAIRCASE}: the risk tends to the power of all degrees above"

LAZY = "arXiv:1906.08899"
LAZY_LIMITS = f"Ghorbani, Mei, Misiakiewicz, Montanari 2019 ({LAZY})"
