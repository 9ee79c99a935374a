"""Points and rates of the edge of chaos: what Hayou, Doucet, Rousseau 2019 and their script print, and exact values.

The exact values are this project's own, by mpmath at 30 digits: Gauss-Legendre and tanh-sinh quadrature of the Gaussian
integrals piece by piece, and a secant iteration to 1e-25 for the fixed points; here rounded to float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ARXIV = "arXiv:1902.06853"
PAPER = f"Hayou, Doucet, Rousseau 2019 ({ARXIV})"
SLIDES = f"{PAPER}, slides"
SCRIPT = f"{PAPER}, the authors' simulation script: Monte Carlo over 500,000 samples"


@dataclass(frozen=True)
class EdgePoint:
    """An exact point on the edge of chaos, solved for at the sigma_b or the q that is `given`."""

    activation: str
    given: Literal["sigma_b", "q"]
    sigma_b: float
    sigma_w: float
    q: float
    beta_q: float


POINTS = (
    EdgePoint("tanh", "sigma_b", 0.05, 1.1225390047695756, 0.15369193582121668, 39.28203514309506),
    EdgePoint("tanh", "sigma_b", 0.1, 1.1934007250243297, 0.27330091345823126, 16.63928848395628),
    EdgePoint("tanh", "sigma_b", 0.2, 1.3041458400565114, 0.5120785042339016, 7.083737824905979),
    EdgePoint("tanh", "sigma_b", 0.3, 1.3955839751549022, 0.7634747669104639, 4.282695221799973),
    EdgePoint("tanh", "sigma_b", 0.5, 1.549673912508167, 1.3179389989721497, 2.242091786847494),
    EdgePoint("tanh", "sigma_b", 1.0, 1.8555891011388919, 3.036396394623703, 0.8897370611924269),
    EdgePoint("tanh", "sigma_b", 2.0, 2.3250249389796633, 7.947506730528761, 0.3243741375867744),
    EdgePoint("tanh", "sigma_b", 5.0, 3.333688470864618, 34.62398733160262, 0.07272454784321288),
    EdgePoint("elu", "sigma_b", 0.05, 1.1318697863131226, 0.18917363302228307, 29.413625027153667),
    EdgePoint("elu", "sigma_b", 0.1, 1.1761484737073744, 0.4378292301281708, 14.81491145064353),
    EdgePoint("elu", "sigma_b", 0.2, 1.2292511241372064, 1.10693054034611, 7.390648821254011),
    EdgePoint("elu", "sigma_b", 0.3, 1.263107845124147, 2.0345384647655127, 4.859736020123508),
    EdgePoint("elu", "sigma_b", 0.5, 1.306111672938035, 4.886626520844932, 2.7835352700650424),
    EdgePoint("elu", "sigma_b", 1.0, 1.3579771771737759, 21.77754992229142, 1.1781768034748041),
    EdgePoint("swish", "sigma_b", 0.05, 1.905013592468525, 0.11363463922626582, 21.49230228189184),
    EdgePoint("swish", "sigma_b", 0.1, 1.8200517222636272, 0.2597125038961832, 11.467404595744554),
    EdgePoint("swish", "sigma_b", 0.2, 1.6795316006916459, 0.689452502913768, 6.359143127564837),
    EdgePoint("swish", "sigma_b", 0.3, 1.5756214387217768, 1.3995947845567158, 4.508492164948087),
    EdgePoint("swish", "sigma_b", 0.5, 1.4569474243526364, 4.4280769540229725, 2.688384643312715),
    EdgePoint("swish", "sigma_b", 1.0, 1.4025124179786508, 39.39459122491024, 0.9238857721201365),
    EdgePoint("shifted-softplus", "q", 0.023838516267622085, 1.9765863951697518, 0.1, 85.86107539616735),
    EdgePoint("shifted-softplus", "q", 0.06579496320620205, 1.9374194895944314, 0.3, 32.2988148160787),
    EdgePoint("shifted-softplus", "q", 0.17626807147988596, 1.8462285453386054, 1.0, 13.086691793214781),
    EdgePoint("shifted-softplus", "q", 0.3649273331107074, 1.7260380729698745, 3.0, 6.928938324848265),
    EdgePoint("shifted-softplus", "q", 0.6734705235925563, 1.6018867598227833, 10.0, 3.9350762078858685),
    EdgePoint("gelu", "q", 0.06321123203180204, 1.81664523410368, 0.1, 11.311708642236173),
    EdgePoint("gelu", "q", 0.2592135696788147, 1.4811144127083482, 1.0, 3.307288041201179),
    EdgePoint("gelu", "q", 0.5687343967348032, 1.3985046030830288, 10.0, 1.0608375472213216),
)

# What the script prints of the edge: (in its comment or in its settings, activation, sigma_b, quantity, printed, half a
# unit of its last digit). The sigma_w of its settings are claims of `eoc-training`.
SCRIPT_POINTS = (
    ("comment", "tanh", 0.05, "sigma_w", 1.1243, 5e-5),
    ("comment", "tanh", 0.05, "q", 0.156, 5e-4),
    ("comment", "tanh", 0.2, "sigma_w", 1.3079, 5e-5),
    ("comment", "tanh", 0.2, "q", 0.5197, 5e-5),
    ("comment", "tanh", 0.5, "sigma_w", 1.5525, 5e-5),
    ("comment", "tanh", 0.5, "q", 1.3259, 5e-5),
    ("comment", "tanh", 1.0, "sigma_w", 1.8576, 5e-5),
    ("comment", "tanh", 1.0, "q", 3.0438, 5e-5),
    ("comment", "tanh", 5.0, "sigma_w", 3.3355, 5e-5),
    ("comment", "tanh", 5.0, "q", 34.636, 5e-4),
    ("settings", "tanh", 0.2, "q", 0.5, 0.05),
    ("settings", "elu", 0.1, "q", 0.44, 5e-3),
)


@dataclass(frozen=True)
class PhasePoint:
    """An exact point of the phase diagram: limiting variance and chi_1; none where the variance diverges."""

    activation: str
    sigma_b: float
    sigma_w: float
    q: float | None
    chi_1: float | None


PHASE_POINTS = (
    PhasePoint("relu", 1.0, 1.0, 2.0, 0.5),
    PhasePoint("tanh", 1.0, 1.0, 1.4638508911025473, 0.3988790065437358),
    PhasePoint("elu", 1.0, 1.0, 2.4330350390264584, 0.6175255658474895),
    PhasePoint("shifted-softplus", 1.0, 1.0, 1.4166609008271893, 0.3051418638733226),
    PhasePoint("tanh", 0.3, 2.0, 2.253753376227892, 1.3270703910154267),
    PhasePoint("relu", 0.3, 2.0, None, None),
    PhasePoint("elu", 0.3, 2.0, None, None),
)

# sigma_w where the edge begins, at sigma_b = 0: 1 / |phi'(0)|, and the only point of ReLU's edge
LIMITS = {"relu": math.sqrt(2), "tanh": 1.0, "elu": 1.0, "swish": 2.0, "shifted-softplus": 2.0, "gelu": 2.0}

# 1 - c^l of ReLU on its edge from c^0 = 0, by mpmath at 40 digits: f(c) = (c arcsin c + sqrt(1 - c^2)) / pi + c / 2.
RELU_COMPLEMENTS = {
    10: 0.12846448397848238,
    50: 0.012138055062654600,
    100: 0.0035768533160523740,
    200: 0.00098435644597281478,
    1000: 4.3129732549214013e-05,
}
RELU_RATE = 9 * math.pi**2 / 2  # 1 - c^l ~ 9 pi^2 / (2 l^2), proposition 1
# gamma of the residual ReLU network at sigma_w^2, proposition 1: 1 - c^l ~ gamma (1 - cbar^l)
GAMMAS = {0.5: 0.04, 1.0: 1 / 9, 2.0: 0.25}
