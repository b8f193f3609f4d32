"""What the tasks of a run must leave: kfp.local can take a container that failed for a success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fanfold.progress.progress import STAGES


@dataclass(frozen=True)
class Outputs:
    """The artifacts of a run, as kfp.local lays them out.

    Args:
        root: kfp.local's pipeline root.
        artifacts: step -> names of its artifacts.
        tasks: iterations of the loop.
    """

    root: Path
    artifacts: Mapping[str, Sequence[str]]
    tasks: int

    def missing(self, before: str = "") -> str | None:
        """The first artifact that is not there, as `step: name`; None where all are.

        Args:
            before: a step that has begun, so that those that it waits for have ended; empty: all
                have.
        """
        # Each waits for those before it, but for the first two, which do not for each other.
        ended = STAGES[: STAGES.index(before)] if before else STAGES
        for step in () if before == "preprocess" else ended:
            for folder in self._folders(step):
                for name in self.artifacts[step]:
                    if not (folder / name).exists():
                        return f"{step}: {name}"
        return None

    def _folders(self, step: str) -> Iterator[Path]:
        run = next((each for each in self.root.iterdir() if each.is_dir()), self.root)
        name = step.replace("_", "-")
        if step != "cross_validate":
            yield run / name
        else:
            for number in range(self.tasks):
                yield run / f"for-loop-1-iteration-{number}" / name
