"""The settings as parameters of a pipeline: types, defaults and descriptions come from there."""

import inspect
import itertools
import json
from collections.abc import Callable
from dataclasses import Field
from typing import Any

from kfp.dsl.base_component import BaseComponent

from fanfold.settings.cluster import cluster_fields
from fanfold.settings.search import fields

TYPES = {"str": str, "int": int, "float": float, "bool": bool}


def type_of(field: Field[Any]) -> type:
    """The type of a setting's parameter."""
    return field.metadata["json_type"] or TYPES[field.type]


def line_of(field: Field[Any]) -> str:
    """The line about a setting's parameter."""
    return f"{field.name}: {field.metadata['description']}."


def default_of(field: Field[Any]) -> Any:
    """The default of a setting's parameter."""
    return json.loads(field.default) if field.metadata["json_type"] else field.default


class Parameters(dict[str, Any]):
    """The pipeline's parameters by name, while it is being compiled."""

    def of(self, component: BaseComponent) -> dict[str, Any]:
        """Those that are inputs of `component`, which is what makes them its settings."""
        return {name: self[name] for name in component.component_spec.inputs if name in self}


def takes_settings(body: Callable[[Parameters], None]) -> Callable[..., None]:
    """The pipeline function whose parameters are all settings; `body` gets them by name."""
    every = (*fields(), *cluster_fields())

    def pipeline(*values: Any) -> None:
        body(Parameters(zip((each.name for each in every), values, strict=True)))

    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(each.name, keyword, default=default_of(each), annotation=type_of(each))
        for each in every
    ]
    pipeline.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    pipeline.__name__ = body.__name__
    lines = [f"    {line_of(each)}" for each in every]
    pipeline.__doc__ = "\n".join([inspect.cleandoc(body.__doc__ or ""), "", "Args:", *lines])
    return pipeline


def short_table() -> str:
    """The settings as a list for the pipeline's description, since KFP's form shows only names."""
    lines = [f"- {line_of(each)}" for each in fields()]
    lines.append("- <step>_cpu, <step>_memory: what a pod of the step asks for and may use.")
    of_all_steps = itertools.dropwhile(lambda each: each.name != "s3_secret", cluster_fields())
    lines += [f"- {line_of(each)}" for each in of_all_steps]
    return "\n".join(["Parameters, each with a default that works:", "", *lines])
