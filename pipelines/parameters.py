"""The settings as parameters of a pipeline: types, defaults and descriptions come from there."""

import inspect
from collections.abc import Callable
from typing import Any

from kfp.dsl.base_component import BaseComponent

from fanfold.settings import cluster_fields, describe, fields

TYPES = {"str": str, "int": int, "float": float, "bool": bool}


class Parameters(dict[str, Any]):
    """The pipeline's parameters by name, while it is being compiled."""

    def of(self, component: BaseComponent) -> dict[str, Any]:
        """Those that are inputs of `component`, which is what makes them its settings."""
        return {name: self[name] for name in component.component_spec.inputs if name in self}


def takes_settings(body: Callable[[Parameters], None]) -> Callable[..., None]:
    """The pipeline function whose parameters are all settings; `body` gets them by name."""
    every = (*fields(), *cluster_fields())
    names = [field.name for field in every]

    def pipeline(*values: Any) -> None:
        body(Parameters(zip(names, values, strict=True)))

    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    pipeline.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(each.name, keyword, default=each.default, annotation=TYPES[each.type])
            for each in every
        ]
    )
    pipeline.__name__ = body.__name__
    lines = [f"    {name}: {describe(name)}." for name in names]
    pipeline.__doc__ = "\n".join([inspect.cleandoc(body.__doc__ or ""), "", "Args:", *lines])
    return pipeline


def short_table() -> str:
    """The settings as a list for the pipeline's description, since KFP's form shows only names."""
    lines = [f"- {field.name}: {describe(field.name)}." for field in fields()]
    lines.append("- <step>_cpu, <step>_memory: what a pod of the step asks for and may use.")
    lines.append(f"- s3_secret: {describe('s3_secret')}.")
    return "\n".join(["Parameters, each with a default that works:", "", *lines])
