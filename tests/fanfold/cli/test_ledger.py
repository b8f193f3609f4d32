"""The commands that look into a ledger, where their output is a file."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.fanfold.command import FANFOLD, all_of, fanfold
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


ADDRESS = "[b]results[/b]:key:"
"""What rich would take for markup and a picture."""


@pytest.mark.parametrize("command", ["ls", "show"])
def test_an_address_that_holds_no_ledger_is_a_mistake_and_is_shown_as_it_is(
    command: str, tmp_path: Path
) -> None:
    ended = fanfold("ledger", command, ADDRESS, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: no ledger at {ADDRESS!r}, where nothing lies: give")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("hello")
    ended = fanfold("ledger", command, "notes", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: no ledger at 'notes', where other files lie: give")
    ended = fanfold("ledger", command, "notes/a.txt", cwd=tmp_path)
    assert (ended.code, ended.err) == (
        2,
        "error: 'notes/a.txt' is a file: a ledger is a folder, so give that\n",
    )


@pytest.mark.parametrize("command", [("ledger", "ls"), ("ledger", "show"), ("watch",)])
def test_a_ledger_without_a_name_is_asked_for(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = fanfold(*command, "", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: the ledger '' has no name: give the address")


def test_a_ledger_without_a_search_says_so(tmp_path: Path) -> None:
    (tmp_path / ADDRESS).mkdir(parents=True)
    ended = fanfold("ledger", "ls", ADDRESS, cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"no search was begun in {ADDRESS!r}\n"
    ended = fanfold("ledger", "show", ADDRESS, cwd=tmp_path)
    said = f"error: no search was begun in {ADDRESS!r}: run one with this --ledger\n"
    assert (ended.code, ended.err) == (2, said)


def test_the_id_of_no_search_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    run(make_corpus(tmp_path / "corpus"), tmp_path / "ledger")
    (path,) = (tmp_path / "ledger" / "searches").iterdir()
    ended = fanfold("ledger", "show", "ledger", "zz", cwd=tmp_path)
    said = f"error: no search has an id that begins with 'zz'; 'ledger' has {path.stem}\n"
    assert (ended.code, ended.err) == (2, said)


def test_watch_waits_for_a_search_in_one_line_until_its_patience_ends(tmp_path: Path) -> None:
    ended = fanfold("watch", "nowhere", "--patience", "0.03", "--every", "0.2", cwd=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    waiting, last = ended.err.splitlines()
    assert waiting == "waiting up to 2 s for a search in 'nowhere'"
    assert last.startswith("error: no search began in 'nowhere' within 2 s: ")


def test_watch_shows_a_search_that_begins_while_it_waits(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*FANFOLD, "watch", "ledger", "--every", "0.1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting up to 10 min 00 s for a search in 'ledger'\n"
        run(make_corpus(tmp_path / "corpus"), tmp_path / "ledger")
        *_, last = process.stderr.read().splitlines()
    assert process.returncode == 0
    assert ": 12/12, done, best rmse " in last


def test_on_a_terminal_waiting_is_one_line_that_counts_down(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*FANFOLD, "watch", "nowhere", "--patience", "0.05"],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        stderr=theirs,
    )
    os.close(theirs)
    screen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", all_of(ours))
    assert process.wait() == 1
    left = re.findall(r"waiting for a search in 'nowhere': (\d) s left", screen)
    assert left == sorted(left, reverse=True) and len(set(left)) > 1
    assert screen.count("\n") <= 3
