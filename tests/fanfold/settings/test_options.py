"""The settings as keywords of `tune`, for editors, type checkers and IPython."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

import fanfold
from fanfold.settings.options import Options
from fanfold.settings.search import fields, from_mapping


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
    assert known.pop("ledger") == "str | Path"
    assert expected.pop("ledger") == "str"
    assert known == expected


def test_a_path_is_an_address_as_text_is() -> None:
    assert from_mapping({"ledger": Path("a", "b")}).ledger == str(Path("a", "b"))


def test_public_names_are_known_before_they_are_used() -> None:
    program = "import fanfold; print(*dir(fanfold))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(fanfold.__all__) <= set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import fanfold\nfanfold.tu", "tune"),
        ("import fanfold\nfanfold.tune('posts.csv').leader", "leaderboard"),
        ("import fanfold\nfanfold.load_model('found').pre", "predict"),
    ],
)
def test_an_editor_that_runs_nothing_completes_public_names(code: str, name: str) -> None:
    assert name in [each.name for each in jedi.Script(code).complete()]
