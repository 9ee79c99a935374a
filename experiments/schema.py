"""The typed configuration of every experiment, with the bounds of each value.

Values live in `conf/`; a class here says which keys there are, of which type, and what is allowed. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from deepk import activations
from deepk.data import DATASETS
from experiments.allowed import (
    activation_list,
    any_integers,
    at_least,
    between,
    bounded,
    distinct,
    each_at_least,
    each_positive,
    integers,
    law_list,
    markov_map,
    markov_maps,
    one_of,
    optional_at_least,
    out_of_digits,
    positive,
    seeds,
    some_of,
    subset_of,
)

DEVICES = ("cpu", "cuda", "mps")


@dataclass
class Data:
    """Which images, from where, and how many of them."""

    name: str = one_of(*DATASETS)
    root: str | None = None
    train_size: int | None = optional_at_least(1)
    test_size: int | None = optional_at_least(1)
    image_size: int | None = optional_at_least(1)


@dataclass
class Experiment:
    """What every experiment's configuration holds; a user's own experiment derives its `Config` from this."""

    experiment: str = MISSING
    scale: str = MISSING
    threads: int = at_least(1)
    device: str = one_of(*DEVICES)


@dataclass
class EocTraining(Experiment):
    """Configuration of `eoc-training`; see conf/experiment/eoc-training.yaml for the paper's values."""

    data: Data = field(default_factory=Data)
    depth: int = at_least(2)
    width: int = at_least(1)
    activations: list[str] = activation_list()
    initializations: list[str] = some_of("edge-of-chaos", "batch-norm", "ordered")
    seeds: list[int] = seeds()
    learning_rate: float = positive()
    batch_size: int = at_least(2)
    epochs: int = at_least(1)
    sigma_b: dict[str, float] = each_at_least(0)
    default_sigma_b: float = at_least(0)
    ordered_sigma_b: float = at_least(0)
    ordered_sigma_w: float = positive()


@dataclass
class Axis:
    """Evenly spaced points, both ends included."""

    low: float = at_least(0)
    high: float = positive()
    points: int = at_least(2)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("low", f"a number below high={self.high:g}") if self.low >= self.high else ("", "")


@dataclass
class RandomNetworks:
    """How many random networks are drawn for each seed, and of which size."""

    width: int = at_least(2)
    depth: int = at_least(2)
    networks: int = at_least(1)


@dataclass
class EocPhase(Experiment):
    """Configuration of `eoc-phase`; see conf/experiment/eoc-phase.yaml."""

    activations: list[str] = activation_list()
    seeds: list[int] = seeds()
    sigma_b: Axis = field(default_factory=Axis)
    sigma_w: Axis = field(default_factory=Axis)
    edge_points: int = at_least(2)
    line_sigma_b: float = positive()
    line_sigma_w: list[float] = each_positive()
    simulation: RandomNetworks = field(default_factory=RandomNetworks)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("sigma_w.low", "a number > 0") if self.sigma_w.low == 0 else ("", "")


@dataclass
class CorrelationDepth(Experiment):
    """Configuration of `correlation-depth`; see conf/experiment/correlation-depth.yaml."""

    activations: list[str] = activation_list()
    seeds: list[int] = seeds()
    sigma_b: dict[str, float] = each_at_least(0)
    default_sigma_b: float = at_least(0)
    c0: float = bounded("a correlation in [-1, 1)", lambda x: -1 <= x < 1)
    depth: int = at_least(10)
    residual_sigma_w: list[float] = each_positive()
    simulation: RandomNetworks = field(default_factory=RandomNetworks)
    ordered_sigma_b: float = at_least(0)
    ordered_sigma_w: float = positive()
    chaotic_sigma_b: float = at_least(0)
    chaotic_sigma_w: float = positive()


@dataclass
class NetworkOutputs(Experiment):
    """Configuration of `network-outputs`; see conf/experiment/network-outputs.yaml."""

    activation: str = bounded("a known activation, or package.module:function", lambda x: bool(activations.get(x)))
    seeds: list[int] = seeds()
    depth: int = at_least(2)
    width: int = at_least(1)
    outputs: int = at_least(1)
    reach: float = positive()
    step: float = positive()
    edge_sigma_b: float = at_least(0)
    ordered_sigma_b: float = at_least(0)
    ordered_sigma_w: float = positive()
    chaotic_sigma_b: float = at_least(0)
    chaotic_sigma_w: float = positive()

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("step", f"at most reach={self.reach:g}") if self.step > self.reach else ("", "")


