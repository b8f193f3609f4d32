"""The settings as keywords of `tune`, for editors, type checkers and IPython."""

from __future__ import annotations

import inspect

import fanfold
from fanfold.settings.options import Options
from fanfold.settings.search import fields


def test_each_setting_is_a_keyword_of_tune_with_its_type_and_default() -> None:
    signature = inspect.signature(fanfold.tune)
    assert not any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    types = {"bool": bool, "float": float, "int": int, "str": str}
    for field in fields():
        if field.name not in ("data", "grid"):
            told = signature.parameters[field.name]
            assert told.kind is told.KEYWORD_ONLY
            assert (told.default, told.annotation) == (field.default, types[str(field.type)])
    assert next(iter(signature.parameters)) == "data"


def test_what_type_checkers_know_are_the_settings() -> None:
    known = {name: each.__forward_arg__ for name, each in Options.__annotations__.items()}
    expected = {field.name: str(field.type) for field in fields()}
    del expected["data"], expected["grid"]
    assert known.pop("target").startswith("str |")
    assert expected.pop("target") == "str"
    assert known == expected
