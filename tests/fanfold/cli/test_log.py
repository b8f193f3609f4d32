"""What the command line writes, and where it takes for a terminal what is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from fanfold.cli.log import PIPED_WIDTH, stdout

AS_IT_IS = "s3://[bold]bucket/:key:/[/x] [link]"

LOGGED = f"""
import logging
from fanfold.cli.log import log
console = log(verbose=False)
console.print({AS_IT_IS!r})
logging.getLogger("fanfold").warning({AS_IT_IS!r})
"""


def test_text_in_brackets_and_between_colons_is_shown_as_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = Table(AS_IT_IS, box=None)
    table.add_row(AS_IT_IS)
    console = stdout()
    console.print(AS_IT_IS)
    console.print(table)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == 3 * [AS_IT_IS]
    command = [sys.executable, "-c", LOGGED]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.stderr.splitlines() == [AS_IT_IS, f"WARNING fanfold {AS_IT_IS}"]


@pytest.mark.parametrize("forced", ["", "1"])
def test_a_file_gets_wide_lines_though_colours_are_asked_for(
    forced: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", forced)
    monkeypatch.setenv("COLUMNS", "40")
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        assert stdout().width == PIPED_WIDTH


def test_a_terminal_has_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        assert stdout().width == 40
    os.close(ours)