@dataclass
class ActivationDuality(Experiment):
    """Configuration of `activation-duality`; see conf/experiment/activation-duality.yaml."""

    activations: list[str] = activation_list()
    seeds: list[int] = seeds()
    series_degree: int = at_least(64)
    samples: int = at_least(100)
    runs: int = at_least(1)
    truncation: int = at_least(2)
    critical: list[str] = activation_list()
    sigma_b: dict[str, float] = each_at_least(0)
    default_sigma_b: float = at_least(0)
    generations: int = at_least(10)
    paths: int = at_least(10)


@dataclass
class Branching(Experiment):
    """Configuration of `branching`; see conf/experiment/branching.yaml."""

    activations: list[str] = activation_list()
    laws: list[str] = law_list()
    seeds: list[int] = seeds()
    paths: int = at_least(1)
    shown_paths: int = at_least(1)
    generations: int = at_least(1)
    growth: float = bounded("a number in (1, 1e6]", lambda x: 1 < x <= 1e6)
    offspring: int = at_least(1)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("shown_paths", f"at most paths={self.paths}") if self.shown_paths > self.paths else ("", "")


@dataclass
class KernelLimits(Experiment):
    """Configuration of `kernel-limits`; see conf/experiment/kernel-limits.yaml."""

    activations: list[str] = activation_list()
    seeds: list[int] = seeds()
    depths: list[int] = each_positive()
    deep: int = at_least(2)
    unscaled_points: int = at_least(2)
    rescaled_points: int = at_least(1)
    paths: int = at_least(2)
    width: int = at_least(2)
    networks: int = at_least(2)
    # The expansion is for great depth; mu^L of the law must stay below 1e300, and its populations below 7e16.
    kesten_stigum_depth: int = bounded("a number in [100, 640]", lambda x: 100 <= x <= 640)
    kesten_stigum_generations: int = bounded("a number in [1, 12]", lambda x: 1 <= x <= 12)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        deepest = max(self.depths)
        return ("deep", f"a number above {deepest}, the last of depths") if self.deep <= deepest else ("", "")


@dataclass
class Memorization(Experiment):
    """Configuration of `memorization`; see conf/experiment/memorization.yaml."""

    activations: list[str] = activation_list()
    seeds: list[int] = seeds()
    kappa: float = bounded("a number in (0, 1)", lambda x: 0 < x < 1)
    kappas: list[float] = bounded(
        "a list of different numbers in (0, 1)", lambda xs: distinct(xs) and all(0 < x < 1 for x in xs)
    )
    size: int = at_least(2)
    dimension: int = at_least(2)
    sizes: list[int] = integers(2)
    dimensions: list[int] = integers(2)
    circle: list[int] = integers(3, odd=True)
    circle_limit: list[int] = integers(3, odd=True)
    circle_shown: int = bounded("an odd integer >= 3", lambda x: x >= 3 and x % 2 == 1)
    sphere: list[int] = integers(3)
    depths: int = at_least(4)


PROTOCOLS = ("slides", "journal")


@dataclass
class Protocol:
    """What a version of the paper says of its experiment, some of it for each data set."""

    features: int = at_least(1)
    centered: bool = MISSING
    ridge_noise: bool = MISSING
    batch_size: int = at_least(1)
    batch_sizes: list[int] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    learning_rate: dict[str, float] = each_at_least(0)
    epochs: dict[str, int] = each_at_least(1)
    depths: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class KernelErrors:
    """Where the error of a kernel estimate is measured: `total` features a run, as total / m estimates from m each."""

    rhos: list[float] = bounded(
        "a list of different numbers in (-1, 1)", lambda xs: distinct(xs) and all(-1 < x < 1 for x in xs)
    )
    features: list[int] = bounded(
        "a list of two or more different integers >= 1",
        lambda xs: len(xs) > 1 and distinct(xs) and all(x >= 1 for x in xs),
    )
    total: int = at_least(1)
    runs: int = at_least(2)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        most = max(self.features)
        return ("total", f"a number >= {most}, the most features") if self.total < most else ("", "")


