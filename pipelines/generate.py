"""Writes all that is generated from code: compiled YAML, and the tables in READMEs.

python -m pipelines.generate            # write what is out of date
python -m pipelines.generate --check    # name it instead, and fail if there is any
"""

import argparse
import os
import re
import runpy
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import Field
from pathlib import Path

from kfp.dsl.base_component import BaseComponent

from components.cross_validate.component import cross_validate
from components.expand_grid.component import expand_grid
from components.preprocess.component import preprocess
from components.select_best.component import select_best
from components.train_final.component import train_final
from fanfold.cli.options import allowed_values
from fanfold.settings.cluster import cluster_fields
from fanfold.settings.search import fields
from fanfold.storage.local import write_text
from pipelines.tune import as_yaml, tune

ROOT = Path(__file__).parents[1]

COMPONENTS = {
    "preprocess": preprocess,
    "expand_grid": expand_grid,
    "cross_validate": cross_validate,
    "select_best": select_best,
    "train_final": train_final,
}


class MarkersMissingError(Exception):
    """A README does not say where its table goes."""


def compiled_files() -> Iterator[tuple[Path, str]]:
    """Each compiled YAML: its path in the repository, and its text.

    The example loads the components' files, so those come first.
    """
    for name, component in COMPONENTS.items():
        yield Path("components", name, "component.yaml"), as_yaml(component)
    yield Path("pipelines", "tune.yaml"), as_yaml(tune)
    example = Path("examples", "two_estimators.py")
    pipeline = runpy.run_path(str(ROOT / example))[example.stem]
    yield example.with_suffix(".yaml"), as_yaml(pipeline)


def readmes() -> Iterator[tuple[Path, str, str]]:
    """Each README with a table: its path, the marker's name, and what stands between markers."""
    for name, component in COMPONENTS.items():
        yield Path("components", name, "README.md"), "interface", interface(component)
    yield Path("README.md"), "settings", settings_tables()


def interface(component: BaseComponent) -> str:
    """The tables of a component's inputs and outputs."""
    spec = component.component_spec
    inputs = [
        [f"`{name}`", kind(each), f"`{each.default!r}`" if each.optional else "", each.description]
        for name, each in spec.inputs.items()
    ]
    outputs = [[f"`{name}`", kind(each), each.description] for name, each in spec.outputs.items()]
    parts = [
        "## Inputs",
        table(("input", "type", "default", "what it is"), inputs),
        "## Outputs",
        table(("output", "type", "what it is"), outputs),
    ]
    return "\n\n".join(parts)


def kind(spec: object) -> str:
    """The type as KFP's form shows it: `String`, `Dataset`, `list of Dataset`."""
    name = str(getattr(spec, "type", "")).split("@")[0].removeprefix("system.")
    name = "List" if name.startswith("typing.List") else name
    return f"list of {name}" if getattr(spec, "is_artifact_list", False) else name


def settings_tables() -> str:
    """The tables of all settings, for the README."""

    def row(field: Field[object]) -> list[str]:
        about = f"{field.metadata['description']}."
        return [f"`{field.name}`", f"`{field.default}`" if field.default != "" else "", about]

    search = [[*row(each)[:2], allowed_values(each), row(each)[2]] for each in fields()]
    cluster = [row(each) for each in cluster_fields()]
    return "\n\n".join(
        [
            table(("setting", "default", "allowed", "what it does"), search),
            "On a cluster the pipeline has these parameters too; a pod asks for them, and may use"
            " no more:",
            table(("parameter", "default", "what it is"), cluster),
        ]
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


def between_markers(text: str, name: str, new: str) -> str:
    """`text` with `new` between `<!-- name: begin -->` and `<!-- name: end -->`."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    pattern = re.compile(f"(?s)(?<={re.escape(begin)}).*?(?={re.escape(end)})")
    if not pattern.search(text):
        raise MarkersMissingError(f"it lacks the lines {begin.strip()} and {end}")
    return pattern.sub(lambda _: f"{new}\n", text, count=1)


def out_of_date() -> Iterator[tuple[Path, str]]:
    """Each file that differs from what is generated, and what it should be.

    A README without the markers of its table is one of them, as it stands.
    """
    for path, text in compiled_files():
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text:
            yield path, text
    for path, name, new in readmes():
        old = (ROOT / path).read_text(encoding="utf-8")
        try:
            text = between_markers(old, name, new)
        except MarkersMissingError as error:
            sys.stderr.write(f"{path}: {error}; its table was left out\n")
            yield path, old
            continue
        if old != text:
            yield path, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.generate")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    check = parser.parse_args(arguments).check
    if os.environ.get("FANFOLD_IMAGE") or os.environ.get("FANFOLD_PARALLELISM"):
        sys.stderr.write("unset FANFOLD_IMAGE and FANFOLD_PARALLELISM: they are not committed\n")
        return 2
    found = 0
    for path, text in out_of_date():
        found += 1
        if check:
            sys.stderr.write(f"{path} is out of date: make compile\n")
        else:
            write_text(ROOT / path, text)
            sys.stdout.write(f"wrote {path}\n")
    return int(check and found > 0)


if __name__ == "__main__":
    sys.exit(main())
