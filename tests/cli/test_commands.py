"""The commands as a user types them: text, JSON and exit code."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from terminal import Terminal

from cli.catalogue import names


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("run",),
        ("show",),
        ("reproduce",),
        ("runs",),
        ("plot",),
        ("verify",),
        ("compare",),
        ("data",),
        ("data", "fetch"),
    ],
    ids=" ".join,
)
def test_every_command_has_help(deepk: Terminal, words: tuple[str, ...]) -> None:
    result = deepk(*words, "--help")
    assert result.code == 0
    assert "Usage: deepk" in result.out


def test_list_names_every_experiment_with_paper_and_cost(deepk: Terminal) -> None:
    listed = json.loads(deepk("list", "--json").out)
    assert [row["name"] for row in listed] == names()
    text = deepk("list").out
    assert all(row["paper"] in text and row["cost"]["laptop"] in text for row in listed)


def test_show_gives_the_argument_the_configuration_and_the_claims(deepk: Terminal) -> None:
    shown = json.loads(deepk("show", "eoc-training", "--json", "--scale", "smoke").out)
    assert shown["argument"].startswith("A network of depth 200 trains on the edge of chaos")
    assert shown["config"]["scale"] == "smoke"
    published = {claim["name"]: claim["published"] for claim in shown["claims"]}
    assert published["table-1/mnist/elu/edge-of-chaos"] == 97.62


def test_show_config_prints_what_would_run_and_leaves_nothing(deepk: Terminal) -> None:
    result = deepk("run", "eoc-training", "width=7", "--show-config", "--scale", "smoke")
    assert result.code == 0
    assert "width: 7\n" in result.out
    assert deepk.results() == []


def test_a_singular_key_takes_one_value_of_its_list(deepk: Terminal) -> None:
    out = deepk("run", "eoc-training", "activation=tanh", "seed=3", "--show-config").out
    assert "activations:\n- tanh\n" in out
    assert "seeds:\n- 3\n" in out


def test_dry_run_counts_units_and_steps_and_leaves_nothing(toy: Terminal) -> None:
    result = toy("run", "toy", "--dry-run")
    assert result.code == 0
    units, steps = result.out.splitlines()[1].split()[:2]
    assert (units, steps) == ("4", "16")
    assert toy.results() == []


def test_a_run_ends_with_its_verdicts_folder_and_figures(drawn: Terminal) -> None:
    result = drawn("run", "toy")
    assert result.code == 0
    assert "reproduced  parabola" in result.out
    assert "printed: 1 reproduced, 0 errata, 0 differ" in result.out
    assert "folder   results/toy/v001" in result.out
    assert "figure   results/toy/v001/figures/parabola.png" in result.out
    assert result.err == ""  # off a terminal the progress bar is silent


def test_an_experiment_without_torch_runs_without_torch(toy: Terminal) -> None:
    result = toy("run", "toy", "seeds=[0,1]", "-j", "2", PYTHONPROFILEIMPORTTIME="1")  # in its workers, too
    assert result.code == 0
    imported = {line.rpartition("|")[2].strip() for line in result.err.splitlines()}
    assert "pandas" in imported
    assert "torch" not in imported


def test_a_folder_holds_what_the_house_says(finished: Terminal) -> None:
    folder = finished.folder / "results" / "toy" / "v001"
    expected = {"run.json", "config.yaml", "overrides.yaml", "theory.csv", "data.csv", "timing.csv", "claims.csv"}
    present = {path.name for path in folder.iterdir()} - {"dirty.patch"}
    assert present == expected | {"figures", "run.log"}
    assert (folder.parent / "latest").resolve().name == "v002"
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "done"
    assert record["argv"] == ["deepk", "run", "toy"]
    assert set(record["outputs"]) >= {"data.csv", "claims.csv", "figures/parabola.png", "figures/parabola.pdf"}
    assert record["environment"]["torch"].startswith("2.")


def test_runs_shows_status_overrides_and_verdicts(finished: Terminal) -> None:
    _, row = json.loads(finished("runs", "--json").out)
    assert (row["run"], row["status"], row["overrides"]) == ("toy/v002", "done", "power=3")
    assert row["verdicts"] == "printed: 0 reproduced, 0 errata, 1 differs, 0 underpowered, 0 not comparable"
    assert "toy/v001" in finished("runs", "toy").out


def test_runs_of_an_empty_folder_says_how_to_start(deepk: Terminal) -> None:
    assert "deepk run NAME" in deepk("runs").out


def test_verify_judges_from_the_csv_files_and_exits_1_where_a_claim_differs(finished: Terminal) -> None:
    assert finished("verify", "toy/v001").code == 0
    data = finished.folder / "results" / "toy" / "v001" / "data.csv"
    data.write_text(data.read_text().replace("3,9.0", "3,9.5"))
    result = finished("verify", "toy/v001")
    assert result.code == 1
    assert result.line == "deepk: toy/v001: parabola differs; toy/v001: data.csv was edited since the run wrote it"
    (verdict,) = json.loads(finished("verify", "toy/v001", "--json").out)
    assert verdict["claims"][0]["measured"] == 0.5


def test_verify_saves_the_new_verdicts_on_request_and_says_when(finished: Terminal) -> None:
    folder = finished.folder / "results" / "toy" / "v001"
    stored = (folder / "claims.csv").read_bytes()
    (folder / "claims.csv").write_text("outdated\n")
    finished("verify", "toy/v001")
    assert (folder / "claims.csv").read_text() == "outdated\n"
    finished("verify", "toy/v001", "--save")
    assert (folder / "claims.csv").read_bytes() == stored
    record = json.loads((folder / "run.json").read_text())
    assert record["judged"]["at"]
    assert record["outputs"]["claims.csv"] == hashlib.sha256(stored).hexdigest()


def test_verify_all_visits_every_run(finished: Terminal) -> None:
    result = finished("verify", "--all")
    assert result.code == 1
    assert result.out.count("printed: ") == 2


def test_plot_draws_the_same_figures_from_the_csv_files_and_removes_what_is_drawn_no_more(finished: Terminal) -> None:
    folder = finished.folder / "results" / "toy" / "v001"
    figures, record = folder / "figures", json.loads((folder / "run.json").read_text())
    before = {path.name: path.read_bytes() for path in figures.iterdir()}
    for path in figures.iterdir():
        path.unlink()
    (figures / "hyperbola.png").write_text("of an older version")
    (figures / "mine.png").write_text("a user's own")
    outputs = {**record["outputs"], "figures/hyperbola.png": "0"}
    (folder / "run.json").write_text(json.dumps({**record, "outputs": outputs}))
    assert finished("plot", "toy/v001").code == 0
    assert {path.name: path.read_bytes() for path in figures.iterdir()} == {**before, "mine.png": b"a user's own"}
    assert json.loads((folder / "run.json").read_text())["outputs"] == record["outputs"]


def test_one_unreadable_run_does_not_keep_the_others_from_being_judged(finished: Terminal) -> None:
    (finished.folder / "results" / "toy" / "v001" / "config.yaml").write_text("{")
    result = finished("verify", "--all")
    assert result.code == 1
    assert result.out.count("printed: ") == 1
    assert "cannot read" in result.line
    assert "v002: parabola differs" in result.line


def test_compare_sees_a_number_that_only_one_run_has(finished: Terminal) -> None:
    data = finished.folder / "results" / "toy" / "v001" / "data.csv"
    lines = data.read_text().splitlines()
    data.write_text("\n".join([*lines[:2], lines[2].rsplit(",", 1)[0] + ",", *lines[3:]]) + "\n")
    content = json.loads(finished("compare", "toy/v001", "toy/v002", "--json").out)
    assert {row["what"]: row["first"] for row in content["data"]}["noise (largest difference)"] is None


def test_compare_names_what_differs(finished: Terminal) -> None:
    content = json.loads(finished("compare", "toy/v001", "toy/v002", "--json").out)
    assert content["config"] == [{"what": "power", "first": "2.0", "second": "3.0"}]
    assert content["claims"] == [{"what": "parabola", "first": "reproduced (0)", "second": "differs (18)"}]
    assert content["data"] == [{"what": "square (largest difference)", "first": 9.0, "second": 27.0}]
    same = finished("compare", "toy/v001", "toy/v001").out
    assert [line for line in same.splitlines() if not line.endswith("the same")] == []


def test_an_experiment_begins_with_new_and_runs_at_once(deepk: Terminal) -> None:
    assert deepk("new", "my_experiment").out == "wrote my_experiment.py; it runs with: deepk run my_experiment\n"
    result = deepk("run", "my_experiment")
    assert result.code == 0, result.err
    assert "our own: 3 of 3" in result.out
    assert deepk("show", "my_experiment").out.startswith("The mean of n independent uniform numbers")


def test_rules_newer_than_the_data_are_said_to_be_and_which_verdicts_moved(finished: Terminal) -> None:
    assert "rules newer" not in finished("verify", "toy/v001").out
    source = finished.folder / "toy.py"
    source.write_text(source.read_text().replace('"<=", 1e-12', '"<=", -1.0'))
    result = finished("verify", "toy/v001", "--save")
    assert result.code == 1
    assert "judged by rules newer than the data: 1 of 1 moved" in result.out
    (row, other) = json.loads(finished("runs", "toy", "--json").out)
    assert row["rules"] == "judged by rules newer than the data: 1 of 1 moved"
    assert other["rules"] == ""
    (judged,) = json.loads(finished("verify", "toy/v001", "--json").out)
    assert judged["rules"]["moved"] == 1  # since the run's own verdicts, saved or not
    assert judged["counts"]["printed"]["differs"] == 1


def test_a_known_deviation_excuses_what_is_within_its_range_and_says_whether_it_is_a_guess(finished: Terminal) -> None:
    source, text = finished.folder / "toy.py", (finished.folder / "toy.py").read_text()
    deviation = 'KNOWN_DEVIATIONS = {"parabola": Deviation(measured=18.0, within=0.5, reason="guess: a cube")}'
    source.write_text(
        text.replace("KNOWN_DEVIATIONS = {}", deviation).replace(
            "from deepk.lab import", "from deepk.lab import Deviation,"
        )
    )
    excused = finished("verify", "toy/v002")  # power=3: off by 18 at most
    assert excused.code == 0
    assert "guess: a cube" in excused.out
    assert "1 of the differences known, 1 of them by a guess" in excused.out
    data = finished.folder / "results" / "toy" / "v002" / "data.csv"
    data.write_text(data.read_text().replace("3,27.0", "3,30.0"))
    assert finished("verify", "toy/v002").code == 1


def test_reproduce_runs_verifies_and_exits_by_the_claims(toy: Terminal) -> None:
    good = toy("reproduce", "toy")
    assert good.code == 0
    assert "printed: 1 reproduced, 0 errata, 0 differ" in good.out
    source = toy.folder / "toy.py"
    source.write_text(source.read_text().replace("power: float = 2.0", "power: float = 3.0"))
    bad = toy("reproduce", "toy")
    assert bad.code == 1
    assert bad.line == "deepk: toy: parabola differs"


def test_results_go_where_the_user_says(toy: Terminal) -> None:
    assert toy("run", "toy", "--results", "elsewhere").code == 0
    assert (toy.folder / "elsewhere" / "toy" / "v001" / "data.csv").exists()
    assert toy.results() == []


def test_data_list_says_what_is_here(deepk: Terminal) -> None:
    state = {row["name"]: row["state"] for row in json.loads(deepk("data", "list", "--json").out)}
    assert state["digits"] == "present"
    assert state["mnist"] == "missing"


def test_data_check_prints_the_checksum_of_the_digits(deepk: Terminal) -> None:
    result = deepk("data", "check", "digits")
    assert result.code == 0
    name, checksum = result.out.split()
    assert name == "digits"
    assert len(bytes.fromhex(checksum)) == 32


def test_a_users_own_activation_trains(deepk: Terminal) -> None:
    (deepk.folder / "mine.py").write_text("def softsign(x):\n    return x / (1 + x.abs())\n")
    result = deepk(
        "run",
        "eoc-training",
        "activation=mine:softsign",
        "initializations=[edge-of-chaos,ordered]",
        "seed=0",
        "--scale",
        "smoke",
    )
    assert result.code == 0, result.err
    folder = deepk.folder / "results" / "eoc-training" / "v001"
    assert "mine:softsign,edge-of-chaos,0,1," in (folder / "data.csv").read_text()
    assert "ordered-at-chance/mine:softsign" in (folder / "claims.csv").read_text()


def test_a_users_own_images_train(deepk: Terminal) -> None:
    import numpy as np
    from PIL import Image

    generator = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        for label in ("cat", "dog"):
            folder = deepk.folder / "pictures" / split / label
            folder.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(generator.integers(0, 256, (5, 5, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    words = ("data=image-folder", "data.root=pictures", "data.train_size=null", "activation=tanh", "batch_size=4")
    result = deepk("run", "eoc-training", *words, "--scale", "smoke")
    assert result.code == 0, result.err
    record = json.loads((deepk.folder / "results" / "eoc-training" / "v001" / "run.json").read_text())
    assert record["data"]["name"] == "image-folder"


def test_a_diverged_training_is_a_row_and_the_run_goes_on(deepk: Terminal) -> None:
    result = deepk("run", "eoc-training", "learning_rate=1e9", "activation=relu", "seed=0", "--scale", "smoke")
    assert result.code == 0, result.err
    folder = deepk.folder / "results" / "eoc-training" / "v001"
    rows = [line.split(",") for line in (folder / "data.csv").read_text().splitlines()[1:]]
    ends = {row[2]: row for row in rows}
    assert set(ends) == {"edge-of-chaos", "batch-norm", "ordered"}
    assert ends["ordered"][-1] == "diverged"
    assert not math.isfinite(float(ends["ordered"][6] or "nan"))
    (claim,) = [
        line for line in (folder / "claims.csv").read_text().splitlines() if line.startswith("ordered-at-chance")
    ]
    assert "diverged: relu ordered seed 0 at epoch" in claim
    assert ",differs," in claim