@dataclass
class RandomFeatures(Experiment):
    """Configuration of `random-features`; see conf/experiment/random-features.yaml."""

    data: Data = field(default_factory=Data)
    protocol: str = one_of(*PROTOCOLS)
    activations: list[str] = activation_list()
    depths: list[int] = integers(1)
    seeds: list[int] = seeds()
    truncation: int = at_least(1)
    features: int = at_least(1)
    centered: bool = MISSING
    ridge_noise: bool = MISSING
    learning_rate: float = positive()
    batch_size: int = at_least(1)
    epochs: int = at_least(1)
    evaluations: int = at_least(1)
    seeds_at_once: int = at_least(1)
    batch_sizes: list[int] = any_integers(1)
    samples: list[int] = any_integers(100)
    baselines: list[str] = subset_of("rbf", "linear")
    subset: int = at_least(10)
    gram_size: int = at_least(2)
    gram_depths: int = at_least(1)
    coefficient_paths: int = at_least(10)
    errors: KernelErrors = field(default_factory=KernelErrors)
    protocols: dict[str, Protocol] = field(default_factory=dict)


@dataclass
class MapPeriods(Experiment):
    """Configuration of `map-periods`; see conf/experiment/map-periods.yaml."""

    # Iterates up to these periods are written out, with up to 2^period pieces.
    periods: list[int] = integers(2, 100)
    odd: list[int] = integers(3, 13, odd=True)
    sharkovsky: list[int] = integers(2, 16)
    maps: list[str] = markov_maps(least=0)
    up_to: int = between(3, 16)
    iterations: int = between(6, 2000)
    slope: float = bounded(
        "a number in (0, 2] other than 1, where whole intervals return", lambda x: 0 < x <= 2 and x != 1
    )
    beside: list[float] = bounded(
        "a list of different slopes in (1, 2]", lambda xs: distinct(xs) and all(1 < x <= 2 for x in xs)
    )
    slopes: int = at_least(2)
    shown: int = at_least(1)
    settled: int = at_least(0)
    bisections: int = between(1, 60)


@dataclass
class TentCompositions(Experiment):
    """Configuration of `tent-compositions`; see conf/experiment/tent-compositions.yaml."""

    maps: list[str] = markov_maps()
    shown: list[int] = integers(1)
    curve_points: int = at_least(2)
    counted: int = between(1, 1000)
    written: int = between(1, 16)
    network_depths: list[int] = integers(1)
    network_points: int = at_least(1)
    shallow: int = at_least(1)
    targets: list[int] = integers(1)
    widths: list[int] = integers(1)
    points: int = at_least(10)
    epochs: int = at_least(1)
    batch_size: int = at_least(1)
    learning_rate: float = positive()
    seeds: list[int] = seeds()

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        if self.written > self.counted:
            return "written", f"at most counted={self.counted}"
        return out_of_digits(self.maps, shown=self.shown, network_depths=self.network_depths, targets=self.targets)


@dataclass
class TentMap(Experiment):
    """Configuration of `tent-map`; see conf/experiment/tent-map.yaml."""

    map: str = markov_map()
    depths: list[int] = integers(1)
    width: int = at_least(1)
    points: int = at_least(10)
    epochs: int = at_least(1)
    easy: int = at_least(1)
    hard: int = at_least(1)
    compositions: list[int] = integers(1)
    seeds: list[int] = seeds()
    learning_rate: float = positive()
    batch_size: int = at_least(1)
    fresh_points: int = at_least(10)
    evaluations: int = at_least(1)
    learning_rates: list[float] = each_positive()
    batch_sizes: list[int] = integers(1)
    float_points: int = at_least(2)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        from deepk.dynamics import get_map

        if self.hard <= self.easy:
            return "hard", f"a number above easy={self.easy}"
        if not get_map(self.map).turning_points:
            return "map", "a map that turns: iterates of a monotone one do not oscillate"
        return out_of_digits([self.map], hard=[self.hard], compositions=self.compositions)


SCHEMAS: dict[str, type[Experiment]] = {
    "activation-duality": ActivationDuality,
    "branching": Branching,
    "correlation-depth": CorrelationDepth,
    "eoc-phase": EocPhase,
    "eoc-training": EocTraining,
    "kernel-limits": KernelLimits,
    "map-periods": MapPeriods,
    "memorization": Memorization,
    "network-outputs": NetworkOutputs,
    "random-features": RandomFeatures,
    "tent-compositions": TentCompositions,
    "tent-map": TentMap,
}
