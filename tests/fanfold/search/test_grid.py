"""The grid: candidates as scikit-learn would list them, ids that stay, units and tasks."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import ParameterGrid

from fanfold.errors import UserError
from fanfold.estimators.base import get_estimator
from fanfold.estimators.hyperparameters import label_of
from fanfold.features.text import TextSettings
from fanfold.search.grid import Candidate, Unit, expand, make_candidate, make_units, pack
from fanfold.settings.search import SEED_GRID

XGBOOST = get_estimator("xgboost")
RIDGE = get_estimator("sklearn.linear_model.Ridge")
FOREST = get_estimator("sklearn.ensemble.RandomForestRegressor")

AXES = {
    "max_depth": [2, 6, 12],
    "n_estimators": [10, 300, 500],
    "learning_rate": [0.1, 0.3],
    "subsample": [0.5, 0.8, 1.0],
    "text__max_tokens": [100, 1000],
    "text__weighting": ["tfidf", "count"],
}


def _subset(name: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(AXES[name]), min_size=1, unique=True)


grids = st.lists(st.sampled_from(list(AXES)), min_size=1, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _subset(name) for name in names})
)


def points(candidates: list[Candidate]) -> list[dict[str, Any]]:
    return [each.parameters for each in candidates]


def as_set(parameters: Any) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(each.items()) for each in parameters}


@given(grids)
def test_a_dict_of_lists_has_the_candidates_of_scikit_learns_parameter_grid(
    grid: dict[str, Any],
) -> None:
    found = points(expand(grid, XGBOOST))
    assert as_set(found) == as_set(ParameterGrid(grid))
    assert len(found) == len(ParameterGrid(grid))


@given(grids)
def test_the_first_axis_varies_slowest(grid: dict[str, Any]) -> None:
    nested = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    assert points(expand(grid, XGBOOST)) == nested


@given(grids)
def test_every_way_to_write_a_grid_gives_the_same_candidates(grid: dict[str, Any]) -> None:
    whole = expand(grid, XGBOOST)
    assert expand(points(whole), XGBOOST) == whole
    assert expand([grid], XGBOOST) == whole
    assert expand(json.dumps(grid), XGBOOST) == whole
    assert expand(json.dumps(points(whole)), XGBOOST) == whole
    as_numpy = {name: [np.array(value)[()] for value in values] for name, values in grid.items()}
    assert expand(as_numpy, XGBOOST) == whole


def test_a_list_of_dicts_of_lists_is_several_grids_one_after_another() -> None:
    grid = [{"max_depth": [1, 2], "subsample": 0.5}, {"gamma": [0.1]}, {"max_depth": 9}]
    assert points(expand(grid, XGBOOST)) == [
        {"max_depth": 1, "subsample": 0.5},
        {"max_depth": 2, "subsample": 0.5},
        {"gamma": 0.1},
        {"max_depth": 9},
    ]
    assert as_set(points(expand(grid[:2], XGBOOST))) == as_set(
        ParameterGrid([{"max_depth": [1, 2], "subsample": [0.5]}, {"gamma": [0.1]}])
    )


def test_one_candidate_of_defaults_is_a_grid() -> None:
    assert points(expand({}, XGBOOST)) == [{}]
    assert points(expand([{}, {"max_depth": 3}], XGBOOST)) == [{}, {"max_depth": 3}]


def test_the_default_grid_is_the_seeds_16_candidates_in_8_units() -> None:
    found = expand(SEED_GRID, XGBOOST)
    assert [tuple(each.values()) for each in points(found)] == [
        (mtry, trees, depth, sample, 32)
        for mtry in (0.5, 1.0)
        for trees in (300, 500)
        for depth in (6, 12)
        for sample in (0.8, 1.0)
    ]
    assert list(found[0].parameters) == [
        "colsample_bynode", "n_estimators", "max_depth", "subsample", "max_bin",
    ]  # fmt: skip
    units = make_units(found, XGBOOST)
    assert len(units) == 8
    assert [unit.label for unit in units][:2] == [
        "colsample_bynode=0.5 max_depth=6 subsample=0.8",
        "colsample_bynode=0.5 max_depth=6 subsample=1.0",
    ]
    for unit in units:
        assert [each.parameters["n_estimators"] for each in unit.candidates] == [300, 500]


FROZEN = {
    "0a6f420cbb9f": {},
    "28b10a7649b0": {
        "colsample_bynode": 0.5, "n_estimators": 300, "max_depth": 6, "subsample": 1.0,
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), FROZEN.items())
def test_an_id_is_the_same_in_every_version(name: str, parameters: dict[str, Any]) -> None:
    assert make_candidate(parameters, XGBOOST).id == name


@given(grids, st.randoms(use_true_random=False))
def test_a_combination_has_the_same_id_in_any_grid(grid: dict[str, Any], random: Any) -> None:
    for each in expand(grid, XGBOOST):
        shuffled = list(each.parameters.items())
        random.shuffle(shuffled)
        alone = expand([dict(shuffled)], XGBOOST)[0]
        assert alone.id == each.id
        assert len(each.id) == 12 and int(each.id, 16) >= 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"max_depth": 6}, {"max_depth": 6.0}),
        ({"subsample": 1}, {"subsample": 1.0}),
        ({"max_depth": 6}, {"max_depth": 6, "text__max_tokens": 100}),
        ({}, TextSettings().as_parameters()),
        ({"text__min_times": 0}, {"text__min_times": 0.0}),
    ],
)
def test_the_same_parameters_written_in_another_way_have_the_same_id(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert make_candidate(one, XGBOOST).id == make_candidate(other, XGBOOST).id
    with pytest.raises(UserError, match="twice"):
        expand([one, other], XGBOOST)


def test_other_parameters_have_another_id() -> None:
    grid = {name: values for name, values in AXES.items() if name != "n_estimators"}
    found = expand(grid, XGBOOST)
    assert len({each.id for each in found}) == len(found) == 72


def test_whole_numbers_stay_whole_and_shares_stay_shares() -> None:
    shown = make_candidate({"max_depth": 6.0, "subsample": 1, "text__max_tokens": 50.0}, XGBOOST)
    assert repr(shown.parameters) == "{'max_depth': 6, 'subsample': 1.0, 'text__max_tokens': 50}"


def test_text_settings_of_the_run_hold_for_candidates_that_do_not_say_theirs() -> None:
    defaults = TextSettings(max_tokens=50, weighting="count").as_parameters()
    found = expand([{"max_depth": 3}, {"text__max_tokens": 70}], XGBOOST, defaults)
    assert [each.text.max_tokens for each in found] == [50, 70]
    assert [each.text.weighting for each in found] == ["count", "count"]
    alone = make_candidate({"max_depth": 3, "text__max_tokens": 50, "text__weighting": "count"},
                           XGBOOST)  # fmt: skip
    assert found[0].id == alone.id


def test_a_candidates_parameters_are_told_apart_into_text_and_model() -> None:
    found = make_candidate({"max_depth": 3, "text__max_tokens": 7}, XGBOOST)
    assert found.model_parameters == {"max_depth": 3}
    assert found.text == TextSettings(max_tokens=7)


REFUSED = [
    ([], "the grid is empty: name at least one candidate"),
    ("[]", "the grid is empty"),
    ("", "the grid is not JSON"),
    ("{max_depth: [6]}", 'write {"max_depth": [6, 12]} or'),
    ("6", "the grid must be a dict of lists or a list of dicts but is '6'"),
    ("null", "the grid must be a dict of lists or a list of dicts but is 'None'"),
    (5000 * "[", "the grid is nested too deeply: write"),
    ('["max_depth"]', "the grid must be a dict of lists or a list of dicts but is"),
    ({"max_depth": []}, "the grid's 'max_depth' is an empty list"),
    ({"max_depth": {"low": 1}}, "the grid's 'max_depth' is a dict: give a list of values"),
    ({"max_deph": [6]}, "xgboost has no hyperparameter 'max_deph'; did you mean 'max_depth'?"),
    ({"text_max_tokens": [6]}, "did you mean 'text__max_tokens'?"),
    ({"text__max_token": [6]}, "did you mean 'text__max_tokens'?"),
    ({"xyzzy": [6]}, "xgboost has no hyperparameter 'xyzzy'; allowed: n_estimators, max_depth,"),
    ({"nthread": [2]}, "xgboost has no hyperparameter 'nthread'"),
    ({"max_depth": ["6"]}, "max_depth must be a whole number, at least 0 but is '6'"),
    ({"max_depth": [6.5]}, "max_depth must be a whole number, at least 0 but is 6.5"),
    ({"max_depth": [True]}, "max_depth must be a whole number, at least 0 but is True"),
    ({"max_depth": [None]}, "max_depth must be a whole number, at least 0 but is None"),
    ({"max_depth": [[1, 2]]}, "max_depth=[1, 2] is a list: a hyperparameter is a number"),
    ({"n_estimators": [0]}, "n_estimators must be a whole number, at least 1 but is 0"),
    ({"subsample": [1.5]}, "subsample must be a number, above 0 and at most 1 but is 1.5"),
    ({"subsample": [0]}, "subsample must be a number, above 0 and at most 1 but is 0"),
    ({"learning_rate": [float("nan")]}, "learning_rate must be a number, above 0 but is nan"),
    ({"grow_policy": ["deep"]}, "grow_policy must be one of depthwise, lossguide but is 'deep'"),
    ({"text__max_tokens": [0]}, "text__max_tokens must be a whole number, at least 1, but is 0"),
    ({"text__weighting": ["tf"]}, "text__weighting must be one of tfidf, count but is 'tf'"),
    ({"text__min_times": ["low"]}, "text__min_times must be a share of all tokens"),
    ({"max_depth": [6, 12, 6]}, "the grid holds 'max_depth=6' twice: leave one out"),
    ([{"max_depth": 6}, {"max_depth": [5, 6]}], "the grid holds 'max_depth=6' twice"),
    ('{"max_depth": [3], "max_depth": [6]}', "the grid names 'max_depth' twice in one object"),
    ({"max_depth": list(range(101)), "n_estimators": list(range(1, 101))},
     "the grid has more than 10,000 candidates"),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_grid_that_is_wrong_is_refused_and_the_part_named(grid: Any, message: str) -> None:
    with pytest.raises(UserError) as refused:
        expand(grid, XGBOOST)
    assert message in str(refused.value)


def test_a_mistyped_axis_is_refused_before_its_candidates_are_made() -> None:
    huge = {name: list(range(1, 2000)) for name in ("max_depth", "n_estimators", "max_leaves")}
    with pytest.raises(UserError, match="more than 10,000 candidates"):
        expand(huge, XGBOOST)


def test_the_largest_grid_is_allowed() -> None:
    grid = {"max_depth": list(range(100)), "n_estimators": list(range(1, 101))}
    assert len(expand(grid, XGBOOST)) == 10_000


@settings(deadline=None)
@given(grids)
def test_candidates_of_a_unit_differ_only_in_their_rounds(grid: dict[str, Any]) -> None:
    candidates = expand(grid, XGBOOST)
    units = make_units(candidates, XGBOOST)
    assert sorted(each.id for unit in units for each in unit.candidates) == sorted(
        each.id for each in candidates
    )
    without_rounds = [{k: v for k, v in each.parameters.items() if k != "n_estimators"}
                      for each in candidates]  # fmt: skip
    assert len(units) == len(as_set(without_rounds))
    for unit in units:
        rounds = [each.parameters.get("n_estimators", 100) for each in unit.candidates]
        assert rounds == sorted(set(rounds))
        rest = [{k: v for k, v in each.parameters.items() if k != "n_estimators"}
                for each in unit.candidates]  # fmt: skip
        assert all(each == rest[0] for each in rest)


def test_text_settings_part_units() -> None:
    grid = {"n_estimators": [5, 10], "text__max_tokens": [10, 20]}
    assert len(make_units(expand(grid, XGBOOST), XGBOOST)) == 2


@given(grids)
def test_without_shared_fits_every_candidate_is_a_unit(grid: dict[str, Any]) -> None:
    candidates = expand(grid, XGBOOST)
    units = make_units(candidates, XGBOOST, share_fits=False)
    assert [unit.candidates for unit in units] == [(each,) for each in candidates]


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [(RIDGE, {"alpha": [1, 2, 3]}), (FOREST, {"n_estimators": [5, 10, 20]})],
)
def test_scikit_learns_estimators_share_no_fit(estimator: Any, grid: dict[str, Any]) -> None:
    units = make_units(expand(grid, estimator), estimator)
    assert [len(unit.candidates) for unit in units] == [1, 1, 1]


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        ({"n_estimators": [1, 2]}, ["n_estimators=2"]),
        ({"n_estimators": [1, 2], "max_depth": [3, 4]}, ["max_depth=3", "max_depth=4"]),
        ({"max_depth": [3], "subsample": [0.5, 1]}, ["subsample=0.5", "subsample=1.0"]),
        ({"max_depth": [3]}, ["max_depth=3"]),
        ({}, ["defaults"]),
    ],
)
def test_a_unit_is_labelled_by_what_sets_it_apart(grid: dict[str, Any], names: list[str]) -> None:
    assert [unit.label for unit in make_units(expand(grid, XGBOOST), XGBOOST)] == names


def test_a_label_names_parameters_and_values() -> None:
    assert label_of({"max_depth": 6, "subsample": 0.8}) == "max_depth=6 subsample=0.8"
    assert label_of({}) == "defaults"


def cost(units: list[Unit]) -> float:
    return sum(XGBOOST.cost(unit.candidates[-1].model_parameters) for unit in units)


@settings(deadline=None)
@given(grids, st.integers(1, 12), st.booleans())
def test_tasks_hold_every_unit_once_and_no_task_is_far_above_its_part(
    grid: dict[str, Any], max_tasks: int, share_fits: bool
) -> None:
    units = make_units(expand(grid, XGBOOST), XGBOOST, share_fits=share_fits)
    tasks = pack(units, XGBOOST, max_tasks)
    assert len(tasks) == min(len(units), max_tasks)
    assert all(tasks)
    place = {id(unit): number for number, unit in enumerate(units)}
    assert sorted(place[id(unit)] for task in tasks for unit in task) == list(range(len(units)))
    # Graham 1969: giving each to whoever has least is at most this far from even.
    even = cost(units) / len(tasks)
    dearest = max(cost([unit]) for unit in units)
    assert max(map(cost, tasks)) <= even + dearest * (1 - 1 / len(tasks)) + 1e-9


def test_no_more_units_than_tasks_are_one_a_task_in_grid_order() -> None:
    units = make_units(expand(SEED_GRID, XGBOOST), XGBOOST)
    assert pack(units, XGBOOST, 8) == [[unit] for unit in units]
    assert pack(units, XGBOOST, 1000) == [[unit] for unit in units]


def test_each_of_two_tasks_gets_as_many_of_every_value() -> None:
    tasks = pack(make_units(expand(SEED_GRID, XGBOOST), XGBOOST), XGBOOST, 2)
    for name in ("colsample_bynode", "max_depth", "subsample"):
        for task in tasks:
            values = [unit.candidates[-1].parameters[name] for unit in task]
            assert set(Counter(values).values()) == {2}


def test_equal_units_are_shared_out_evenly() -> None:
    units = make_units(expand({"gamma": list(range(1000))}, XGBOOST), XGBOOST)
    sizes = [len(task) for task in pack(units, XGBOOST, 32)]
    assert set(sizes) == {31, 32}


def test_dear_units_do_not_share_a_task_while_another_holds_cheap_ones() -> None:
    grid = [{"max_depth": depth} for depth in (100, 1, 2, 3, 99)]
    tasks = pack(make_units(expand(grid, XGBOOST), XGBOOST), XGBOOST, 2)
    assert [[unit.candidates[0].parameters["max_depth"] for unit in task] for task in tasks] == [
        [100, 1, 2], [3, 99],
    ]  # fmt: skip
