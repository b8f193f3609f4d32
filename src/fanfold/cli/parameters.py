"""The settings that a person gave: those of options, of `--set`, and of a file of parameters."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import PurePosixPath
from typing import Any

from fanfold.cli.options import Given, option_of
from fanfold.errors import UserError
from fanfold.storage import is_remote, read_bytes, s3_endpoint


def read_settings(
    given: Mapping[str, Any], assignments: Iterable[str] | None, params: str | None = None
) -> Given:
    """All settings that a person gave, the grid as JSON text where it names a file.

    Args:
        given: those of options.
        assignments: those of `--set`.
        params: a file of parameters, over which the others go.

    Raises:
        UserError: a setting is said twice, or a file cannot be read or is not what it should be.
    """
    told = with_assignments(given, assignments or [])
    with _endpoint_of(told):
        settings = {**read_parameters(params), **told}
    with _endpoint_of(settings):
        return read_grid(settings)


def _endpoint_of(settings: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Within it `s3://` is served by the address among `settings`: files may lie there too."""
    return s3_endpoint(str(settings.get("s3_endpoint") or ""))


def with_assignments(given: Mapping[str, Any], assignments: Iterable[str]) -> Given:
    """`given` and the settings of `--set name=value`, each of which is said once.

    Raises:
        UserError: an assignment has no `=`, or a setting is said twice.
    """
    settings = dict(given)
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        name = name.strip()
        if not separator or not name:
            raise UserError(f"--set takes name=value, such as folds=5, but got {assignment!r}")
        if name in settings:
            other = f"by {option_of(name)} and by --set" if name in given else "by --set"
            raise UserError(f"{name} is said twice, {other}: leave one out")
        settings[name] = value
    return settings


def read_parameters(path: str | None) -> Given:
    """The settings in a JSON or YAML file, or none; a grid written out becomes JSON text.

    Raises:
        UserError: there is no such file, its name has another ending, it holds no mapping, names
            a setting twice, or its grid holds what JSON cannot.
    """
    if path is None:
        return {}
    settings = _parsed(path, _read_text(path))
    if not isinstance(settings, dict) or not all(isinstance(name, str) for name in settings):
        raise UserError(f"{path!r} must hold settings by name, such as folds: 5")
    if isinstance(settings.get("grid"), dict | list):
        settings["grid"] = _as_json(settings["grid"], path)
    return settings


def _as_json(grid: Any, path: str) -> str:
    """YAML can hold what JSON cannot: bytes, sets, a list within itself."""
    try:
        return json.dumps(grid)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f"the grid in {path!r} cannot be written as JSON ({_line(error)}): give lists of"
            " numbers and texts, such as max_depth: [6, 12]"
        ) from None


def _parsed(path: str, text: str) -> Any:
    ending = PurePosixPath(path).suffix.lower()
    if ending not in (".json", ".yaml", ".yml"):
        raise UserError(f"{path!r} must end in .json, .yaml or .yml")
    what = f"the file {path!r}"
    return _from_json(text, what) if ending == ".json" else _from_yaml(text, what)


def _from_yaml(text: str, what: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise UserError(
            "reading YAML needs the extra kfp: pip install 'fanfold[kfp]'; or write JSON"
        ) from None

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
            # Not later, when a merge (<<) may say a key a second time, which is no mistake.
            node: yaml.MappingNode = super().compose_mapping_node(anchor)
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            _check_distinct(keys, what)
            return node

    def as_text(loader: Loader, date: yaml.ScalarNode) -> Any:  # as it is in JSON
        return loader.construct_scalar(date)

    Loader.add_constructor("tag:yaml.org,2002:timestamp", as_text)
    try:
        return yaml.load(text, Loader)
    except UserError:
        raise
    except RecursionError:
        raise _too_deep(what) from None
    except (yaml.YAMLError, ValueError, LookupError) as error:  # the last two of !!int x, !!bool x
        raise UserError(f"{what} is not YAML: {_line(error)}") from None


def _from_json(text: str, what: str) -> Any:
    def said_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        _check_distinct([name for name, _ in pairs], what)
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=said_once)
    except UserError:
        raise
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise UserError(f"{what} is not JSON: {_line(error)}") from None


def _check_distinct(names: Sequence[str], what: str) -> None:
    """Raise `UserError` for a name that is said twice, of which a parser keeps the last."""
    for name, times in Counter(names).items():
        if times > 1:
            raise UserError(f"{what} names {name!r} twice: leave one out, or put both in one list")


def _too_deep(what: str) -> UserError:
    return UserError(f"{what} is nested too deeply: a grid is a dict of lists, or a list of those")


def read_grid(settings: Mapping[str, Any]) -> Given:
    """`settings`, with a grid that names a file replaced by the JSON in it.

    Raises:
        UserError: the grid is neither JSON text nor a file.
    """
    grid = settings.get("grid")
    if not isinstance(grid, str) or grid.lstrip()[:1] in ("{", "["):
        return dict(settings)
    try:
        exists = is_remote(grid) or os.path.isfile(os.path.expanduser(grid))
    except OSError:  # a text too long for a name
        exists = False
    if not exists:
        raise UserError(
            f"the grid {grid[:200]!r} is neither a file nor JSON: name a file, or write"
            """ '{"max_depth": [6, 12]}'"""
        )
    text = _read_text(grid)
    _from_json(text, f"the grid file {grid!r}")
    return {**settings, "grid": text}


def _read_text(uri: str) -> str:
    try:
        return read_bytes(uri).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{uri!r} is not UTF-8 text") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
