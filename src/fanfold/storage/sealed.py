"""Manifests that show tampering: JSON that carries its own SHA-256, and files that have one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fanfold.errors import DamagedError

SEAL = "sha256"


def sha256(path: Path) -> str:
    """SHA-256 of the file at `path`, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of `facts` as JSON with sorted keys, hexadecimal."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def sealed(facts: Mapping[str, Any]) -> str:
    """`facts` as JSON text, sealed with their own SHA-256."""
    return json.dumps({**facts, SEAL: digest(facts)}, indent=1, ensure_ascii=False) + "\n"


def unsealed(text: str | bytes, wanted: str | Sequence[str], name: str) -> dict[str, Any]:
    """The facts that `sealed` wrote as `text`, which messages call `name`.

    Raises:
        DamagedError: it is no such text, is of another format, or was changed.
    """
    try:
        facts = json.loads(text)
        seal, found = facts.pop(SEAL), facts["format"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DamagedError(f"{name!r} is not a manifest that fanfold wrote") from None
    formats = [wanted] if isinstance(wanted, str) else wanted
    if found not in formats:
        raise DamagedError(
            f"{name!r} is of format {found!r}, and {' or '.join(map(repr, formats))} is needed"
        )
    if digest(facts) != seal:
        raise DamagedError(f"{name!r} was changed since it was written: its SHA-256 differs")
    return dict(facts)


def write_manifest(path: Path, facts: Mapping[str, Any]) -> None:
    """Write `facts` as JSON to `path`, sealed with their own SHA-256."""
    path.write_text(sealed(facts), encoding="utf-8")


def read_manifest(path: Path, wanted: str | Sequence[str]) -> dict[str, Any]:
    """The facts that `write_manifest` wrote to `path`.

    Raises:
        DamagedError: the file is missing, is no such manifest, or was changed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DamagedError(f"{str(path)!r} is missing") from None
    except (OSError, ValueError):
        raise DamagedError(f"{str(path)!r} is not a manifest that fanfold wrote") from None
    return unsealed(text, wanted, str(path))


def check_files(folder: Path, checksums: Mapping[str, str]) -> None:
    """Raise `DamagedError` for the first file of `folder` that is missing or was changed."""
    for name, checksum in checksums.items():
        path = folder / name
        if not path.is_file():
            raise DamagedError(f"{str(path)!r} is missing")
        if sha256(path) != checksum:
            raise DamagedError(
                f"{str(path)!r} was changed since it was written: its SHA-256 differs"
            )
