"""Wrong accuracies, wrong estimates of kernels, and wrong kernels."""

from __future__ import annotations

from dataclasses import replace

from mutation import Change, Fault, Mutant, backwards, edited, scaled, set_to, shifted, swapped

from deepk.lab import where
from deepk.lab.runner import Tables

ACCURACIES = ["train accuracy", "test accuracy"]
TABLES = [(protocol, data) for protocol in ("slides", "journal") for data in ("mnist", "cifar10")]


def faster(by: float) -> Change:
    """Errors that fall faster with m, by this exponent."""

    def mutate(tables: Tables) -> Tables:
        data = tables.data.copy()
        rows = where(data, part="error").index
        data.loc[rows, "value"] *= data.loc[rows, "index"].astype(float) ** -by
        return replace(tables, data=data)

    return mutate


MUTANTS = [
    *(
        Mutant(
            f"classifiers at chance: {protocol}, {data}",
            f"{data}-{protocol}",
            set_to(0.1, part="sgd", quantity=ACCURACIES),
            (f"table/{protocol}/{data}/train/*", f"table/{protocol}/{data}/train/mean"),
        )
        for protocol, data in TABLES
    ),
    *(
        Mutant(
            f"errors for accuracies: {data}",
            f"{data}-slides",
            edited(lambda accuracy: 1 - accuracy, part="sgd", quantity=ACCURACIES),
            (f"table/slides/{data}/train/relu/L=1", f"table/slides/{data}/test/mean"),
        )
        for data in ("mnist", "cifar10")
    ),
    Mutant(
        "a tenth less accurate",
        "mnist-slides",
        scaled(0.9, part="sgd", quantity=ACCURACIES),
        ("table/slides/mnist/train/*", "table/slides/mnist/test/mean", "table/slides/mnist/test/relu/L=1"),
    ),
    Mutant(
        "trained for longer than the table was",
        "cifar10-journal",
        shifted(0.1, part="sgd", quantity=ACCURACIES),
        ("table/journal/cifar10/train/mean", "table/journal/cifar10/test/mean", "table/journal/cifar10/test/relu/L=8"),
    ),
    Mutant(
        "relu and sigmoid are exchanged",
        "cifar10-journal",
        swapped("activation", "relu", "sigmoid"),
        ("table/journal/cifar10/test/relu/L=8", "table/journal/cifar10/test/sigmoid/L=8", "test-accuracy-*/sigmoid"),
    ),
    Mutant(
        "the shallowest map at the deepest place",
        "cifar10-journal",
        backwards("depth", part="sgd"),
        ("test-accuracy-falls-with-depth/relu", "test-accuracy-falls-with-depth/gelu", "table/journal/cifar10/test/*"),
    ),
    Mutant(
        "sigmoid gains with depth under SGD",
        "mnist-slides",
        backwards("depth", part="sgd"),
        ("sgd-loses-with-depth/sigmoid", "table/slides/mnist/train/sigmoid/L=1"),
    ),
    Mutant(
        "the features of sigmoid lose with depth",
        "mnist-slides",
        scaled(0.8, part="ridge", activation="sigmoid", depth=3),
        ("ridge-holds-with-depth/sigmoid", "ridge-ahead-of-sgd/sigmoid"),
    ),
    Mutant("errors fall like m^-0.6", "mnist-slides", faster(0.1), ("error-slope/relu/L=1", "error-slope/swish/L=3")),
    Mutant("errors fall like m^-1", "cifar10-journal", faster(0.5), ("error-slope/relu/L=8", "error-slope/gelu/L=4")),
    Mutant("errors do not fall", "mnist-journal", faster(-0.5), ("error-slope/relu/L=2", "error-slope/sigmoid/L=3")),
    *(
        Mutant(
            f"the error times {factor:.2g}",
            "mnist-slides",
            scaled(factor, part="error", quantity="rms error"),
            ("error-constant/relu/L=1/rho=0", "error-constant/gelu/L=1/rho=0.3", "error-constant/sigmoid/*"),
        )
        for factor in (0.1, 0.8, 1.41)
    ),
    Mutant(
        "the median for the root mean square",
        "mnist-journal",
        scaled(0.6745, part="error", quantity="rms error"),
        ("error-constant/sigmoid/L=1/rho=0", "error-constant/swish/L=1/rho=0"),
    ),
    Mutant(
        "variances for deviations in the theory",
        "mnist-slides",
        edited(lambda deviation: deviation**2, of="theory", quantity=["deviation", "visible deviation"]),
        ("error-constant/sigmoid/L=1/rho=0", "error-constant/swish/L=2/rho=-0.3"),
    ),
    Mutant(
        "the theory of relu for swish",
        "cifar10-slides",
        swapped("activation", "relu", "swish", of="theory"),
        ("error-constant/relu/L=1/rho=0", "tail-mass/relu", "tail-mass/swish"),
    ),
    *(
        Mutant(
            f"the mass beyond the truncation times {factor:g}",
            "mnist-slides",
            scaled(factor, part="tail"),
            ("tail-mass/relu", "tail-mass/gelu", "tail-mass/swish"),
        )
        for factor in (0.5, 2.0)
    ),
    Mutant("a hundredth beyond it besides", "mnist-slides", shifted(200.0, part="tail"), ("tail-mass/sigmoid",)),
    Mutant(
        "condition numbers grow",
        "mnist-journal",
        backwards("depth", part="condition"),
        ("condition-falls/relu", "condition-falls/gelu", "condition-falls/sigmoid", "condition-falls/swish"),
    ),
]

_TEST = "tests/experiments/test_random_features.py"
FAULTS = [
    Fault(
        "experiments/random_features/training.py",
        "scale = cfg.features**0.5",
        "scale = cfg.features",
        f"{_TEST}::test_features_of_baselines_are_as_long_as_compositional_ones",
    ),
    Fault(
        "experiments/random_features/inputs.py",
        "a[0] = 0.0 if cfg.centered else a[0]",
        "a[0] = 0.0 if not cfg.centered else a[0]",
        f"{_TEST}::test_coefficients_from_many_samples_are_the_exact_ones",
    ),
    Fault(
        "experiments/random_features/kernels.py",
        "products = phi[0] * phi[1:] * total",
        "products = phi[0] * phi[1:] * total**0.5",
        f"{_TEST}::test_errors_of_the_estimate_are_those_of_as_many_features",
    ),
]
