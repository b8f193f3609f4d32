"""The commands that look into a ledger, where their output is a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fanfold.command import fanfold
from tests.fanfold.ledger.searching import make_corpus, run


def test_a_file_gets_lines_and_no_live_table_though_colours_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(make_corpus(tmp_path / "corpus"), tmp_path / "ledger")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    ended = fanfold("watch", "ledger", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "")
    (line,) = ended.err.splitlines()
    assert ": 12/12, done, best rmse " in line
    assert "\x1b" not in line


def test_the_address_of_a_ledger_is_shown_as_it_is(tmp_path: Path) -> None:
    ended = fanfold("ledger", "ls", "[b]results[/b]:key:", cwd=tmp_path)
    assert ended.code == 0
    assert ended.err == "no search was begun in '[b]results[/b]:key:' yet\n"
