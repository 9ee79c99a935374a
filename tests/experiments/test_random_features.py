"""random-features: what its claims conclude from tables, and what its trainings do."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch

from deepk.kernels import CompositionalKernel
from deepk.lab import Claim, Lab, Unit, Verdict, lending
from deepk.lab.configuration import flat
from experiments.published.images import RE_ENCODED
from experiments.published.random_features import CELLS, DEPTHS, SCHEDULES, SETTINGS
from experiments.random_features import BASELINES, COLUMNS, Config
from experiments.random_features.claims import claims as all_claims
from experiments.random_features.figures import draw
from experiments.random_features.inputs import all_coefficients, coefficients, images, maps, some
from experiments.random_features.kernels import errors as errors_of_the_estimate
from experiments.random_features.measurement import measure, units
from experiments.random_features.theory import predict
from experiments.random_features.training import baseline_features, train

TEST_IMAGES = 10_000


def compose(scale: str, *overrides: str) -> Any:
    return smoke.compose("random-features", scale, *overrides)


def theory(label: str, **other: pd.DataFrame) -> pd.DataFrame:
    """What theory.csv says of the data set alone."""
    known = {"chance": 0.1135, "training images": 60_000.0, "test images": float(TEST_IMAGES)}
    rows = [("all", 0, 0, math.nan, name, value) for name, value in known.items()]
    columns = ["activation", "depth", "index", "rho", "quantity", "value"]
    return pd.concat([pd.DataFrame(rows, columns=columns), *other.values()]).assign(images=label)


def training(cfg: Config, accuracies: dict[tuple[str, str, int], float], spread: float = 0.0) -> pd.DataFrame:
    """Data of a run in which each (split, activation, depth) stays at an accuracy, with seeds a spread apart."""
    rows = [
        (
            "sgd",
            cfg.batch_size,
            0,
            0,
            "compositional",
            activation,
            depth,
            seed,
            epoch,
            math.nan,
            f"{split} accuracy",
            at,
        )
        for (split, activation, depth), accuracy in accuracies.items()
        for place, seed in enumerate(cfg.seeds)
        for epoch in range(cfg.epochs - 6, cfg.epochs + 1)
        for at in [accuracy + spread * (place - (len(cfg.seeds) - 1) / 2)]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def ridges(cfg: Config, accuracies: dict[tuple[str, int], float]) -> pd.DataFrame:
    """Data of ridge regression with these test accuracies."""
    rows = [
        ("ridge", 0, 0, 0, "compositional", activation, depth, seed, 0, math.nan, "test accuracy", accuracy)
        for (activation, depth), accuracy in accuracies.items()
        for seed in cfg.seeds
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def printed(protocol: str, data: str) -> dict[tuple[str, str, int], float]:
    return {
        (cell.split, cell.activation, cell.depth): cell.accuracy
        for cell in CELLS
        if (cell.protocol, cell.data) == (protocol, data)
    }


def judged(cfg: Config, known: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in all_claims(known, data, cfg)}


def cells(claims: dict[str, Claim], start: str) -> list[Claim]:
    return [claim for name, claim in claims.items() if name.startswith(f"table/{start}")]


@pytest.fixture
def slides() -> Config:
    """The slides' setting on MNIST."""
    return compose("paper")


@pytest.fixture
def journal() -> Config:
    """The journal's setting on CIFAR-10."""
    return compose("paper", "protocol=journal", "data=cifar10")


# --- the configuration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("protocol", "data"), SCHEDULES)
def test_the_protocols_are_those_of_the_tables(protocol: str, data: str) -> None:
    cfg = compose("paper", f"protocol={protocol}", f"data={data}")
    ours = flat(cfg)
    wanted = {**SETTINGS[protocol], **SCHEDULES[protocol, data], "depths": list(DEPTHS[protocol, data])}
    assert {key: ours[key] for key in wanted} == wanted


def test_a_folder_of_images_takes_the_schedule_of_cifar10() -> None:
    folder, cifar = (compose("paper", "protocol=journal", f"data={data}") for data in ("image-folder", "cifar10"))
    assert (folder.epochs, folder.learning_rate, folder.depths) == (cifar.epochs, cifar.learning_rate, cifar.depths)


def test_a_value_of_the_command_line_goes_before_the_protocols() -> None:
    assert compose("paper", "protocol=journal", "epochs=3", "depths=[2]").epochs == 3


def test_there_are_96_printed_cells_and_each_is_a_share() -> None:
    assert len(CELLS) == 96
    assert all(0 < cell.accuracy <= 1 for cell in CELLS)


# --- the tables -------------------------------------------------------------------------------------------------------


