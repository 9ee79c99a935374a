"""Figures: the house style and nobody else's, the data that is drawn, and files with the same bytes every time."""

import inspect
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import house_style, plot_with_band

EPOCHS = (1, 2, 5)
ACCURACY = np.random.default_rng(0).random((3, 11))  # a row for each epoch, a column for each seed
TABLE = pd.DataFrame(
    [
        {"seed": seed, "epoch": epoch, "accuracy": ACCURACY[row, seed]}
        for seed in range(11)
        for row, epoch in enumerate(EPOCHS)
    ]
)


def drawn(table: pd.DataFrame = TABLE) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    plot_with_band(axes, table, x="epoch", y="accuracy", label="ReLU", color=figures.BLUE, marker="o")
    return figure


# Style ------------------------------------------------------------------------------------------------------------


def test_the_house_style_leaves_the_users_settings_as_they_were():
    with mpl.rc_context({"lines.linewidth": 17.0, "font.size": 3.0}):
        before = dict(mpl.rcParams)
        with house_style():
            pass
        assert dict(mpl.rcParams) == before


def test_the_house_style_leaves_the_users_settings_as_they_were_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), house_style():
        _ = 1 / 0
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("setting", "users", "ours"),
    [
        ("lines.linewidth", 17.0, 1.8),  # ours, over the user's
        ("axes.facecolor", "black", "white"),  # matplotlib's own, over the user's
    ],
)
def test_inside_the_house_style_the_users_settings_do_not_count(setting, users, ours):
    with mpl.rc_context({setting: users}), house_style():
        assert mpl.rcParams[setting] == ours


def test_the_house_style_keeps_the_backend():
    before = mpl.get_backend()
    with house_style():
        assert mpl.get_backend() == before


def test_colours_in_turn_are_the_named_palette():
    with house_style():
        turn = [to_hex(entry["color"]).upper() for entry in mpl.rcParams["axes.prop_cycle"]]
    named = (figures.BLUE, figures.VERMILION, figures.GREEN, figures.PURPLE, figures.ORANGE, figures.SKY, figures.BLACK)
    assert turn == list(named)


CONFIG = SimpleNamespace(scale="laptop", data=SimpleNamespace(name="mnist"))


def test_the_note_says_setting_images_scale_and_paper_in_the_lower_right_corner():
    figure = Figure()
    figures.note(figure, CONFIG, "arXiv:1902.06853", "depth 200", "10 seeds")
    figure.draw_without_rendering()
    words = "depth 200; 10 seeds; mnist; scale laptop; arXiv:1902.06853"
    (note,) = (text for text in figure.findobj(mpl.text.Text) if text.get_text() == words)
    right, bottom = figure.transFigure.inverted().transform((note.get_window_extent().x1, note.get_window_extent().y0))
    assert 0.95 < right <= 1  # of the figure's width
    assert 0 <= bottom < 0.05  # of its height


def test_series_differ_in_colour_and_marker_and_begin_again_after_seven():
    looks = figures.series("abcdefgh")
    assert len({(look.color, look.marker) for look in looks[:7]}) == 7
    assert looks[7][1:] == looks[0][1:]
    assert [look.name for look in looks] == list("abcdefgh")


def test_panels_come_row_by_row_and_are_of_the_given_size():
    figure, panels = figures.panels(2, 3, size=(2.0, 1.5), sharey="row")
    assert tuple(figure.get_size_inches()) == (6.0, 3.0)
    assert [panel.get_subplotspec().rowspan.start for panel in panels] == [0, 0, 0, 1, 1, 1]


def test_a_shared_legend_has_each_label_once():
    with house_style():
        figure, (left, right) = figures.panels(1, 2)
        for panel in (left, right):
            panel.plot([0, 1], [0, 1], label="theory")
        right.plot([0, 1], [1, 0], label="measured")
        figures.shared_legend(figure, (left, right))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["theory", "measured"]


@pytest.mark.parametrize(
    ("middle", "interval", "center", "ends"),
    [
        ("mean", "range", 4.0, (1.0, 10.0)),
        ("median", "range", 3.0, (1.0, 10.0)),
        # of 1, 2, 3, 4, 10: mean 4, s = sqrt(12.5), t_{.995, 4} = 4.6041; below 8 values a median's is the range
        ("mean", "confidence", 4.0, (4 - 4.6041 * math.sqrt(2.5), 4 + 4.6041 * math.sqrt(2.5))),
        ("median", "confidence", 3.0, (1.0, 10.0)),
    ],
)
def test_markers_stand_at_the_middle_with_an_interval(middle, interval, center, ends):
    _, (panel,) = figures.panels(1, 1)
    table = pd.DataFrame({"depth": 7.0, "error": [3.0, 1.0, 10.0, 2.0, 4.0]})
    (look,) = figures.series(["measured"])
    figures.measured(panel, table, "depth", "error", look, middle=middle, interval=interval)
    (bars,) = panel.containers
    assert bars.lines[0].get_xydata().tolist() == [[7.0, center]]
    assert bars.get_label() == "measured"
    (segment,) = bars.lines[2][0].get_segments()
    assert segment[:, 1].tolist() == pytest.approx(ends, rel=1e-4)


