"""JSON files: written whole or not at all, and read with a clear error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fanfold.errors import DamagedError
from fanfold.storage.local import write_text


def write_json(path: str | Path, facts: Mapping[str, Any]) -> None:
    """Write `facts` to `path`, whole or not at all."""
    write_text(path, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """What `write_json` wrote; `DamagedError` where it cannot be read."""
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise DamagedError(f"{str(path)!r} is missing or is not what fanfold wrote") from None
