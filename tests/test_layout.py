"""The house keeps its shape: imports point one way, and no experiment lacks a part."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from terminal import REPOSITORY

from cli.catalogue import CONF, names
from experiments.schema import SCHEMAS

ROOMS = {"cli": {"cli", "experiments", "deepk"}, "experiments": {"experiments", "deepk"}, "deepk": {"deepk"}}
MODULES = [path for room in ROOMS for path in sorted((REPOSITORY / room).rglob("*.py"))]


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a module imports from, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found & set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_point_from_cli_to_experiments_to_deepk(path: Path) -> None:
    room = path.relative_to(REPOSITORY).parts[0]
    assert imported_rooms(path) <= ROOMS[room]


def test_an_arrow_that_points_the_wrong_way_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def f():\n    from experiments import schema\n    import cli.app\n")
    assert imported_rooms(module) == {"experiments", "cli"}


@pytest.mark.parametrize("name", names())
def test_an_experiment_has_its_module_schema_scales_and_readme_row(name: str) -> None:
    assert (REPOSITORY / "experiments" / f"{name.replace('-', '_')}.py").is_file()
    assert name in SCHEMAS
    assert (CONF / "scale" / "smoke" / f"{name}.yaml").is_file()
    assert (CONF / "scale" / "laptop" / f"{name}.yaml").is_file()
    assert f"| `{name}` |" in (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize("name", names())
def test_the_about_block_says_what_list_shows(name: str) -> None:
    about = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())["about"]
    assert set(about) == {"title", "paper", "figure", "data", "cost"}
    assert set(about["cost"]) == {"smoke", "laptop", "paper"}


def test_no_schema_or_scale_file_is_without_an_experiment() -> None:
    assert set(SCHEMAS) == set(names())
    assert {path.stem for path in (CONF / "scale").glob("*/*.yaml")} <= set(names())


def test_conf_holds_yaml_alone() -> None:
    assert {path.suffix for path in CONF.rglob("*") if path.is_file()} == {".yaml"}


def test_every_package_is_declared_for_installation() -> None:
    declared = (REPOSITORY / "pyproject.toml").read_text()
    packages = {path.parent.relative_to(REPOSITORY) for path in MODULES if path.name == "__init__.py"}
    assert all(f'"{".".join(package.parts)}",' in declared for package in packages)


@pytest.mark.parametrize("module", ["cli.app", "cli.catalogue", "cli.completion", "experiments.schema"])
def test_the_command_line_answers_without_importing_torch_or_hydra(module: str) -> None:
    check = f"import sys, {module}; print(sorted({{'torch', 'hydra', 'pandas', 'matplotlib'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["cli.configuration", "cli.inspection", "cli.launch"])
def test_a_configuration_is_checked_and_runs_are_listed_without_importing_torch_or_pandas(module: str) -> None:
    check = f"import sys, {module}; print(sorted({{'torch', 'pandas', 'matplotlib', 'sklearn'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_listing_the_experiments_imports_neither_torch_nor_hydra() -> None:
    check = (
        "import sys\nfrom cli.app import app\napp(['list'], standalone_mode=False)\n"
        "assert not {'torch', 'hydra', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], capture_output=True, check=True)
