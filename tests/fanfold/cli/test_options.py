from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from typer.main import get_command

from fanfold.cli.app import app
from fanfold.cli.options import allowed_values, check_every, option_of
from fanfold.cli.parameters import read_grid, read_parameters
from fanfold.cli.parameters import with_assignments as assigned
from fanfold.errors import UserError
from fanfold.settings.search import fields

GRID = {"n_estimators": [10, 20], "max_depth": [1]}


def test_every_setting_that_one_process_uses_is_an_option_of_tune_with_its_default() -> None:
    tune = get_command(app).commands["tune"]  # type: ignore[attr-defined]
    options = {each.name: each for each in tune.params}
    for setting in fields():
        if setting.name not in ("data", "max_tasks"):
            option = options[setting.name]
            assert option.opts == [option_of(setting.name)]
            assert str(option.default) == str(setting.default)
            assert option.help == setting.metadata["description"]


def test_an_option_is_the_settings_name_in_dashes() -> None:
    assert option_of("text__max_tokens") == "--text-max-tokens"


def test_assignments_are_read_up_to_the_first_equals_sign() -> None:
    assert assigned({}, ["target=a", "grid={'x': '='}"]) == {"target": "a", "grid": "{'x': '='}"}


@pytest.mark.parametrize(
    ("given", "assignments", "said"),
    [
        ({}, ["folds"], "'folds'"),
        ({}, ["=3"], "'=3'"),
        ({}, ["folds=3", "folds=4"], "folds is said twice, by --set"),
        ({"folds": "3"}, ["folds=3"], "folds is said twice, by --folds and by --set"),
    ],
)
def test_an_assignment_that_cannot_be_meant_is_an_error(
    given: dict[str, str], assignments: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        assigned(given, assignments)


@pytest.mark.parametrize("ending", ["json", "yaml", "yml", "JSON"])
def test_parameters_are_read_from_a_file_and_a_grid_keeps_its_order(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"params.{ending}"
    path.write_text(json.dumps({"folds": 3, "grid": GRID}), encoding="utf-8-sig")
    found = read_parameters(str(path))
    assert found == {"folds": 3, "grid": json.dumps(GRID)}
    assert read_parameters(None) == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("params.toml", "folds = 3", "must end in .json, .yaml or .yml"),
        ("params.json", "{folds: 3}", "is not JSON"),
        ("params.yaml", "folds: [3", "is not YAML"),
        ("params.yaml", "!!python/object/apply:os.getcwd []", "is not YAML"),
        ("params.yaml", "- folds", "must hold settings by name"),
        ("params.json", "3", "must hold settings by name"),
        ("params.yaml", "3: folds", "must hold settings by name"),
        ("params.json", '{"folds": 3, "folds": 5}', "names 'folds' twice"),
        ("params.json", '{"grid": {"eta": [3], "eta": [5]}}', "names 'eta' twice"),
        ("params.json", '{"grid": ' + 50_000 * "[", "is nested too deeply"),
        ("params.yaml", "folds: 3\nfolds: 5", "names 'folds' twice"),
        ("params.yaml", "grid: {eta: [3], 'eta': [5]}", "names 'eta' twice"),
        ("params.yaml", "grid: {1: [3], '1': [5]}", "names '1' twice"),
        ("params.yaml", "grid: " + 5000 * "[", "is nested too deeply"),
        ("params.yaml", "grid: &again [*again]", r"as JSON \(Circular reference detected\)"),
        ("params.yaml", "grid: {eta: !!binary aGk=}", "as JSON .*bytes"),
        ("params.yaml", "folds: !!int three", "is not YAML: invalid literal"),
        ("params.yaml", "folds: !!bool three", "is not YAML: 'three'"),
        ("params.yaml", "folds: !!int ''", "is not YAML: string index out of range"),
    ],
    ids=lambda value: value[:40],
)
def test_a_file_of_parameters_that_cannot_be_read_is_an_error_that_names_it(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_parameters(str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_looks_like_a_date_is_text_and_a_merge_may_say_again_what_it_changes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("data: 2024-01-02\nfolds: 2024-13-45\ngrid: {eta: [2024-01-02]}")
    assert read_parameters(str(path)) == {
        "data": "2024-01-02",
        "folds": "2024-13-45",
        "grid": '{"eta": ["2024-01-02"]}',
    }
    merged = "- &one\n  <<: &all {eta: 1, depth: 2}\n  eta: 3\n- {<<: *one, eta: 4}"
    path.write_text(f"grid:\n{merged}")
    assert json.loads(read_parameters(str(path))["grid"]) == [
        {"eta": 3, "depth": 2},
        {"eta": 4, "depth": 2},
    ]


@pytest.mark.parametrize("every", [0.0, -1.0, 86_401.0, 1e10, math.inf, math.nan])
def test_looks_are_above_0_and_at_most_a_day_apart(every: float) -> None:
    with pytest.raises(UserError, match=f"above 0 and at most 86400 but is {every}: give seconds"):
        check_every(every)
    check_every(0.01)
    check_every(86_400)


def test_a_file_of_parameters_that_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.json"):
        read_parameters(str(tmp_path / "nowhere.json"))
    (tmp_path / "latin.json").write_bytes(b'{"data": "\xe9"}')
    with pytest.raises(UserError, match="not UTF-8"):
        read_parameters(str(tmp_path / "latin.json"))


def test_a_grid_is_json_or_the_name_of_a_file_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(GRID))
    assert read_grid({"grid": str(path), "folds": 2}) == {"grid": json.dumps(GRID), "folds": 2}
    assert read_grid({"grid": ' [{"max_depth": 2}]'}) == {"grid": ' [{"max_depth": 2}]'}
    assert read_grid({"folds": 2}) == {"folds": 2}


@pytest.mark.parametrize("grid", ["nowhere.json", "max_depth=3", "", "x" * 5000])
def test_a_grid_that_is_neither_is_an_error_that_shows_it(grid: str) -> None:
    with pytest.raises(UserError, match=f"the grid '{grid[:20]}.*neither a file nor JSON"):
        read_grid({"grid": grid})


def test_a_grid_file_that_is_not_json_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    path.write_text("{max_depth: 3}")
    with pytest.raises(UserError, match=r"grid\.json.*is not JSON"):
        read_grid({"grid": str(path)})
    path.write_text('{"max_depth": 3, "max_depth": 4}')
    with pytest.raises(UserError, match=r"grid\.json' names 'max_depth' twice"):
        read_grid({"grid": str(path)})


def test_what_a_setting_may_be_is_said_in_words() -> None:
    said = {each.name: allowed_values(each) for each in fields()}
    assert said["test_fraction"] == "a number above 0, below 1"
    assert said["folds"] == "a whole number at least 2, at most 1000"
    assert said["metric"] == "rmse, mae, rsq"
    assert said["share_fits"] == "true or false"
    assert said["data"] == ""
