"""How the real command ends: exit codes, one clear line, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fanfold import __version__
from fanfold.progress.progress import STAGES
from tests.fanfold.command import BAD, COLUMNS, FANFOLD, SMALL, Ended, fanfold, write_packages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and the output of something earlier."""
    folder = tmp_path_factory.mktemp("folder")
    write_packages(folder / "packages.csv")
    (folder / "found").mkdir()
    (folder / "found" / "report.html").touch()
    return folder


OVERWRITE = ("tune", "packages.csv", *SMALL, "--output", "found")

MISTAKES: dict[str, tuple[Sequence[str], str]] = {
    "no command": (["tun"], "No such command 'tun'"),
    "no data": (["tune", "--output", "o"], "Missing argument 'DATA'"),
    "no output": (
        ["tune", "packages.csv"],
        "error: Missing option '--output': the command is ",  # and the usage line
    ),
    "one argument too many": (
        ["predict", "found", "packages.csv", "more.csv", "--output", "o.csv"],
        " predict MODEL DATA --output FILE [OPTIONS]; see ",
    ),
    "data twice": (
        ["run", "packages.csv", "--set", "data=packages.csv", "--output", "o"],
        "error: data is said twice, by DATA and by --set: leave one out",
    ),
    "own table without options": (
        ["tune", "packages.csv", "--output", "o"],
        "error: 'packages.csv' has no column 'definition', which the default text_column needs:"
        " give --text-column and --target (in Python and by --set: text_column and target);"
        " its columns are 'name', 'description', 'kib'",
    ),
    "own table without its target": (
        ["tune", "packages.csv", "--text-column", "description", "--output", "o"],
        "error: 'packages.csv' has no column 'up_votes', which the default target needs:"
        " give --target (in Python and by --set: target); its columns are 'name', 'description'",
    ),
    "an estimator's short name": (
        ["tune", "packages.csv", *COLUMNS, "--estimator", "Ridge", "--output", "o"],
        "did you mean 'sklearn.linear_model.Ridge'?",
    ),
    "an estimator without a grid": (
        ["tune", "packages.csv", *COLUMNS, "--estimator", "sklearn.svm.SVR", "--output", "o"],
        "give --grid (in Python grid=...) with parameters of sklearn.svm.SVR, such as"
        """ '{"C": [0.1, 1, 10]}'""",
    ),
    "another library's metric": (["watch", "found", "--metric", "r2"], "did you mean 'rsq'?"),
    "no patience": (
        ["watch", "found", "--patience", "0"],
        "error: --patience must be above 0 but is 0.0: give minutes",
    ),
    "no such option": (["tune", "packages.csv", "--fold", "3", "--output", "o"], "--fold"),
    "an option without its value": (
        ["tune", "packages.csv", "--output"],
        "Option '--output' requires an argument; see fanfold --help",
    ),
    "a flag with a value": (
        ["tune", "packages.csv", "--verbose=1", "--output", "o"],
        "Option '--verbose' does not take a value; see fanfold --help",
    ),
    "missing file": (
        ["tune", "package.csv", *SMALL, "--output", "o"],
        "error: no file at 'package.csv'",
    ),
    "missing column": (
        ["tune", "packages.csv", *SMALL, "--text-column", "descriptions", "--output", "o"],
        "error: no column 'descriptions' in 'packages.csv', which has 'name', 'description', 'kib';"
        " did you mean 'description'?",
    ),
    "target of another column": (
        ["tune", "packages.csv", "--text-column", "name", "--target", "kb", "--output", "o"],
        "did you mean 'kib'?",
    ),
    "target that is code": (
        ["tune", "packages.csv", "--target", "__import__('os').getcwd()", "--output", "o"],
        "allowed: column names",
    ),
    "unknown setting": (
        ["tune", "packages.csv", "--set", "seeds=1", "--output", "o"],
        "error: no setting is named 'seeds'; did you mean 'seed'?",
    ),
    "value out of range": (
        ["tune", "packages.csv", "--folds", "1", "--output", "o"],
        "error: folds must be at least 2 and at most 1000 but is 1",
    ),
    "grid that is no JSON": (
        ["tune", "packages.csv", *COLUMNS, "--grid", '{"max_depth": [2', "--output", "o"],
        "error: the grid is not JSON",
    ),
    "unknown hyperparameter": (
        ["tune", "packages.csv", *COLUMNS, "--grid", '{"max_dept": [2]}', "--output", "o"],
        "did you mean 'max_depth'?",
    ),
    "rule of a parameter that the grid lacks": (
        ["tune", "packages.csv", *SMALL, "--simplest-by", "max_dept", "--output", "o"],
        "error: simplest_by names 'max_dept', which is not in the grid; did you mean 'max_depth'?",
    ),
    "output that exists": (OVERWRITE, "error: the output folder 'found' exists and is not empty"),
    "output that is a file": (
        ["tune", "packages.csv", *SMALL, "--output", "packages.csv"],
        "error: the output 'packages.csv' is a file: name a folder",
    ),
    "output below a file": (
        ["tune", "packages.csv", *SMALL, "--output", "packages.csv/o"],
        "error: cannot write 'packages.csv/o'",
    ),
    "output that cannot be written": (
        ["tune", "packages.csv", *SMALL, "--output", "/proc/o"],
        "error: cannot write '/proc/o'",
    ),
    "model that is not there": (
        ["predict", "model", "packages.csv", "--output", "o.csv"],
        "error: no model at 'model'",
    ),
    "predictions that exist": (
        ["predict", "found/model", "more.csv", "--output", "packages.csv"],
        "error: the output 'packages.csv' exists: name another, or add --overwrite",
    ),
    "predictions in place of their table": (
        ["predict", "found/model", "packages.csv", "--output", "found/../packages.csv",
         "--overwrite"],
        "would replace the table 'packages.csv', which is read: name another",
    ),
    "predictions in place of their table in a bucket": (
        ["predict", "m", "s3://none/packages.csv", "--output", "s3://none/packages.csv",
         "--overwrite"],
        "would replace the table 's3://none/packages.csv', which is read: name another",
    ),
    "looks that never come": (
        ["watch", "found", "--every", "inf"],
        "error: --every must be above 0 and at most 86400 but is inf",
    ),
    "looks at a run that never come": (
        ["submit", "--every", "1e10"],
        "error: --every must be above 0 and at most 86400 but is 10000000000.0",
    ),
    "patience without an end": (
        ["results", "--patience", "inf"],
        "error: --patience must be finite but is inf: give minutes",
    ),
    "a grid without an end": (
        ["tune", "packages.csv", *COLUMNS, "--grid", 9999 * "[", "--output", "o"],
        "error: the grid is nested too deeply",
    ),
    "predictions in another format": (
        ["predict", "found/model", "packages.csv", "--output", "o.xlsx"],
        "error: the output 'o.xlsx' must end in .csv or .parquet",
    ),
    "sample of no rows": (["sample", "--rows", "0", "--output", "o.csv"], "error: 'sample:0'"),
    "sample of a seed that is none": (
        ["sample", "--rows", "9", "--seed", "-1", "--output", "o.csv"],
        "Invalid value for '--seed': Input should be greater than or equal to 0",
    ),
    "sample over a folder": (
        ["sample", "--rows", "9", "--output", "found"],
        "error: the output 'found' is a folder: name a file",
    ),
    "unknown runner": (
        ["run", "--runner", "podman", "--output", "o"],
        "error: no runner is named 'podman'",
    ),
    "parameters that are not there": (
        ["run", "--params", "params.yaml", "--output", "o"],
        "error: no file at 'params.yaml'",
    ),
    "quantity that is none": (
        ["run", "--set", "train_final_memory=much", "--output", "o"],
        "error: train_final_memory must be memory",
    ),
}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="uses Linux's /proc")
@pytest.mark.parametrize(("arguments", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_ends_with_2_and_one_clear_line(
    folder: Path, arguments: Sequence[str], said: str
) -> None:
    before = sorted(folder.rglob("*"))
    ended = fanfold(*arguments, cwd=folder)
    assert ended.code == 2, ended.err
    *before_it, line = ended.err.splitlines()
    assert line.startswith("error: ") and said in line
    assert set(before_it) <= set(STAGES), "of progress, and nothing else"
    assert sorted(folder.rglob("*")) == before


def test_too_many_bad_rows_end_with_2_and_show_the_first(folder: Path) -> None:
    strict = (*SMALL, "--max-bad-rows", "0", "--output", "o")
    ended = fanfold("tune", "packages.csv", *strict, cwd=folder)
    assert ended.code == 2
    assert "error: 2 of 300 rows are bad, more than max_bad_rows=0 allows" in ended.err
    assert all(text in ended.err for text in BAD.values())


def with_python(program: str, *arguments: str, cwd: Path) -> Ended:
    """The command, in a process in which `program` was run before."""
    command = [sys.executable, "-c", f"{program}\nfrom fanfold.cli.app import main\nmain()"]
    ended = subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_an_unforeseen_error_ends_with_1_and_shows_its_trace_only_if_asked(tmp_path: Path) -> None:
    program = "import fanfold.tables.sample\ndel fanfold.tables.sample.write_sample"
    sample = ("sample", "--rows", "9", "--output", "o.csv")
    ended = with_python(program, *sample, cwd=tmp_path)
    (line,) = ended.err.splitlines()
    assert ended.code == 1
    assert line.startswith("error: ImportError: ")
    assert "--verbose" in line
    ended = with_python(program, *sample, "--verbose", cwd=tmp_path)
    assert ended.code == 1
    assert "Traceback" in ended.err


def test_an_interrupt_that_a_library_raises_is_no_success(tmp_path: Path) -> None:
    program = """
import fanfold.tables.sample
def interrupted(*_):
    raise KeyboardInterrupt
fanfold.tables.sample.write_sample = interrupted
"""
    ended = with_python(program, "sample", "--rows", "9", "--output", "o.csv", cwd=tmp_path)
    assert ended.code == 130


def test_a_file_that_ends_too_soon_for_a_library_is_told_in_its_words(tmp_path: Path) -> None:
    program = """
import fanfold.tables.sample
def cut_short(*_):
    raise EOFError("no end of stream")
fanfold.tables.sample.write_sample = cut_short
"""
    ended = with_python(program, "sample", "--rows", "9", "--output", "o.csv", cwd=tmp_path)
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("error: EOFError: no end of stream")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["--version"], 0, f"fanfold {__version__}\n", ""),
        (["predict", "m", "t.csv", "--output", "o"], 2, "", "error: the output 'o' must end in"),
    ],
)
def test_a_stream_that_is_closed_changes_nothing_of_the_other_and_of_the_exit_code(
    closed: str, arguments: list[str], code: int, out: str, err: str, tmp_path: Path
) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *FANFOLD, *arguments]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == code
    assert ended.stdout == ("" if ">&-" in closed.split() else out)
    if "2>&-" in closed:
        assert ended.stderr == ""
    else:
        assert ended.stderr.startswith(err) and ended.stderr.count("\n") == bool(err)