def test_a_run_that_equals_the_table_reproduces_every_cell_of_it(slides: Config) -> None:
    claims = judged(slides, theory("mnist"), training(slides, printed("slides", "mnist")))
    assert {claim.verdict for claim in cells(claims, "slides/mnist")} == {Verdict.REPRODUCED}
    assert len(cells(claims, "slides/mnist")) == 24 + 2  # and the mean of each table


def test_cells_of_other_data_sets_and_protocols_are_not_comparable(slides: Config) -> None:
    claims = judged(slides, theory("mnist"), training(slides, printed("slides", "mnist")))
    others = [claim for claim in cells(claims, "") if not claim.name.startswith("table/slides/mnist")]
    assert {claim.verdict for claim in others} == {Verdict.NOT_COMPARABLE}
    assert any(claim.other_setting.startswith("images are mnist, not cifar10") for claim in others)


@pytest.mark.parametrize(
    ("spread", "verdicts"),
    [
        (0.0, [Verdict.REPRODUCED, Verdict.DIFFERS, Verdict.DIFFERS]),
        (0.001, [Verdict.REPRODUCED, Verdict.REPRODUCED, Verdict.DIFFERS]),
        (0.003, [Verdict.UNDERPOWERED, Verdict.UNDERPOWERED, Verdict.DIFFERS]),
    ],
)
def test_a_cell_may_be_off_by_rounding_and_by_a_scatter_that_still_tells_cells_apart(
    slides: Config, spread: float, verdicts: list[Verdict]
) -> None:
    table, found = printed("slides", "mnist"), []
    for shift in (0.004, 0.006, -0.05):
        data = training(slides, {cell: accuracy + shift for cell, accuracy in table.items()}, spread)
        found.append(judged(slides, theory("mnist"), data)["table/slides/mnist/test/relu/L=1"].verdict)
    assert found == verdicts


def test_a_training_that_swings_by_more_than_the_table_compares_is_underpowered(slides: Config) -> None:
    data = training(slides, printed("slides", "mnist"))
    swings = (data["activation"] == "sigmoid") & (data["depth"] == 3) & (data["quantity"] == "test accuracy")
    data.loc[swings, "value"] = 0.87 + 0.05 * (data.loc[swings, "seed"] - 1)  # the table prints .74
    claims = judged(slides, theory("mnist"), data)
    assert claims["table/slides/mnist/test/sigmoid/L=3"].verdict == Verdict.UNDERPOWERED
    assert claims["table/slides/mnist/test/sigmoid/L=2"].verdict == Verdict.REPRODUCED


@pytest.mark.parametrize("spread", [0.0, 0.01])
@pytest.mark.parametrize(("protocol", "data"), SCHEDULES)
def test_classifiers_at_chance_differ_in_every_cell(protocol: str, data: str, spread: float) -> None:
    cfg = compose("paper", f"protocol={protocol}", f"data={data}")
    at_chance = dict.fromkeys(printed(protocol, data), 0.1)
    claims = judged(cfg, theory(data), training(cfg, at_chance, spread))
    assert {claim.verdict for claim in cells(claims, f"{protocol}/{data}")} == {Verdict.DIFFERS}


def test_what_matters_is_half_of_what_the_table_compares_and_a_printed_digit_at_least(journal: Config) -> None:
    claims = judged(journal, theory("cifar10"), training(journal, printed("journal", "cifar10")))
    start = "table/journal/cifar10/test"
    assert claims[f"{start}/relu/L=4"].resolution == pytest.approx(4)  # .47 .39 .30
    assert claims[f"{start}/sigmoid/L=4"].resolution == pytest.approx(1)  # .43 .44 .44
    assert claims[f"{start}/mean"].resolution == pytest.approx(1)


def test_a_single_training_evaluated_once_has_no_power(slides: Config) -> None:
    data = training(slides, printed("slides", "mnist"))
    once = data[(data["seed"] == 0) & (data["index"] == slides.epochs)]
    found = {claim.verdict for claim in cells(judged(slides, theory("mnist"), once), "slides/mnist")}
    assert found == {Verdict.UNDERPOWERED}


def test_the_mean_of_a_table_is_judged_closer_than_its_cells(slides: Config) -> None:
    off = {cell: accuracy + 0.02 for cell, accuracy in printed("slides", "mnist").items()}
    claims = judged(slides, theory("mnist"), training(slides, off))
    assert claims["table/slides/mnist/test/mean"].verdict == Verdict.DIFFERS


