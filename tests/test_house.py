"""The house's own rules, read from its source: who imports whom, and what is never committed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT_KFP = ("client/", "local/pipeline_process.py")  # in the engine
UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "read_pickle", "to_pickle"}
HEAVY_LIBRARIES = {
    *("altair", "google", "kfp", "minio", "numpy", "pandas", "polars", "pyarrow", "scipy"),
    *("sklearn", "xgboost"),
}
LONGEST_BODY = 19  # lines of a component's function, below its docstring

REGISTRY = re.compile(
    r"(pypi|pythonhosted|anaconda|npmjs|yarnpkg|crates|maven)\.(org|com|io)\b"
    r"|(proxy|sum)\.golang\.org|(deb|archive|security)\.(debian|ubuntu)\."
    r"|--(extra-)?index-url[ =]+\S*://|--find-links[ =]+\S"
)
SOMEBODYS_FOLDER = re.compile(r"/(home|Users)/\w+/|/(root)/|\b[A-Z]:\\Users\\")


def sources(*rooms: str) -> list[Path]:
    """The Python files of these rooms, in order."""
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def imported_modules(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            if module == "fanfold":  # of `from fanfold import steps` the room is the name
                yield from (f"{module}.{each.name}" for each in node.names)
            else:
                yield module


def imports_of(paths: list[Path], forbidden: set[str]) -> list[str]:
    """One line for each import of a forbidden top-level package."""
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in paths
        for module in imported_modules(path)
        if module.split(".")[0] in forbidden
    ]


def committed_files() -> list[Path]:
    """What git tracks, or would if all that it sees were added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        how = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        how("this is not a git checkout, so nothing says which files are committed")
    return [ROOT / name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    """`file:line: text` of each committed line in which the pattern is found."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in committed_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_the_engine_imports_neither_components_nor_pipelines() -> None:
    assert imports_of(sources("src"), {"components", "pipelines"}) == []


def floors() -> dict[str, int]:
    """Room -> its line in the list of CONTRIBUTING.md, counted from the top."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = text.partition("<!-- rooms: begin -->")[2].partition("<!-- rooms: end -->")[0]
    lines = [line.split("  ")[0] for line in map(str.strip, listed.splitlines()) if line]
    return {room: number for number, line in enumerate(lines) for room in line.split(", ")}


def room_of(module: str) -> str:
    """The room that a module of the engine lies in; empty for those of others."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "fanfold" else ""


def test_every_room_of_the_engine_stands_in_the_list_of_rooms() -> None:
    engine = ROOT / "src" / "fanfold"
    rooms = {path.relative_to(engine).parts[0].removesuffix(".py") for path in sources("src")}
    assert rooms - {"__init__"} == set(floors())


def test_a_room_imports_only_from_rooms_below_it() -> None:
    engine, floor = ROOT / "src" / "fanfold", floors()
    upwards = []
    for path in sources("src"):
        own = path.relative_to(engine).parts[0].removesuffix(".py")
        for module in imported_modules(path):
            other = room_of(module)
            if other not in ("", own) and own != "__init__" and floor[other] <= floor[own]:
                upwards.append(f"{path.relative_to(engine)} imports {module}")
    assert upwards == []


def test_components_do_not_import_pipelines() -> None:
    assert imports_of(sources("components"), {"pipelines"}) == []


def test_no_room_of_the_house_imports_tests_benchmarks_or_examples() -> None:
    rooms = sources("src", "components", "pipelines")
    assert imports_of(rooms, {"tests", "benchmarks", "examples"}) == []


def test_only_the_client_and_the_runner_of_the_engine_import_kfp() -> None:
    engine = ROOT / "src" / "fanfold"
    free_of_kfp = [
        path
        for path in sources("src")
        if not path.relative_to(engine).as_posix().startswith(MAY_IMPORT_KFP)
    ]
    assert len(free_of_kfp) > 10
    assert imports_of(free_of_kfp, {"kfp", "kfp_server_api"}) == []


def test_the_command_line_starts_without_a_heavy_library() -> None:
    loaded = "fanfold.cli.app, fanfold.progress.view, fanfold.local.tune"  # till something is shown
    program = f"import sys, {loaded}; print(*{{name.split('.')[0] for name in sys.modules}})"
    started = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert set(started.stdout.split()) & HEAVY_LIBRARIES == set()


def test_nothing_is_pickled_or_evaluated() -> None:
    rooms = sources("src", "components", "pipelines", "examples")
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {name}"
        for path in rooms
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (name := getattr(node.func, "id", getattr(node.func, "attr", ""))) in UNSAFE_CALLS
    ]
    allowed = [path for path in rooms if "allow_pickle=True" in path.read_text(encoding="utf-8")]
    assert imports_of(rooms, UNSAFE_MODULES) + calls + allowed == []


def test_component_bodies_are_under_twenty_lines() -> None:
    files = sorted(ROOT.glob("components/*/component.py"))
    assert len(files) >= 5
    for path in files:
        functions = [
            node
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        ]
        assert functions, f"{path.relative_to(ROOT)} has no component function"
        for function in functions:
            body = function.body[1:] if ast.get_docstring(function) else function.body
            lines = function.body[-1].end_lineno - body[0].lineno + 1
            assert lines <= LONGEST_BODY, (
                f"{path.relative_to(ROOT)}: {function.name}: {lines} lines"
            )


def test_no_committed_file_names_a_package_registry() -> None:
    assert lines_that_match(REGISTRY) == []


def test_no_committed_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    assert lines_that_match(SOMEBODYS_FOLDER) == []
    if len(ROOT.parts) > 2:  # a checkout in /src, say, has too common a name to look for
        assert lines_that_match(re.compile(rf"(?<![\w.]){re.escape(str(ROOT))}(?![\w-])")) == []


def test_the_pins_have_hashes_and_the_image_takes_the_same_versions_as_the_tests() -> None:
    texts = {path.stem: path.read_text() for path in (ROOT / "requirements").glob("*.txt")}
    pins = {
        name: set(re.findall(r"^([a-z0-9-]+==\S+)", text, re.M)) for name, text in texts.items()
    }
    assert pins["run"] | pins["kfp"] | pins["build"] < pins["dev"]
    for text in texts.values():
        for pin in re.split(r"\n(?=\S)", text):
            assert pin.startswith("#") or "--hash=sha256:" in pin, pin
