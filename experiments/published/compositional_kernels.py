"""What Liang and Tran-Bach 2020 print of their four activations, and the recipe behind it."""

from __future__ import annotations

from dataclasses import dataclass

ARXIV = "arXiv:2004.04767"
PAPER = f"Liang, Tran-Bach 2020 ({ARXIV})"
TABLE = f"{PAPER}, table 2"
PRINTED_DIGIT = 0.005  # half a unit of the last digit of the table

# Algorithm 3 estimates Hermite coefficients by Monte Carlo and keeps those up to 20 ("used throughout"). The number of
# samples is not stated; `activation-duality` shows how far the printed digits agree with 10^5.
TRUNCATION = 20
SAMPLES = 100_000


@dataclass(frozen=True)
class Printed:
    """A column of the table; the slides show mu and a_1^2 of the un-centered ones."""

    mu: float
    a_1_squared: float
    mu_star: float
    xi: float


QUANTITIES = ("mu", "a_1_squared", "mu_star", "xi")
COLUMNS: dict[tuple[str, bool], Printed] = {
    ("relu", False): Printed(0.95, 0.50, 0.48, 1.0),
    ("gelu", False): Printed(1.08, 0.59, 0.39, 0.76),
    ("sigmoid", False): Printed(0.15, 0.15, 0.01, 1.0),
    ("swish", False): Printed(1.07, 0.80, 0.28, 0.66),
    ("relu", True): Printed(1.39, 0.74, 0.69, 0.0),
    ("gelu", True): Printed(1.47, 0.71, 0.89, 0.0),
    ("sigmoid", True): Printed(1.03, 0.99, 0.05, 0.0),
    ("swish", True): Printed(1.22, 0.70, 0.31, 0.0),
}
