"""Overrides: what a user may write, and what Hydra then gets."""

from __future__ import annotations

import pytest

from cli import configuration
from cli.catalogue import find
from deepk.errors import Refused
from deepk.lab.configuration import plain
from deepk.lab.reading import typed

EOC = find("eoc-training")


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("width=64", "width=64"),
        ("seed=3", "seeds=[3]"),
        ("seed=0,1", "seeds=[0],[1]"),
        ("activation=tanh,elu", "activations=[tanh],[elu]"),
        ("activation=my.module:f", "activations=[my.module:f]"),
        ("seed=[0,1]", "seeds=[0,1]"),
        ("activation=tanh,[relu,elu]", "activations=[tanh],[relu,elu]"),
        ("+width=5", "width=5"),
        ("~sigma_b.tanh", "~sigma_b.tanh"),
        ("data.root=né", "data.root='né'"),
        ("sigma_b.gelu=0.3", "++sigma_b.gelu=0.3"),
        ("sigma_b.relu=0", "++sigma_b.relu=0"),
        ("data=mnist,digits", "data=mnist,digits"),
        ("hydra/launcher=submitit_local", "hydra/launcher=submitit_local"),
    ],
)
def test_an_override_reaches_hydra_as(written: str, given: str) -> None:
    assert configuration.normalize(EOC, [written], sweep=True) == [given]


def test_a_sweep_is_every_combination_in_order() -> None:
    assert configuration.expand(["width=8,16", "seeds=[0],[1,2]", "depth=3"]) == [
        ["width=8", "seeds=[0]", "depth=3"],
        ["width=8", "seeds=[1,2]", "depth=3"],
        ["width=16", "seeds=[0]", "depth=3"],
        ["width=16", "seeds=[1,2]", "depth=3"],
    ]


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_the_scale_chooses_the_data_and_an_override_has_the_last_word(scale: str) -> None:
    with configuration.session(EOC) as hydra:
        chosen = configuration.compose(hydra, EOC, scale, [])
        override = configuration.compose(hydra, EOC, scale, ["data=cifar10", "data.train_size=10"])
    assert chosen.data.name == ("mnist" if scale == "paper" else "digits")
    assert (override.data.name, override.data.train_size) == ("cifar10", 10)


def test_the_papers_scale_is_the_papers_setting() -> None:
    with configuration.session(EOC) as hydra:
        cfg = configuration.compose(hydra, EOC, "paper", [])
    assert (cfg.depth, cfg.width, cfg.learning_rate, cfg.batch_size, cfg.epochs) == (200, 300, 1e-4, 64, 100)
    assert cfg.seeds == list(range(10))


def test_a_config_read_back_from_plain_values_is_the_same() -> None:
    with configuration.session(EOC) as hydra:
        cfg = configuration.compose(hydra, EOC, "smoke", ["activations=[tanh]"])
    assert typed(EOC.config, plain(cfg)) == cfg


def test_a_missing_value_names_its_key() -> None:
    with pytest.raises(Refused, match="has no value; give"):
        typed(EOC.config, {"experiment": "eoc-training"})
