"""What is generated is committed, and up to date."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow  # `make generated`, which `make check` calls, says the first of these


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """Imported when it is used: kfp asks for the call stack at each step that it compiles, which
    takes seconds where as many modules are loaded as here, and every worker reads every file."""
    from pipelines import generate

    return generate


def test_all_that_is_generated_is_what_is_committed(
    generate: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = [str(path) for path, _ in generate.out_of_date()]
    assert stale == [], "make compile"
    assert capsys.readouterr().err == ""


def test_the_check_names_a_file_that_is_out_of_date_and_writing_mends_it(
    generate: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy_of_generated(generate.ROOT, tmp_path)
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.main(["--check"]) == 0

    stale = [tmp_path / "pipelines" / "tune.yaml", tmp_path / "components/preprocess/README.md"]
    good = [path.read_bytes() for path in stale]
    for path, was in zip(stale, ("folds:", "| `folds` |"), strict=True):
        text = path.read_text("utf-8")
        assert was in text
        path.write_text(text.replace(was, was.replace("folds", "sheep")), "utf-8")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "pipelines/tune.yaml is out of date: make compile",
        "components/preprocess/README.md is out of date: make compile",
    ]
    assert generate.main([]) == 0
    assert [path.read_bytes() for path in stale] == good


def test_a_readme_without_markers_is_left_alone_and_fails_the_check(
    generate: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy_of_generated(generate.ROOT, tmp_path)
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    (tmp_path / "README.md").write_text("# fanfold\n", "utf-8")
    assert generate.main(["--check"]) == 1
    assert "it lacks the lines <!-- settings: begin --> and" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert (tmp_path / "README.md").read_text("utf-8") == "# fanfold\n"


def test_an_image_of_ones_own_is_never_committed(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_IMAGE", "registry.example/mine-python:1")
    assert generate.main([]) == 2


def copy_of_generated(root: Path, folder: Path) -> None:
    """What is generated and what it is made from, in `folder`."""
    files = [root / "README.md", root / "pipelines" / "tune.yaml"]
    files += root.glob("components/*/*.yaml")
    files += root.glob("components/*/README.md")
    files += root.glob("examples/two_estimators.*")
    for file in files:
        copied = folder / file.relative_to(root)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(file.read_bytes())
