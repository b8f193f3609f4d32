"""What comes to an output while a command works is the user's: it stays, and so does the new."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import fanfold
from fanfold.errors import FanfoldError
from fanfold.models.predict_table import predict_table
from fanfold.storage import published, read_bytes, seen, write_bytes
from tests.contract import FILES
from tests.fanfold.command import FANFOLD, SMALL, json_of, write_packages
from tests.fanfold.command import fanfold as command
from tests.fanfold.earlier import write_earlier
from tests.servers.servers import Server

S3 = pytest.mark.parametrize("server", ["versitygw"], indirect=True)
QUICK: dict[str, Any] = {"grid": {"n_estimators": [5]}, "folds": 2}


def at_stage(stage: str, act: Callable[[], None]) -> Callable[[Mapping[str, Any]], None]:
    """A listener that acts once, when the search is at this stage."""

    def on_event(event: Mapping[str, Any]) -> None:
        if event["event"] == "stage" and event["stage"] == stage:
            act()

    return on_event


def names_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.mark.parametrize("overwrite", [False, True])
def test_notes_that_come_into_the_output_during_a_search_stay_and_its_files_lie_beside(
    overwrite: bool, tmp_path: Path
) -> None:
    output = tmp_path / "found"
    if overwrite:
        write_earlier(output)

    def write_notes() -> None:
        output.mkdir(exist_ok=True)
        (output / "notes.txt").write_text("mine")

    with pytest.raises(FanfoldError, match=r"found' holds .* \(notes\.txt\), .* is '.*found-2'"):
        fanfold.tune(
            "sample:300",
            output=output,
            overwrite=overwrite,
            on_event=at_stage("train_final", write_notes),
            **QUICK,
        )
    assert names_in(tmp_path) == {"found", "found-2"} and names_in(tmp_path / "found-2") == FILES
    assert names_in(output) == ({*FILES, "notes.txt"} if overwrite else {"notes.txt"})
    if overwrite:
        assert (output / "best.json").read_text() == "old"
    assert fanfold.load_model(tmp_path / "found-2" / "model").predict(["love"]).shape == (1,)


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["new", "overwrite"])
def test_of_two_searches_with_one_output_that_start_at_once_both_are_kept(
    overwrite: list[str], tmp_path: Path
) -> None:
    write_packages(tmp_path / "packages.csv")
    if overwrite:
        write_earlier(tmp_path / "found")
    search = [*FANFOLD, "tune", "packages.csv", *SMALL, "--output", "found", *overwrite]
    processes = [
        subprocess.Popen(
            [*search, "--seed", seed],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    said = [process.communicate()[1].splitlines()[-1] for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) == [0, 1], said
    assert re.fullmatch(
        r"error: '.*found' holds .* '.*found-2', take it from there", said[codes.index(1)]
    )
    assert names_in(tmp_path) == {"packages.csv", "found", "found-2"}
    for name, code in (("found", 0), ("found-2", 1)):
        assert names_in(tmp_path / name) == FILES
        seed = json_of(tmp_path / name / "summary.json")["settings"]["seed"]
        assert seed == codes.index(code) + 1


def test_the_command_refuses_a_folder_that_no_search_wrote(tmp_path: Path) -> None:
    write_packages(tmp_path / "packages.csv")
    (tmp_path / "project" / "data").mkdir(parents=True)
    (tmp_path / "project" / "thesis.tex").write_text("mine")
    tune = ("tune", "packages.csv", *SMALL, "--output", "project", "--overwrite")
    ended = command(*tune, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line == (
        "error: the output folder 'project' is not replaced, as it holds what no search wrote"
        " (data/, thesis.tex): name another, such as 'project/found'"
    )
    assert names_in(tmp_path / "project") == {"data", "thesis.tex"}


def test_predictions_do_not_replace_a_file_that_came_meanwhile(tmp_path: Path) -> None:
    result = fanfold.tune("sample:300", **QUICK)
    output = tmp_path / "predictions.csv"
    before = seen(output)
    output.write_text("mine")
    with pytest.raises(FanfoldError, match=r"nothing is lost: .*predictions-2\.csv"):
        predict_table(result.model, "sample:50", output, before)
    assert output.read_text() == "mine"
    assert len((tmp_path / "predictions-2.csv").read_text().splitlines()) == 51
    predict_table(result.model, "sample:60", output, seen(output))
    assert len(output.read_text().splitlines()) == 61


@S3
def test_an_object_that_came_to_a_bucket_meanwhile_is_not_replaced(
    server: Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = server.uri(bucket, "found")

    def search_of_another() -> None:
        write_bytes(f"{output}/best.json", b"of another search")
        write_bytes(f"{output}/notes.txt", b"mine")

    for overwrite in (False, True):
        with pytest.raises(FanfoldError, match=r"holds .* \(best\.json\), .* nothing is lost"):
            fanfold.tune(
                "sample:300",
                output=output,
                overwrite=overwrite,
                on_event=at_stage("train_final", search_of_another),
                **QUICK,
            )
        assert read_bytes(f"{output}/best.json") == b"of another search"
        (kept,) = tmp_path.glob("fanfold-kept-*/found")
        assert names_in(kept) == FILES
        kept.parent.rename(tmp_path / f"seen{overwrite}")
        write_bytes(f"{output}/best.json", b"what is there when the next begins")
    fanfold.tune("sample:300", output=output, overwrite=True, **QUICK)
    assert json.loads(read_bytes(f"{output}/best.json"))["candidate"]
    assert read_bytes(f"{output}/notes.txt") == b"mine"


@S3
def test_a_file_in_a_bucket_is_replaced_only_as_it_was_seen(
    server: Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = server.uri(bucket, "predictions.csv")
    before = seen(output)
    write_bytes(output, b"mine")
    said = "holds what was written there meanwhile, and nothing"
    with pytest.raises(FanfoldError, match=said), published(output, before) as made:
        made.write_text("new")
    assert read_bytes(output) == b"mine"
    with published(output, seen(output)) as made:
        made.write_text("new")
    assert read_bytes(output) == b"new"


def test_what_a_killed_search_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    grid = '{"n_estimators": [1000000], "max_depth": [6]}'
    search = [*FANFOLD, "tune", "sample:2000", "--grid", grid, "--output", "found"]
    with subprocess.Popen(
        search, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line == "cross_validate\n":
                break
        process.send_signal(signal.SIGKILL)
    assert names_in(scratch)
    quick = [*FANFOLD, "estimate", "sample:300", "--grid", '{"n_estimators": [5]}']
    ended = subprocess.run(quick, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (ended.returncode, names_in(scratch)) == (0, set()), ended.stderr
    assert names_in(tmp_path) == {"scratch"}
