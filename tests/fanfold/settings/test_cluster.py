"""What pods ask for: quantities and JSON as Kubernetes takes them, and names told apart."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from fanfold.errors import UserError
from fanfold.settings.cluster import ClusterSettings, cluster_fields, pipeline_parameters
from fanfold.settings.search import Settings, fields


def test_no_setting_of_the_search_has_the_same_name() -> None:
    assert {each.name for each in cluster_fields()} & {each.name for each in fields()} == set()


def test_every_setting_is_described_in_one_line_and_has_a_default_that_is_allowed() -> None:
    ClusterSettings()
    for each in cluster_fields():
        said = each.metadata["description"]
        assert said and said == inspect.cleandoc(said) and "\n" not in said
        assert type(each.default).__name__ == each.type


@pytest.mark.parametrize("value", ["1", "0.5", "500m", "16", 2])
def test_cpus_are_written_as_kubernetes_writes_them(value: Any) -> None:
    assert ClusterSettings(cross_validate_cpu=value).cross_validate_cpu == str(value)


@pytest.mark.parametrize("value", ["512Mi", "4Gi", "1.5Gi", "2G", "1000000"])
def test_memory_is_written_as_kubernetes_writes_it(value: str) -> None:
    assert ClusterSettings(train_final_memory=value).train_final_memory == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cross_validate_cpu", "2 cores"),
        ("preprocess_cpu", "-1"),
        ("train_final_memory", "4GB"),
        ("select_best_memory", ""),
        ("expand_grid_memory", "lots"),
    ],
)
def test_a_quantity_that_kubernetes_would_refuse_is_refused_first(name: str, value: str) -> None:
    with pytest.raises(UserError, match=f"{name} must be .* such as .*, but is {value!r}"):
        pipeline_parameters({name: value})


def test_a_pipelines_parameters_are_told_apart_by_name() -> None:
    own, cluster = pipeline_parameters({"folds": "3", "cross_validate_cpu": "500m"})
    assert own == Settings(folds=3)
    assert cluster == ClusterSettings(cross_validate_cpu="500m")


@pytest.mark.parametrize("name", ["tolerations", "cross_validate_tolerations"])
@pytest.mark.parametrize("value", [[], [{"key": "spot"}], '[{"key": "spot"}]'])
def test_tolerations_are_a_list_or_its_json(name: str, value: Any) -> None:
    expected = json.loads(value) if isinstance(value, str) else value
    assert ClusterSettings(**{name: value}).as_arguments()[name] == expected


def test_a_toleration_may_end_after_so_many_seconds() -> None:
    value = [{"key": "spot", "effect": "NoExecute", "tolerationSeconds": 60}]
    assert ClusterSettings(tolerations=value).as_arguments()["tolerations"] == value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("tolerations", [{"key": "spot", "value": True}], """'value' .* true: write "true\""""),
        ("node_selector", '{"cores": 4}', """'cores' .* is 4: write "4\""""),
        ("cross_validate_node_selector", {"spot": None}, "'spot' must be text but is null"),
    ],
)
def test_what_yaml_takes_for_no_text_is_refused(name: str, value: Any, said: str) -> None:
    with pytest.raises(UserError, match=f"{name}: the value of {said}"):
        ClusterSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tolerations", "spot"),
        ("tolerations", {"key": "spot"}),
        ("tolerations", ["spot"]),
        ("node_selector", []),
        ("cross_validate_node_selector", "lifecycle=spot"),
    ],
)
def test_what_is_no_such_json_is_refused_with_an_example(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{name} must be JSON such as .*kubernetes|spot.* but is"):
        ClusterSettings(**{name: value})
