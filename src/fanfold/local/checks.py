"""What is checked before a search on this machine reads its table: once, for every door."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fanfold.search.plan import Plan
from fanfold.settings.paths import NOWHERE, check_places, placed
from fanfold.settings.search import Settings
from fanfold.storage import Seen, is_remote, open_reader, s3_endpoint
from fanfold.tables.formats.foreign import refuse_folder
from fanfold.tables.target import check_target


def checked(
    settings: Settings, output: str | Path | None, overwrite: bool
) -> tuple[Settings, Seen]:
    """The settings, with the user's home in place of `~`, and what `output` may replace.

    Raises:
        UserError: the target, the grid or the rule is wrong, there is no table, or the ledger or
            `output` cannot be written.
    """
    check_target(settings.target)
    Plan.of(settings)
    settings = placed(settings)
    with s3_endpoint(settings.s3_endpoint):
        replaceable = check_places(settings, output, overwrite)
        if not settings.data.startswith(NOWHERE):
            refuse_folder(settings.data)
            open_reader(settings.data).close()
    return settings, replaceable


def with_absolute_paths(settings: Settings) -> Settings:
    """The settings for tasks that run in another folder than this process."""
    return replace(settings, data=_absolute(settings.data), ledger=_absolute(settings.ledger))


def _absolute(uri: str) -> str:
    if not uri or uri.startswith(NOWHERE) or is_remote(uri):
        return uri
    return str(Path(uri).absolute())
