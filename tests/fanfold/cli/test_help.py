"""What `--help` and `settings` show at several widths of a terminal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fanfold.cli.app import app
from fanfold.settings.cluster import cluster_fields
from fanfold.settings.search import fields
from tests.fanfold.command import fanfold

WIDTHS = (60, 80, 120)
WITHOUT_EXAMPLE = {"fanfold ledger", "fanfold settings"}


def contexts(command: Any, name: str, parent: Any = None) -> Iterator[Any]:
    """A context of the command and of each one below it, as its `--help` has it."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield context
    for below, each in getattr(command, "commands", {}).items():
        yield from contexts(each, below, context)


ROOT = get_command(app)
CONTEXTS = {each.command_path: each for each in contexts(ROOT, "fanfold")}


def examples_of(docstring: str) -> list[str]:
    """The shell commands in a docstring or help, with the breaks of their lines."""
    return re.findall(r"^ *(fanfold (?:.*\\\n)*.*)$", docstring, re.M)


def help_of(path: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    return str(CONTEXTS[path].get_help())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", CONTEXTS)
def test_help_has_a_usage_line_to_type_and_no_line_is_wider_than_the_terminal(
    path: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of(path, width, monkeypatch).splitlines()
    usage, _, rest = "\n".join(lines).partition("\n\n")
    assert usage.startswith(f"Usage: {path} ") and "[OPTIONS]" in usage
    assert not re.search(r"[{}<>]|\[\[", usage)
    assert not re.search(r"<[\w ]+>", rest)
    assert max(map(len, lines)) <= min(width, 100)


@pytest.mark.parametrize("path", CONTEXTS)
def test_no_word_of_help_is_cut_in_a_narrow_terminal(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = set(help_of(path, 120, monkeypatch).split())
    at_hyphens = {part for word in wide for part in re.findall(r"[^-]+-?", word)}
    assert set(help_of(path, 60, monkeypatch).split()) - wide <= at_hyphens


@pytest.mark.parametrize("path", sorted(set(CONTEXTS) - WITHOUT_EXAMPLE))
def test_an_example_of_help_stays_as_it_is_written_and_its_options_exist(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = examples_of(CONTEXTS[path].command.help)
    for width in WIDTHS:
        (shown_example,) = examples_of(help_of(path, width, monkeypatch))
        assert shown_example == example.replace("\n", "\n  ")  # the help stands indented
    words = shlex.split(example.replace("\\\n", " "))
    shown = CONTEXTS["fanfold"]
    while words[1] in getattr(shown.command, "commands", {}):
        shown = CONTEXTS[f"{shown.command_path} {words.pop(1)}"]
    assert path in ("fanfold", shown.command_path)
    shown.command.make_context(shown.info_name, words[1:], parent=shown.parent)


@pytest.mark.parametrize("width", WIDTHS)
def test_each_command_is_told_in_one_whole_sentence(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, commands = help_of("fanfold", width, monkeypatch).partition("Commands:\n")
    lines = commands.splitlines()
    assert [line.split()[0] for line in lines] == list(ROOT.commands)  # type: ignore[attr-defined]
    assert all(re.fullmatch(r"  \w+ +[A-Z][^.]+\.", line) for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_settings_fit_the_terminal_and_show_all_that_is_known_of_each(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = fanfold("settings", cwd=tmp_path).out
    assert max(map(len, out.splitlines())) <= min(width, 100)
    said = " ".join(out.split())
    for each in (*fields(), *cluster_fields()):
        default = " ".join(str(each.default).split())
        assert f"{each.name}={default} {each.metadata['description']}" in said


def test_help_can_be_asked_for_as_a_command(tmp_path: Path) -> None:
    assert fanfold("help", "ledger", "ls", cwd=tmp_path) == fanfold(
        "ledger", "ls", "--help", cwd=tmp_path
    )
    asked = fanfold("help", cwd=tmp_path)
    assert (asked.code, asked.err) == (0, "")
    assert asked.out == fanfold("--help", cwd=tmp_path).out
    unknown = fanfold("help", "tun", cwd=tmp_path)
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.startswith("error: no command is named 'tun'; did you mean 'tune'?")
    none = fanfold(cwd=tmp_path)
    assert (none.code, none.out, none.err) == (2, "", asked.out)
