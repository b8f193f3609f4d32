"""Ctrl-C is quiet from the command's first line on: while it imports, and when it has ended."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.fanfold.command import Ended

HEED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A shell's background job, which a test may be, ignores Ctrl-C."""

AT_AN_IMPORT = f"""
{HEED}

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

wanted, sys.argv[1:] = sys.argv[1], ["--version"]
from fanfold.cli import main
sys.meta_path.insert(0, Finder())
main()
"""


def run(program: str, *arguments: str) -> Ended:
    command = [sys.executable, "-c", program, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return Ended(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    "module", ["fanfold.cli.app", "typer", "inspect", "fanfold.storage", "fanfold.versions"]
)
def test_a_signal_while_the_command_imports_is_quiet(module: str) -> None:
    assert run(AT_AN_IMPORT, module) == Ended(130, "", "stopped\n")


def test_a_signal_at_any_early_moment_is_quiet() -> None:
    program = f"""
{HEED}
from fanfold.cli import exits, main
exits.leave_when_stopped()  # as main does first of all; before it Python itself speaks
print("up", flush=True)
main()
"""
    ends = set()
    for delay in (0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3):
        with subprocess.Popen(
            [sys.executable, "-c", program, "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(2)
            err = process.stderr.read()
        ends.add((process.returncode, err))
    # It has ended already, or Python is at its end and handles signals no more.
    assert ends <= {(130, "stopped\n"), (0, ""), (-2, "")}
    assert (130, "stopped\n") in ends


@pytest.mark.parametrize(
    "end", ["pass", "raise SystemExit(3)"], ids=["well", "with an exit code of its own"]
)
def test_a_signal_when_the_command_has_ended_is_quiet(end: str) -> None:
    program = f"""
{HEED}
import atexit
from fanfold.cli.exits import run_and_leave

def command():
    {end}

atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
run_and_leave(command)
"""
    assert run(program) == Ended(130, "", "stopped\n")


def test_a_signal_that_comes_where_python_drops_exceptions_is_not_lost() -> None:
    program = f"""
{HEED}
import time
from fanfold.cli.exits import run_and_leave

class Noisy:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(10))

def command():
    try:
        Noisy()
        time.sleep(20)
    finally:
        print("tidied up")

run_and_leave(command)
"""
    assert run(program) == Ended(130, "tidied up\n", "stopped\n")
