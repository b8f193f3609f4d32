"""The script that draws the charts, made or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.report import library


@pytest.mark.slow
def test_a_script_that_was_kept_is_taken_in_place_of_making_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "KEPT", tmp_path / "library.js")
    made = library.library.__wrapped__()
    assert made.isascii() and "vegaEmbed" in made and "</script" not in made
    library.keep()
    assert library.KEPT.read_text() == made
    library.KEPT.write_text("kept")
    assert library.library.__wrapped__() == "kept"
