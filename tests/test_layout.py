"""The house keeps its shape: imports point one way and in no circle, and no experiment lacks a part."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from terminal import REPOSITORY

from cli.catalogue import CONF, find, names
from deepk.lab import Configuration
from deepk.lab.contract import ARGUMENT, PARTS

ROOMS = {"cli": {"cli", "experiments", "deepk"}, "experiments": {"experiments", "deepk"}, "deepk": {"deepk"}}
PATHS = {path: room for room in ROOMS for path in sorted((REPOSITORY / room).rglob("*.py"))}
MODULES = {
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): path for path in PATHS
}
PACKAGES = [name.replace("-", "_") for name in names()]
LONGEST_MODULE, LONGEST_FUNCTION, MEDIAN_MODULE = 350, 50, 150


def imports(path: Path, *, everywhere: bool) -> Iterator[str]:
    """Modules that a module imports at its top, not for types alone; `everywhere`, also inside functions and for types.

    Of `from a import b` both a and a.b, which may be a module.
    """
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path, everywhere=True)} & set(ROOMS)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_point_from_cli_to_experiments_to_deepk(path: Path) -> None:
    assert rooms(path) <= ROOMS[PATHS[path]]


def test_an_arrow_that_points_the_wrong_way_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def f():\n    from experiments import config\n    import cli.app\n")
    assert rooms(module) == {"experiments", "cli"}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The circles that a walk along the arrows closes."""
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        if module in path:
            found.append([*path[path.index(module) :], module])
        elif module not in done:
            for other in sorted(graph[module]):
                walk(other, [*path, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    return found


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        name: {module for module in imports(path, everywhere=False) if module in MODULES and module != name}
        for name, path in MODULES.items()
    }
    # An experiment's modules import names from the package that they belong to; a package imports its own modules.
    own = {name: {other for other in others if not name.startswith(f"{other}.")} for name, others in graph.items()}
    assert circles(own) == []


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == [["a", "b", "c", "a"]]


def test_the_rooms_of_the_library_import_each_other_one_way() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        parts = name.split(".")
        if parts[0] == "deepk" and len(parts) > 1:
            others = {module.split(".")[1] for module in imports(path, everywhere=False) if module.startswith("deepk.")}
            graph.setdefault(parts[1], set()).update(others - {parts[1]})
    known = {room: {other for other in others if other in graph} for room, others in graph.items()}
    assert circles(known) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_experiment_imports_another(package: str) -> None:
    for path in (REPOSITORY / "experiments" / package).rglob("*.py"):
        others = {
            module.split(".")[1] for module in imports(path, everywhere=True) if module.startswith("experiments.")
        }
        assert not others & set(PACKAGES) - {package}


@pytest.mark.parametrize("name", names())
def test_an_experiment_is_a_package_with_scales_and_a_readme_row(name: str) -> None:
    folder = REPOSITORY / "experiments" / name.replace("-", "_")
    assert {f"{part}.py" for part in PARTS.values()} <= {path.name for path in folder.iterdir()}
    argument = import_module(find(name).module)
    assert all(hasattr(argument, part) for part in ARGUMENT)
    assert issubclass(find(name).config, Configuration)
    assert (CONF / "scale" / "smoke" / f"{name}.yaml").is_file()
    assert (CONF / "scale" / "laptop" / f"{name}.yaml").is_file()
    assert f"| `{name}` |" in (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize("name", names())
def test_the_about_block_says_what_list_shows(name: str) -> None:
    about = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())["about"]
    assert set(about) == {"title", "paper", "figure", "data", "cost"}
    assert set(about["cost"]) == {"smoke", "laptop", "paper"}


def test_no_package_or_scale_file_is_without_an_experiment() -> None:
    packages = {path.parent.name for path in (REPOSITORY / "experiments").glob("*/__init__.py")}
    assert packages - {"published"} == set(PACKAGES)
    assert {path.stem for path in (CONF / "scale").glob("*/*.yaml")} <= set(names())


def test_conf_holds_yaml_alone() -> None:
    assert {path.suffix for path in CONF.rglob("*") if path.is_file()} == {".yaml"}


def test_only_the_run_folder_knows_what_the_files_of_a_run_are_called() -> None:
    literal = re.compile(r"[\"'](run\.json|config\.yaml|overrides\.yaml|run\.log|dirty\.patch|[a-z]+\.csv)[\"']")
    for path in (REPOSITORY / "cli").glob("*.py"):
        assert not literal.search(path.read_text()), path.name


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_modules_and_functions_are_short_enough_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE
    assert [(name, lines) for name, lines in functions(path) if lines > LONGEST_FUNCTION] == []


def test_the_median_module_of_an_experiment_fits_on_a_few_screens() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in (REPOSITORY / "experiments").rglob("*.py"))
    assert lengths[len(lengths) // 2] <= MEDIAN_MODULE


@pytest.mark.xdist_group("layout")
def test_tests_of_a_group_share_a_process(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # else there is one process
        assert request.node.nodeid.endswith("@layout")


def imported_by(statement: str) -> set[str]:
    """Heavy packages that a fresh process has after a statement."""
    heavy = "{'torch', 'hydra', 'pandas', 'matplotlib', 'sklearn', 'scipy', 'numpy'}"
    check = f"import sys\n{statement}\nprint(*({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_command_line_answers_without_importing_anything_heavy() -> None:
    assert imported_by("import cli.app, cli.catalogue, cli.completion\ncli.catalogue.names()") == set()


def test_configurations_are_checked_and_runs_are_planned_without_torch_and_pandas() -> None:
    every = ", ".join(f"experiments.{package}" for package in PACKAGES)
    statement = f"import cli.configuration, cli.launch, deepk.lab.verification, {every}"
    assert not imported_by(statement) & {"torch", "pandas", "matplotlib", "sklearn"}


def test_claims_are_judged_and_figures_drawn_without_torch() -> None:
    rooms = ", ".join(f"experiments.{package}.{room}" for package in PACKAGES for room in ("claims", "figures"))
    assert "torch" not in imported_by(f"import {rooms}")
