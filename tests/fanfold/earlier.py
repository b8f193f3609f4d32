"""What an earlier search left in its folder, as far as names and marks go."""

from __future__ import annotations

from pathlib import Path

from tests.contract import FILES


def write_earlier(folder: Path, content: str = "old") -> None:
    """Write every file of a search and of its model to `folder`."""
    (folder / "model").mkdir(parents=True)
    for name in FILES - {"model"}:
        (folder / name).write_text(content)
    for name in ("summary.json", "model/manifest.json"):
        (folder / name).write_text(f'{{"corpus_digest": "{content}"}}')
    (folder / "model/booster.ubj").write_text(content)
