"""Each component is a thin face of one step: its inputs are settings, and it works alone."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp.dsl.base_component import BaseComponent

from fanfold import steps
from fanfold.results.summary import COST_SETTINGS
from fanfold.settings.search import Settings

ROOT = Path(__file__).parents[2]
NAMES = ("preprocess", "expand_grid", "cross_validate", "select_best", "train_final")
KINDS = {"str": "String", "int": "Integer", "float": "Float", "bool": "Boolean"}


def component(name: str) -> BaseComponent:
    module = importlib.import_module(f"components.{name}.component")
    return getattr(module, name)


def source(name: str) -> ast.Module:
    return ast.parse((ROOT / "components" / name / "component.py").read_text(encoding="utf-8"))


def test_there_is_a_folder_for_each_step_and_no_other() -> None:
    folders = {path.parent.name for path in (ROOT / "components").glob("*/component.py")}
    assert folders == set(NAMES)
    assert all(callable(getattr(steps, name)) for name in NAMES)


def test_every_setting_is_an_input_of_one_component_with_its_default_and_type() -> None:
    inputs = [
        (name, spec.default, spec.type)
        for each in NAMES
        for name, spec in component(each).component_spec.inputs.items()
        if name in Settings.__dataclass_fields__
    ]
    settings = [
        (each.name, each.default, KINDS[each.type]) for each in dataclasses.fields(Settings)
    ]
    # A mistake in the rule of the choice is told by expand_grid, before hours of fits.
    checked_early = [each for each in settings if each[0] in ("metric", "selection", "simplest_by")]
    assert sorted(inputs) == sorted(settings + checked_early)


def test_what_is_only_said_of_the_cost_reaches_no_task_that_may_come_from_a_cache() -> None:
    takers = {n for n in NAMES if set(COST_SETTINGS) & set(component(n).component_spec.inputs)}
    assert takers == {"train_final"}


@pytest.mark.parametrize("name", NAMES)
def test_every_input_and_output_says_what_it_is(name: str) -> None:
    spec = component(name).component_spec
    assert spec.description
    for described in (*spec.inputs.values(), *spec.outputs.values()):
        assert re.fullmatch(r"[A-Z][^\n]*\.", described.description), described


@pytest.mark.parametrize("name", NAMES)
def test_a_body_calls_one_step_of_the_engine_and_imports_nothing_else_of_it(name: str) -> None:
    (function,) = [each for each in source(name).body if isinstance(each, ast.FunctionDef)]
    calls = [
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "steps"
    ]
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(calls) == ["Artifacts", name]
    assert imported <= {"fanfold.steps", "fanfold.Settings"}


@pytest.mark.parametrize("name", NAMES)
def test_a_module_holds_nothing_that_kfp_cannot_take(name: str) -> None:
    text = (ROOT / "components" / name / "component.py").read_text(encoding="utf-8")
    assert "from __future__ import annotations" not in text
    assert "{{$" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_component_installs_nothing_and_runs_in_the_image_that_the_environment_names(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def container() -> dict[str, Any]:
        reloaded = importlib.reload(importlib.import_module(f"components.{name}.component"))
        (executor,) = getattr(reloaded, name).pipeline_spec.deployment_spec["executors"].values()
        return dict(executor["container"])

    base = importlib.import_module("components.base")
    assert "pip install" not in " ".join(container()["command"])
    assert "python" in container()["image"]
    with monkeypatch.context() as patch:
        patch.setenv("FANFOLD_IMAGE", "registry.example/mine-python:7")
        importlib.reload(base)
        assert container()["image"] == "registry.example/mine-python:7"
    importlib.reload(base)
    assert container()["image"] == base.DEFAULT_IMAGE


def test_the_default_image_has_the_version_of_the_package() -> None:
    base = importlib.import_module("components.base")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'(?m)^version = "(.+)"', project)
    assert base.DEFAULT_IMAGE.endswith(f":{version}")


@pytest.mark.parametrize("name", NAMES)
def test_a_readme_names_every_input_and_output_of_the_compiled_component(name: str) -> None:
    folder = ROOT / "components" / name
    spec = yaml.safe_load((folder / "component.yaml").read_text(encoding="utf-8"))["root"]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?m)^\| `(\w+)` \|", readme))
    defined = {
        name
        for side in ("inputDefinitions", "outputDefinitions")
        for kind in ("parameters", "artifacts")
        for name in spec.get(side, {}).get(kind, {})
    }
    assert named == defined


def test_the_signature_of_each_component_is_what_the_readme_was_made_from() -> None:
    for name in NAMES:
        spec = component(name).component_spec
        parameters = inspect.signature(component(name).python_func).parameters
        assert set(parameters) == {*spec.inputs, *spec.outputs} - {"Output"}