def test_cifar10_re_encoded_as_jpeg_is_compared_and_named_so() -> None:
    cfg = compose("paper", "data=image-folder")
    (label,) = RE_ENCODED.values()
    claims = judged(cfg, theory(label), training(cfg, printed("slides", "cifar10")))
    assert {claim.verdict for claim in cells(claims, "slides/cifar10")} == {Verdict.REPRODUCED}
    assert "JPEG" in label


@pytest.mark.parametrize("override", ["features=512", "epochs=39", "learning_rate=0.2", "data.train_size=100"])
def test_another_setting_is_not_comparable_and_says_which(override: str) -> None:
    cfg = compose("paper", override)
    claims = judged(cfg, theory("mnist"), training(cfg, printed("slides", "mnist")))
    name = override.partition("=")[0]
    assert all(claim.other_setting.startswith(f"{name}=") for claim in cells(claims, "slides/mnist"))


# --- depth ------------------------------------------------------------------------------------------------------------


def optimization(cfg: Config, deep_ridge: float, deep_sgd: float) -> dict[str, Verdict]:
    table = {**printed("slides", "mnist"), ("train", "sigmoid", 3): deep_sgd, ("test", "sigmoid", 3): deep_sgd}
    data = pd.concat([training(cfg, table), ridges(cfg, {("sigmoid", 1): 0.93, ("sigmoid", 3): deep_ridge})])
    claims = judged(cfg, theory("mnist"), data)
    names = ("sgd-loses-with-depth", "ridge-holds-with-depth", "ridge-ahead-of-sgd")
    return {name: claims[f"{name}/sigmoid"].verdict for name in names}


def test_a_fall_by_optimization_shows_in_sgd_and_not_in_ridge_regression(slides: Config) -> None:
    assert set(optimization(slides, 0.93, 0.80).values()) == {Verdict.REPRODUCED}


def test_features_that_lose_with_depth_would_be_seen(slides: Config) -> None:
    found = optimization(slides, 0.80, 0.85)
    assert found["ridge-holds-with-depth"] == Verdict.DIFFERS
    assert found["ridge-ahead-of-sgd"] == Verdict.DIFFERS


def test_an_sgd_that_holds_would_be_seen(slides: Config) -> None:
    assert optimization(slides, 0.93, 0.93)["sgd-loses-with-depth"] == Verdict.DIFFERS


def test_an_sgd_at_chance_has_not_fallen(slides: Config) -> None:
    data = training(slides, dict.fromkeys(printed("slides", "mnist"), 0.1))
    assert judged(slides, theory("mnist"), data)["sgd-loses-with-depth/sigmoid"].verdict == Verdict.DIFFERS


def test_one_seed_of_features_cannot_show_that_ridge_regression_holds() -> None:
    cfg = compose("paper", "seeds=[0]")
    assert optimization(cfg, 0.93, 0.80)["ridge-holds-with-depth"] == Verdict.UNDERPOWERED


def test_on_cifar10_sigmoid_holds_and_the_others_fall(journal: Config) -> None:
    table = printed("journal", "cifar10")
    claims = judged(journal, theory("cifar10"), training(journal, table))
    found = {name: claim.verdict for name, claim in claims.items() if name.startswith("test-accuracy-")}
    assert set(found) == {
        "test-accuracy-falls-with-depth/relu",
        "test-accuracy-falls-with-depth/gelu",
        "test-accuracy-falls-with-depth/swish",
        "test-accuracy-holds-with-depth/sigmoid",
    }
    assert set(found.values()) == {Verdict.REPRODUCED}
    backwards = {(split, name, 9 - depth if depth != 4 else 4): at for (split, name, depth), at in table.items()}
    backwards[("test", "sigmoid", 8)] = 0.30
    claims = judged(journal, theory("cifar10"), training(journal, backwards))
    assert {claims[name].verdict for name in found} == {Verdict.DIFFERS}


def test_a_thousand_test_images_do_not_tell_whether_accuracy_holds(journal: Config) -> None:
    data = training(journal, printed("journal", "cifar10"))
    few = theory("cifar10")
    few.loc[few["quantity"] == "test images", "value"] = 1000.0
    assert judged(journal, few, data)["test-accuracy-holds-with-depth/sigmoid"].verdict == Verdict.UNDERPOWERED


def test_a_short_training_says_nothing_of_depth() -> None:
    cfg = compose("paper", "epochs=10", "batch_size=1000")
    data = training(cfg, printed("slides", "mnist"))
    claims = judged(cfg, theory("mnist"), data)
    assert claims["sgd-loses-with-depth/sigmoid"].other_setting == "600 steps of SGD, fewer than 1000"


# --- the kernel estimate ----------------------------------------------------------------------------------------------


