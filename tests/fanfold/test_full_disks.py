"""A full disk: one line with the folder, what is free and what to do; what is whole is kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fanfold
from fanfold.errors import FanfoldError
from fanfold.storage import NoRoom, parts_kept, publish
from fanfold.storage.room import room_told
from tests.contract import FILES
from tests.fanfold.command import FANFOLD, SMALL, Ended, write_packages
from tests.small_disks import SmallDisk

FREE = r"\(0\.0 of \d+\.\d MiB free\)"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and what a search of it found."""
    folder = tmp_path_factory.mktemp("searched")
    write_packages(folder / "packages.csv")
    assert run(folder, *TUNE, "--output", "found").code == 0
    return folder


TUNE = ("tune", "packages.csv", *SMALL)


def run(folder: Path, *arguments: str | Path, temporary: Path | None = None) -> Ended:
    environment = {**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})}
    ended = subprocess.run(
        [*FANFOLD, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def error_of(ended: Ended) -> str:
    """The one line that says what is wrong; it is the last, and no trace is above it."""
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err
    *before, line = ended.err.splitlines()
    assert line.startswith("error: ") and not any("error" in each for each in before)
    return line


def kept_below(folder: Path, name: str) -> Path:
    (kept,) = folder.glob(f"fanfold-kept-*/{name}")
    return kept


def test_results_for_which_the_disk_has_no_room_are_kept(
    searched: Path, tmp_path: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(400)
    ended = run(tmp_path, TUNE[0], searched / TUNE[1], *SMALL, "--output", disk / "found")
    line = error_of(ended)
    assert re.search(rf"no space is left in '{disk}' {FREE}: name a place on another disk", line)
    kept = kept_below(tmp_path, "found")
    assert f"nothing is lost: what was to lie there is '{kept}', to be copied to {disk}" in line
    assert {each.name for each in kept.iterdir()} == FILES
    assert fanfold.load_model(kept / "model").predict(["game"]).shape == (1,)
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("kib", [8, 64, 128])
def test_a_full_disk_for_temporary_files_is_told_with_the_remedy(
    kib: int, searched: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(kib)
    line = error_of(run(searched, *TUNE, "--output", "new", temporary=disk))
    told = rf"no space is left for temporary files in '{disk}' {FREE}: set TMPDIR to a folder"
    assert re.search(told, line)
    assert list(disk.iterdir()) == [] and not (searched / "new").exists()


def test_a_report_for_which_there_is_no_room_leaves_the_scores_and_the_model(
    searched: Path, tmp_path: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(900)
    ended = run(tmp_path, TUNE[0], searched / TUNE[1], *SMALL, "--output", "found", temporary=disk)
    line = error_of(ended)
    kept = kept_below(tmp_path, "found")
    assert "set TMPDIR to a folder" in line and f"are whole, and in '{kept}'" in line
    assert fanfold.load_model(kept / "model").predict(["game"]).shape == (1,)
    before = (searched / "found" / "best.json").read_bytes()
    assert (kept / "best.json").read_bytes() == before
    assert list(disk.iterdir()) == []


@pytest.mark.slow
def test_the_pipelines_tasks_tell_a_full_disk_in_the_same_line(
    searched: Path, tmp_path: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(2000)
    columns = ("--set", "text_column=description", "--set", "target=kib")
    ended = run(
        tmp_path,
        *("run", "--set", f"data={searched / 'packages.csv'}", *columns),
        *("--set", 'grid={"n_estimators": [5]}', "--output", "found"),
        temporary=disk,
    )
    line = error_of(ended)
    assert re.search(rf"no space is left for temporary files in '{disk}' {FREE}", line)
    assert {each.name for each in kept_below(tmp_path, "found").iterdir()} >= {"best.json", "model"}


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_predictions_for_which_there_is_no_room_leave_what_was_there(
    name: str, searched: Path, tmp_path: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(200)
    (disk / name).write_text("old")
    (tmp_path / "many.csv").write_text("description\n" + "library game\n" * 60_000)
    predict = ("predict", searched / "found/model", "many.csv", "--output", disk / name)
    line = error_of(run(tmp_path, *predict, "--overwrite"))
    assert re.search(rf"no space is left in '{disk}' {FREE}: name a place", line)
    assert [each.name for each in disk.iterdir()] == [name]
    assert (disk / name).read_text() == "old"


def test_a_ledger_that_is_full_keeps_the_folds_that_it_has(
    searched: Path, tmp_path: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(24)
    ledger = ("--ledger", disk / "ledger", "--output", tmp_path / "new")
    line = error_of(run(searched, *TUNE, *ledger))
    assert re.search(rf"no space is left in '{disk}/ledger/.*' {FREE}: name a place", line)
    folds = list((disk / "ledger" / "folds").rglob("*.json"))
    assert folds and all(each.read_text().endswith("}\n") for each in folds)


def test_a_model_for_which_there_is_no_room_leaves_the_one_that_was_there(
    searched: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(60)
    model = fanfold.load_model(searched / "found" / "model")
    model.save(disk / "model")
    (disk / "ballast").write_bytes(b"x" * 30_000)
    for file in (disk / "model").iterdir():
        assert file.stat().st_size < 30_000
    with pytest.raises(NoRoom, match=rf"no space is left in '{disk}' {FREE}"):
        model.save(disk / "model")
    assert fanfold.load_model(disk / "model").manifest == model.manifest


def test_an_error_of_another_kind_is_not_told_as_a_full_disk(small_disk: SmallDisk) -> None:
    disk = small_disk(8)
    (disk / "ballast").write_bytes(b"x" * 8192)
    with pytest.raises(FileNotFoundError), room_told(disk):
        (disk / "missing").read_bytes()
    other = small_disk(1000)
    with pytest.raises(NoRoom, match=str(disk)), room_told(disk), room_told(other):
        (disk / "ballast").open("ab").write(b"x" * 100_000)


def test_without_a_winner_no_parts_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "rejects.csv").write_text("")
    parts = {"rejects.csv": "rejects.csv"}
    with (
        pytest.raises(NoRoom, match="^full$"),
        parts_kept(tmp_path / "scratch", parts, "found"),
    ):
        raise NoRoom("full")
    assert [each.name for each in tmp_path.iterdir()] == ["scratch"]


def test_where_no_disk_has_room_for_a_copy_the_results_stay_among_temporary_files(
    tmp_path: Path, small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(64)
    monkeypatch.chdir(disk)
    made = tmp_path / "made"
    made.mkdir()
    (made / "best.json").write_bytes(b"x" * 100_000)
    with pytest.raises(FanfoldError, match="nothing is lost") as raised:
        publish(made, disk / "found")
    kept = Path(re.findall(r"lie there is '(.*)', to be", str(raised.value))[0])
    assert kept.name == "found" and (kept / "best.json").stat().st_size == 100_000
    assert list(disk.iterdir()) == []
    (kept / "best.json").unlink()
    kept.rmdir()
    kept.parent.rmdir()


def test_a_limit_on_the_size_of_a_file_is_told_in_one_line_and_keeps_the_results(
    searched: Path, tmp_path: Path, small_disk: SmallDisk
) -> None:
    disk = small_disk(8000)  # another one, so that files are copied
    program = """
import resource, sys
from pathlib import Path
from fanfold.storage import publish
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    publish(Path(sys.argv[1]), sys.argv[2])
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
    shutil.copytree(searched / "found", tmp_path / "made")
    command = [sys.executable, "-c", program, tmp_path / "made", disk / "found"]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    line = ended.stderr.splitlines()[-1]
    assert re.search(r"found' cannot be written: .*File too large.*; nothing is lost", line)
    assert {each.name for each in kept_below(tmp_path, "found").iterdir()} == FILES