def test_run_without_kfp_says_what_to_install(tmp_path: Path) -> None:
    ended = with_python(
        "import sys\nsys.modules['kfp'] = None", "run", "--output", "o", cwd=tmp_path
    )
    assert ended.code == 2
    assert 'pip install "fanfold[kfp]"' in ended.err.splitlines()[-1]


CHATTY_THREADS = """
import logging, sys, threading, time
from fanfold.cli.exits import run_and_leave
from fanfold.cli.log import log
from fanfold.errors import FanfoldError

def chat():
    while True:
        logging.getLogger("fanfold").warning("still at work")

def command():
    sys.setswitchinterval(1e-5)
    log(verbose=False)
    for _ in range(4):
        threading.Thread(target=chat, daemon=True).start()
    time.sleep(0.2)
    raise FanfoldError("gone for good")

run_and_leave(command)
"""


def test_the_last_line_is_why_it_ended_though_threads_go_on_to_write(tmp_path: Path) -> None:
    for _ in range(3):
        ended = subprocess.run(
            [sys.executable, "-c", CHATTY_THREADS], cwd=tmp_path, capture_output=True, text=True
        )
        assert ended.returncode == 1
        *before, last = ended.stderr.splitlines()
        assert last == "error: gone for good"
        assert len(before) > 4


def heed_ctrl_c() -> None:
    """Undo what a shell does to its background jobs, of which these tests may be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


LONG_GRID = '{"n_estimators": [1000000], "max_depth": [6], "subsample": [0.6, 0.7, 0.8, 0.9]}'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_search_that_is_stopped_ends_at_once_and_leaves_nothing_behind(
    folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    search = (folder / "packages.csv", *COLUMNS, "--grid", LONG_GRID, "--output", "found")
    process = subprocess.Popen(
        [*FANFOLD, "tune", *map(str, search)],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    assert process.stderr is not None
    said = [line for line in iter(process.stderr.readline, "cross_validate\n") if line]
    assert list(scratch.iterdir()) != []
    process.send_signal(number)
    # The fits that are under way would take many minutes.
    out, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert err == "stopped\n", said
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["scratch"]
    assert list(scratch.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*FANFOLD, "settings"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