def errors(cfg: Config, exponent: float, constant: float) -> pd.DataFrame:
    """Errors constant m^exponent, with a scatter of one per cent between runs, and of a thousandth in the exponent."""
    rows = [
        (
            "error",
            0,
            0,
            0,
            "compositional",
            "relu",
            1,
            run,
            m,
            rho,
            "rms error",
            (constant + run % 2 / 100) * m ** (exponent + (run // 2 % 2 - 0.5) / 1000),
        )
        for run in range(cfg.errors.runs)
        for m in cfg.errors.features
        for rho in cfg.errors.rhos
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def deviations(cfg: Config, exact: float, visible: float) -> pd.DataFrame:
    rows = [
        ("relu", 1, 0, rho, quantity, value)
        for rho in cfg.errors.rhos
        for quantity, value in (("deviation", exact), ("visible deviation", visible))
    ]
    return pd.DataFrame(rows, columns=["activation", "depth", "index", "rho", "quantity", "value"])


@pytest.fixture
def one_map() -> Config:
    return compose("smoke", "activations=[relu]", "depths=[1]")


@pytest.mark.parametrize(("exponent", "verdict"), [(-0.5, Verdict.REPRODUCED), (-0.4, Verdict.DIFFERS)])
def test_errors_that_do_not_fall_like_the_root_of_m_are_seen(
    one_map: Config, exponent: float, verdict: Verdict
) -> None:
    known = theory("digits", deviations=deviations(one_map, 1.0, 0.99))
    assert judged(one_map, known, errors(one_map, exponent, 1.0))["error-slope/relu/L=1"].verdict == verdict


@pytest.mark.parametrize(("constant", "verdict"), [(0.995, Verdict.REPRODUCED), (1.2, Verdict.DIFFERS)])
def test_the_constant_of_the_error_is_the_deviation_of_one_product(
    one_map: Config, constant: float, verdict: Verdict
) -> None:
    known = theory("digits", deviations=deviations(one_map, 1.0, 0.999))
    claims = judged(one_map, known, errors(one_map, -0.5, constant))
    assert claims["error-constant/relu/L=1/rho=0"].verdict == verdict


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_wrong_factor_differs_however_runs_scatter(one_map: Config, factor: float) -> None:
    known = theory("digits", deviations=deviations(one_map, 1.0, 0.999))
    data = errors(one_map, -0.5, 1.0)
    data["value"] *= (1 + data["seed"] % 2 / 4) * factor
    assert judged(one_map, known, data)["error-constant/relu/L=1/rho=0"].verdict == Verdict.DIFFERS


def test_a_deviation_that_a_run_cannot_see_is_underpowered(one_map: Config) -> None:
    known = theory("digits", deviations=deviations(one_map, 8.0, 1.4))
    claim = judged(one_map, known, errors(one_map, -0.5, 1.4))["error-constant/relu/L=1/rho=0"]
    assert claim.verdict == Verdict.UNDERPOWERED


# --- what is measured -------------------------------------------------------------------------------------------------


def test_seeds_are_trained_together_as_they_are_alone(tmp_path: Path) -> None:
    cfg = compose("smoke", "epochs=1")
    together = train(cfg, [0, 1], 64, 0, Lab("cpu", tmp_path / "a"))
    alone = train(cfg, [1], 64, 0, Lab("cpu", tmp_path / "b"))
    second = [row for row in together if row["seed"] == 1]
    assert [row["quantity"] for row in second] == [row["quantity"] for row in alone]
    # Batched products of other shapes round otherwise, and a prediction may turn over by it.
    np.testing.assert_allclose([row["value"] for row in second], [row["value"] for row in alone], atol=0.02)


def test_a_killed_training_goes_on_to_the_same_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cfg = compose("smoke", "epochs=3", "evaluations=3")
    monkeypatch.setattr(lending, "CHECKPOINT_SECONDS", 0.0)
    unit = next(unit for unit in units(cfg) if unit.key["part"] == "sgd")
    whole = measure(cfg, unit, Lab("cpu", tmp_path / "whole"))

    class Killed(Exception):
        pass

    def die_in_the_last_epoch(_: int, values: Any) -> None:
        if values.get("epoch") == 2:
            raise Killed

    path = tmp_path / "killed"
    with pytest.raises(Killed):
        measure(cfg, unit, Lab("cpu", path, die_in_the_last_epoch))
    assert path.exists()
    pd.testing.assert_frame_equal(measure(cfg, unit, Lab("cpu", path)), whole)


def test_a_monte_carlo_estimate_of_many_samples_trains_like_the_exact_coefficients() -> None:
    cfg = compose("smoke", "activations=[sigmoid]", "depths=[1]", "epochs=1")
    exact, estimated, rough = (train(cfg, [0], 64, samples, Lab("cpu")) for samples in (0, 1_000_000, 100))
    loss = [next(row["value"] for row in rows if row["quantity"] == "train loss") for rows in (exact, estimated, rough)]
    assert abs(loss[1] - loss[0]) < 0.1 * abs(loss[2] - loss[0])


@pytest.mark.parametrize("centered", [False, True])
def test_coefficients_from_many_samples_are_the_exact_ones(centered: bool) -> None:
    cfg = compose("smoke", "activations=[sigmoid,swish]", f"centered={centered}")
    exact, estimated = (all_coefficients(cfg, samples, 0, Lab("cpu")) for samples in (0, 1_000_000))
    # A coefficient's square scatters by 2 a_k sd / 1000, sd of order one; three layers add this up.
    np.testing.assert_allclose(estimated, exact, atol=0.02)


def test_errors_of_the_estimate_are_those_of_as_many_features() -> None:
    cfg = compose("smoke", "activations=[sigmoid]", "depths=[1]", "centered=true", "errors.rhos=[0.0]")
    rows = pd.DataFrame(errors_of_the_estimate(cfg, [0], Lab("cpu")))
    few = rows[(rows["quantity"] == "rms error") & (rows["index"] == 64)]
    # The mean of a product of independent features of variance one: 1 / sqrt(64), over 256 estimates in each run.
    assert few["value"].mean() == pytest.approx(1 / 8, rel=0.05)


def test_features_of_baselines_are_as_long_as_compositional_ones() -> None:
    cfg = compose("smoke")
    for name in BASELINES:
        x, test_x = baseline_features(cfg, images(cfg), name, [0, 1])
        # cos^2 averages 1/2 over m = 128 random frequencies; pixels are exact.
        for part in (x, test_x):
            assert float(part.square().sum(dim=2).mean()) == pytest.approx(cfg.features, rel=0.1)


def test_a_users_own_activation_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_activation.py").write_text("def bent(x):\n    return x.sin() + x / 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    cfg = compose("smoke", "activations=['own_activation:bent']", "epochs=1")
    rows = [measure(cfg, unit, Lab("cpu")) for unit in units(cfg)]
    assert all(len(part) for part in rows)


def test_images_are_unit_vectors_and_a_black_one_stays_black() -> None:
    data = images(compose("smoke"))
    torch.testing.assert_close(data.x.norm(dim=1), torch.ones(len(data.x)))


def test_coefficients_are_those_of_the_compositional_kernel() -> None:
    cfg = compose("smoke", "centered=true")
    assert maps(cfg) == [("relu", 1), ("relu", 3), ("sigmoid", 1), ("sigmoid", 3)]
    np.testing.assert_array_equal(
        coefficients(cfg, "relu", 3), CompositionalKernel("relu", 3, centered=True).coefficients(20)
    )


def test_seeds_are_spread_over_units_where_the_user_wants_so() -> None:
    cfg = compose("smoke", "seeds=[3,4,5]", "seeds_at_once=2")
    found = [unit for unit in units(cfg) if unit.key["part"] == "sgd"]
    rows: list[Unit] = found
    assert [unit.key["group"] for unit in rows] == [0, 1]
    seeds = [set(measure(cfg, unit, Lab("cpu"))["seed"]) for unit in rows]
    assert seeds == [{3, 4}, {5}]


def test_the_errors_total_must_hold_the_most_features() -> None:
    with pytest.raises(Exception, match=r"errors.total=100 is not allowed: it takes a number >= 1024"):
        compose("smoke", "errors.total=100")


@pytest.mark.parametrize(
    "override", ["batch_sizes=[]", "samples=[]", "baselines=[]", "activations=[sigmoid]", "depths=[1]"]
)
def test_figures_are_drawn_of_what_there_is(override: str) -> None:
    cfg = compose("smoke", override, "epochs=1", "evaluations=1")
    parts = [measure(cfg, unit, Lab("cpu")).assign(**unit.key) for unit in units(cfg)]
    data = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    figures = draw(predict(cfg), data, cfg)
    for figure in figures.values():
        figure.draw_without_rendering()


def test_a_subset_is_drawn_from_all_images_since_a_folders_come_class_by_class() -> None:
    chosen = some(1000, 100, 0, Lab("cpu"))
    assert len(set(chosen.tolist())) == 100
    assert int(chosen.max()) > 900  # but once in 0.9^100 cases
    assert int(chosen.min()) < 100
