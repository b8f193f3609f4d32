"""Only what was there when work began is replaced; both old and new are always somewhere."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fanfold.storage.replacing import DROPPINGS, KeptBeside, move_to, replacing, seen_here

Put = Callable[[Path, Path, dict[str, str]], None]
"""Puts a folder (or file) with the content `new` at a path."""


def make(folder: Path, content: str) -> Path:
    (folder / "model").mkdir(parents=True)
    for name in ("best.json", "model/manifest.json"):
        (folder / name).write_text(content)
    return folder


def put_finished(scratch: Path, path: Path, replaceable: dict[str, str]) -> None:
    move_to(make(scratch / "made", "new"), path, replaceable)


def put_written(scratch: Path, path: Path, replaceable: dict[str, str]) -> None:
    with replacing(path, replaceable) as new:
        make(new, "new")


@pytest.fixture(params=[put_finished, put_written])
def put(request: pytest.FixtureRequest) -> Put:
    found: Put = request.param
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A path in a folder where nothing else is."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "found"


def contents(folder: Path) -> dict[str, str]:
    return {
        each.relative_to(folder).as_posix(): each.read_text()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


NEW = {"best.json": "new", "model/manifest.json": "new"}
OLD = {"best.json": "old", "model/manifest.json": "old"}


def below(name: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{name}/{each}": content for each, content in files.items()}


def test_a_free_place_and_an_empty_folder_are_taken(put: Put, out: Path, tmp_path: Path) -> None:
    put(tmp_path, out, {})
    assert contents(out.parent) == below("found", NEW)
    (out.parent / "empty").mkdir()
    put(tmp_path, out.parent / "empty", {})
    assert contents(out.parent) == below("found", NEW) | below("empty", NEW)


def test_what_was_seen_is_replaced_with_all_that_it_held(
    put: Put, out: Path, tmp_path: Path
) -> None:
    make(out, "old")
    (out / "scores.csv").write_text("old")
    put(tmp_path, out, seen_here(out))
    assert contents(out.parent) == below("found", NEW)
    assert [each.name for each in out.parent.iterdir()] == ["found"]


def add_notes(out: Path) -> None:
    (out / "model" / "notes.txt").write_text("mine")


def edit(out: Path) -> None:
    (out / "best.json").write_text("edited by me")


def add_folder(out: Path) -> None:
    (out / "plots").mkdir()


def replace_by_another_search(out: Path) -> None:
    os.rename(out, out.parent.parent / "earlier")
    make(out, "of another")


@pytest.mark.parametrize("come", [add_notes, edit, add_folder, replace_by_another_search])
def test_what_came_meanwhile_stays_and_the_new_lies_beside(
    come: Callable[[Path], None], put: Put, out: Path, tmp_path: Path
) -> None:
    make(out, "old")
    before = seen_here(out)
    come(out)
    mine = contents(out.parent)
    with pytest.raises(KeptBeside, match=f"{re.escape(str(out))}' holds .* is '{out}-2'") as error:
        put(tmp_path, out, before)
    assert contents(out.parent) == mine | below("found-2", NEW)
    assert "\n" not in str(error.value)
    with pytest.raises(KeptBeside, match=f"'{out}-3'"):
        put(tmp_path / "again", out, before)


def test_a_file_that_came_to_the_place_of_a_folder_stays(
    put: Put, out: Path, tmp_path: Path
) -> None:
    out.write_text("mine")
    with pytest.raises(KeptBeside):
        put(tmp_path, out, {})
    assert contents(out.parent) == {"found": "mine"} | below("found-2", NEW)


def test_a_file_is_replaced_if_it_was_seen_and_else_stays(out: Path) -> None:
    path = out.with_name("words.csv.gz")
    for replaceable, content in (({}, "first"), (None, "second")):
        with replacing(path, seen_here(path) if replaceable is None else replaceable) as new:
            assert new.suffixes == [".csv", ".gz"]
            new.write_text(content)
        assert contents(out.parent) == {"words.csv.gz": content}
    before = seen_here(path)
    path.write_text("mine, and longer")
    with pytest.raises(KeptBeside, match=r"words-2\.csv\.gz"), replacing(path, before) as new:
        new.write_text("third")
    assert contents(out.parent) == {"words.csv.gz": "mine, and longer", "words-2.csv.gz": "third"}


def test_a_block_that_raises_or_writes_nothing_leaves_all_as_it_was(out: Path) -> None:
    make(out, "old")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), replacing(out, seen_here(out)) as new:
            new.mkdir()
            raise error
    with pytest.raises(FileNotFoundError), replacing(out, seen_here(out)):
        pass
    assert contents(out.parent) == below("found", OLD)


def test_what_file_managers_leave_is_no_reason_to_keep_a_folder_and_moves_on(
    put: Put, out: Path, tmp_path: Path
) -> None:
    make(out, "old")
    (out / ".ipynb_checkpoints").mkdir()
    (out / ".ipynb_checkpoints" / "draft.ipynb").write_text("the only copy")
    before = seen_here(out)
    (out / ".DS_Store").write_text("x")
    put(tmp_path, out, before)
    left = {".DS_Store": "x", ".ipynb_checkpoints/draft.ipynb": "the only copy"}
    assert {each.partition("/")[0] for each in left} < DROPPINGS
    assert contents(out.parent) == below("found", NEW | left)


def test_the_place_that_a_link_leads_to_is_taken_and_the_link_stays(
    put: Put, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    out.symlink_to(tmp_path / "disk" / "found")
    put(tmp_path, out, {})
    assert out.is_symlink() and contents(tmp_path / "disk") == below("found", NEW)
    with pytest.raises(KeptBeside, match=re.escape(str(tmp_path / "disk" / "found-2"))):
        put(tmp_path / "again", out, {})
    assert out.is_symlink()


@pytest.mark.parametrize("replaced", [True, False])
def test_of_many_that_take_a_place_at_once_none_is_lost(replaced: bool, out: Path) -> None:
    """Whether they began where nothing was or where an earlier search's files were."""
    if replaced:
        make(out, "old")
    before, together = seen_here(out), threading.Barrier(8)
    ends: list[str] = []

    def one(number: int) -> None:
        made = make(out.parent.parent / f"made{number}", f"of {number}")
        together.wait()
        try:
            move_to(made, out, before)
            ends.append("taken")
        except KeptBeside:
            ends.append("kept")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["kept"] * 7 + ["taken"]
    of_each = sorted((each / "best.json").read_text() for each in out.parent.iterdir())
    assert of_each == [f"of {number}" for number in range(8)]
    names = {each.name for each in out.parent.iterdir()}
    assert names == {"found", *(f"found-{number}" for number in range(2, 9))}


def interrupted(monkeypatch: pytest.MonkeyPatch, call: int, late: bool) -> Callable[[], bool]:
    """The `call`-th change of a name raises, before or after; says whether it came to that."""
    done = 0

    def stopping(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **how: Any) -> Any:
            nonlocal done
            done += 1
            now = done == call
            if now and not late:
                raise KeyboardInterrupt
            change(*arguments, **how)
            if now:
                raise KeyboardInterrupt

        return changed

    for name in ("rename", "replace", "link", "unlink"):
        monkeypatch.setattr(os, name, stopping(getattr(os, name)))
    return lambda: done >= call


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_a_signal_between_any_two_renames_loses_neither_old_nor_new(
    call: int, late: bool, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(out, "old")
    before, made = seen_here(out), make(out.parent.parent / "made", "new")
    came_to_it = interrupted(monkeypatch, call, late)
    with contextlib.suppress(KeyboardInterrupt):
        move_to(made, out, before)
    monkeypatch.undo()
    found = [contents(each) for each in (*out.parent.iterdir(), made) if each.is_dir()]
    assert NEW in found
    taken = contents(out) == NEW
    assert OLD in found or taken
    assert contents(out) in (OLD, NEW)
    assert came_to_it()