def test_a_single_value_has_no_interval():
    _, (panel,) = figures.panels(1, 1)
    (look,) = figures.series(["measured"])
    figures.measured(panel, pd.DataFrame({"x": [1], "y": [2.0]}), "x", "y", look, interval="confidence")
    (segment,) = panel.containers[0].lines[2][0].get_segments()
    assert segment[:, 1].tolist() == [2.0, 2.0]


def test_closed_figures_hold_nothing():
    figure = drawn()
    figures.close_all([figure])
    assert figure.axes == []


# Bands ------------------------------------------------------------------------------------------------------------


def test_the_line_is_the_mean_over_seeds():
    (line,) = drawn().axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), ACCURACY.mean(axis=1), rtol=1e-14)  # sums of 11 in another order


def test_the_line_stands_at_each_epoch():
    (line,) = drawn().axes[0].lines
    assert list(line.get_xdata()) == list(EPOCHS)


def test_the_band_runs_from_the_5th_to_the_95th_percentile():
    (band,) = drawn().axes[0].collections
    corners = band.get_paths()[0].vertices
    for row, epoch in enumerate(EPOCHS):
        at = corners[corners[:, 0] == epoch, 1]
        expected = np.percentile(ACCURACY[row], [5, 95])
        np.testing.assert_allclose([at.min(), at.max()], expected, rtol=1e-14)  # one interpolation


def test_rows_in_any_order_give_the_same_line():
    shuffled = TABLE.sample(frac=1, random_state=3)
    (line,), (again,) = drawn().axes[0].lines, drawn(shuffled).axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), again.get_xydata(), rtol=1e-14)  # sums of 11 in another order


def test_one_seed_has_a_band_of_no_height():
    (band,) = drawn(TABLE[TABLE["seed"] == 0]).axes[0].collections
    corners = band.get_paths()[0].vertices
    for row, epoch in enumerate(EPOCHS):
        assert set(corners[corners[:, 0] == epoch, 1]) == {ACCURACY[row, 0]}


def test_line_and_band_have_the_colour_that_was_asked_for():
    axes = drawn().axes[0]
    assert to_rgba(axes.lines[0].get_color()) == to_rgba(figures.BLUE)
    assert tuple(axes.collections[0].get_facecolor()[0][:3]) == to_rgba(figures.BLUE)[:3]


def test_the_legend_names_the_line_once():
    _, labels = drawn().axes[0].get_legend_handles_labels()
    assert labels == ["ReLU"]


@given(points=st.integers(1, 500))
def test_no_more_than_20_points_are_marked(points):
    # In place of axes, so that five hundred figures need not be made: `every` is what plot_with_band hands on.
    marked = []

    class Axes:
        def plot(self, x, _y, *, markevery, **_style):
            marked.append(len(x[::markevery]))

        def fill_between(self, *_band, **_style):
            pass

    table = pd.DataFrame({"epoch": range(points), "accuracy": 0.5})
    plot_with_band(Axes(), table, x="epoch", y="accuracy", label="", color="k", marker="o")
    assert min(points, 10) <= marked[0] <= 20


# Files ------------------------------------------------------------------------------------------------------------


def write(folder: Path) -> None:
    """A figure with everything that ours have, into a folder. Stands alone, so that another process can run it."""
    from types import SimpleNamespace

    import pandas as pd
    from matplotlib.figure import Figure

    from deepk import figures
    from deepk.lab.store import write_figure

    table = pd.DataFrame({"epoch": [1, 1, 2, 2], "accuracy": [0.125, 0.25, 0.5, 0.75]})
    with figures.house_style():
        figure = Figure()
        axes = figure.subplots()
        figures.plot_with_band(axes, table, x="epoch", y="accuracy", label="ReLU", color=figures.BLUE, marker="o")
        axes.set_xlabel(r"epoch $l$, with $\chi_1 = 1$")
        axes.legend()
        figures.note(figure, SimpleNamespace(scale="smoke"), "arXiv:1902.06853", "digits, 2 seeds")
        write_figure(folder, "accuracy", figure)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("figures")
    write(folder)
    return contents(folder)


def test_the_same_table_gives_the_same_bytes_whatever_the_users_settings(written, tmp_path):
    with mpl.rc_context({"lines.linewidth": 17.0, "savefig.dpi": 31.0}):
        write(tmp_path)
    assert contents(tmp_path) == written


def test_another_process_gives_the_same_bytes(written, tmp_path):
    # With another hash seed: an order of a set that got into a file would show.
    code = f"import sys\nfrom pathlib import Path\n{inspect.getsource(write)}\nwrite(Path(sys.argv[1]))"
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
    assert contents(tmp_path) == written


@pytest.mark.parametrize(("name", "magic"), [("accuracy.png", b"\x89PNG"), ("accuracy.pdf", b"%PDF")])
def test_each_file_is_of_the_kind_its_name_says(name, magic, written):
    assert written[name].startswith(magic)


@pytest.mark.parametrize("mark", [b"CreationDate", b"ModDate"])
def test_a_figure_carries_no_date(mark, written):
    assert mark not in written["accuracy.pdf"]
