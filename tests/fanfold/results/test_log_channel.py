"""The line of a log that tells what a search found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fanfold.errors import DamagedError
from fanfold.results.log_channel import read_result, tell_result, write_told


def test_what_is_told_is_read_back_to_the_byte(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = {"results": "gs://b/results", "model": "gs://b/model"}
    tell_result(str(searched), str(searched / "model"), addresses)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    told = read_result(f"I0101 before\n{line}I0101 after\n")
    assert told is not None
    assert told["addresses"] == addresses
    assert told["names"]["model"] == ["booster.ubj", "manifest.json"]
    write_told(told, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best.json", "leaderboard.csv", "metrics.json", "summary.json"}
    assert all((tmp_path / name).read_bytes() == (searched / name).read_bytes() for name in names)


def test_of_several_the_last_counts_and_of_none_nothing_is_known() -> None:
    lines = [f"fanfold-result {json.dumps({'names': number})}\n" for number in range(3)]
    assert read_result("".join(lines)) == {"names": 2}
    assert read_result("it says fanfold-result {} in the middle\n") is None


def test_half_a_line_is_an_error() -> None:
    with pytest.raises(DamagedError, match="cut short"):
        read_result('fanfold-result {"names": ')
