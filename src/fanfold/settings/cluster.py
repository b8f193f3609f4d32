"""Every setting of the pods: parameters of the pipeline alone, beside those of the search."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fanfold.errors import UserError
from fanfold.settings.search import Settings, check_names, fields, from_mapping, setting


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """What the pods of each step ask for, and may use at most: parameters of the pipeline alone.

    Raises:
        UserError: a value is not a quantity, or not a name, as Kubernetes writes them.
    """

    preprocess_cpu: str = setting("1", "CPUs for preprocess, such as 2 or 500m")
    preprocess_memory: str = setting("2Gi", "Memory for preprocess, such as 512Mi or 4Gi")
    expand_grid_cpu: str = setting("500m", "CPUs for expand_grid")
    expand_grid_memory: str = setting("1Gi", "Memory for expand_grid")
    cross_validate_cpu: str = setting("1", "CPUs for each task of cross_validate")
    cross_validate_memory: str = setting("2Gi", "Memory for each task of cross_validate")
    select_best_cpu: str = setting("500m", "CPUs for select_best")
    select_best_memory: str = setting("1Gi", "Memory for select_best")
    train_final_cpu: str = setting("1", "CPUs for train_final")
    train_final_memory: str = setting("2Gi", "Memory for train_final")
    s3_secret: str = setting(
        "mlpipeline-minio-artifact",
        "Secret whose accesskey and secretkey open s3://; where there is none of this name, the"
        " pod's own role does",
    )

    tolerations: str = setting(
        "[]", "Tolerations of the pods of all other steps than cross_validate", json_type=list
    )
    node_selector: str = setting(
        "{}", "Node labels that the pods of all other steps need", json_type=dict
    )
    cross_validate_tolerations: str = setting(
        "[]",
        "Tolerations of the pods of cross_validate, such as those of spot nodes",
        json_type=list,
    )
    cross_validate_node_selector: str = setting(
        "{}",
        "Node labels that the pods of cross_validate need, such as those of spot nodes",
        json_type=dict,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            given = getattr(self, field.name)
            if field.metadata["json_type"]:
                _check_json(field, given)
                object.__setattr__(
                    self, field.name, given if isinstance(given, str) else json.dumps(given)
                )
                continue
            value = str(given).strip()
            object.__setattr__(self, field.name, value)
            kind, pattern = _QUANTITIES[field.name.rpartition("_")[2]]
            if not re.fullmatch(pattern, value):
                raise UserError(
                    f"{field.name} must be {kind} as Kubernetes writes it, such as"
                    f" {field.default}, but is {value!r}"
                )

    def as_arguments(self) -> dict[str, Any]:
        """Every setting by its name, as the pipeline takes it: JSON text as what it says."""
        return {
            each.name: json.loads(getattr(self, each.name))
            if each.metadata["json_type"]
            else getattr(self, each.name)
            for each in dataclasses.fields(self)
        }


def _check_json(field: dataclasses.Field[Any], given: Any) -> None:
    """Raise `UserError` where `given` is neither the list or dict that is needed, nor its JSON."""
    example = {
        list: """[{"key": "spot", "operator": "Exists"}]""",
        dict: """{"kubernetes.io/arch": "amd64"}""",
    }[field.metadata["json_type"]]
    try:
        value = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        value = None
    inner = value if isinstance(value, list) else [value]
    right = isinstance(value, field.metadata["json_type"]) and all(
        isinstance(each, dict) for each in inner
    )
    if not right:
        raise UserError(f"{field.name} must be JSON such as {example} but is {given!r}")
    for name, text in ((n, v) for each in inner for n, v in each.items()):
        # As YAML and JSON have numbers and booleans, which Kubernetes takes for no label's value.
        if not isinstance(text, str) and name != "tolerationSeconds":
            raise UserError(
                f"{field.name}: the value of {name!r} must be text but is {json.dumps(text)}:"
                f' write "{json.dumps(text)}"'
            )


_QUANTITIES = {
    "cpu": ("CPUs", r"\d+(\.\d+)?|\d+m"),
    "memory": ("memory", r"\d+(\.\d+)?([kMGT]|[KMGT]i)?"),
    "secret": ("the name of a Secret", r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"),
}
"""What a setting must be, by the end of its name, and the pattern of that."""


def cluster_fields() -> Iterator[dataclasses.Field[Any]]:
    """The settings that only the pipeline has, in order."""
    yield from dataclasses.fields(ClusterSettings)


def pipeline_parameters(values: Mapping[str, Any]) -> tuple[Settings, ClusterSettings]:
    """The settings of a pipeline's run, from the names and values of both kinds.

    Raises:
        UserError: a name is not a setting, or a value is not allowed.
    """
    own = [each.name for each in cluster_fields()]
    check_names(values, [*(each.name for each in fields()), *own])
    cluster = ClusterSettings(**{name: value for name, value in values.items() if name in own})
    return from_mapping({n: v for n, v in values.items() if n not in own}), cluster
