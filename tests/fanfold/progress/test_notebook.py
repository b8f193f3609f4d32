"""A search in a notebook: a real kernel runs the cells, and its messages are what is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

import fanfold

SEARCH = 'fanfold.tune("sample:400", grid={"n_estimators": range(5, 16, 5)}, folds=2'


@dataclass
class Cell:
    """What the kernel sent while it ran a cell, in order."""

    status: str = ""
    shown: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for name, content in self.shown if name == kind]


@dataclass
class Notebook:
    client: BlockingKernelClient

    def run(self, code: str) -> Cell:
        cell = Cell()

        def take(message: dict[str, Any]) -> None:
            kind = message["header"]["msg_type"]
            if kind not in ("status", "execute_input"):
                cell.shown.append((kind, message["content"]))

        reply = self.client.execute_interactive(code, output_hook=take, timeout=60)
        cell.status = reply["content"]["status"]
        return cell


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        manager, client = start_new_kernel(kernel_name="python3")
        try:
            found = Notebook(client)
            assert found.run("import fanfold").status == "ok"
            yield found
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def test_a_cell_shows_how_the_search_stands_and_then_the_report(notebook: Notebook) -> None:
    cell = notebook.run(f"{SEARCH})")
    assert cell.status == "ok"
    (first,) = cell.of("display_data")
    updates = cell.of("update_display_data")
    assert len(updates) >= 2, "the imports alone take longer than that"
    assert {each["transient"]["display_id"] for each in [first, *updates]} == {
        first["transient"]["display_id"]
    }
    assert first["data"]["text/plain"].startswith("▸ starting")
    last = updates[-1]["data"]
    assert last["text/html"].startswith("<pre") and "6/6" in last["text/html"]
    assert [line[0] for line in last["text/plain"].splitlines()[:5]] == ["✓"] * 5
    assert cell.shown[-1][0] == "execute_result", "the report comes last"
    (result,) = cell.of("execute_result")
    assert result["data"]["text/plain"].startswith("TuneResult(candidates=3, best={")
    assert len(result["data"]["text/html"]) < 100_000
    assert cell.of("stream") == []


def test_a_search_that_fails_says_where(notebook: Notebook) -> None:
    cell = notebook.run(f'{SEARCH}, target="nothing")')
    assert cell.status == "error"
    assert "✗ preprocess" in cell.of("update_display_data")[-1]["data"]["text/plain"]
    assert cell.of("error")[0]["ename"] == "UserError"


@pytest.mark.parametrize("more", ["progress=False", "on_event=lambda event: None"])
def test_who_asks_for_none_or_listens_alone_sees_no_progress(more: str, notebook: Notebook) -> None:
    cell = notebook.run(f"found = {SEARCH}, {more})")
    assert cell.status == "ok" and cell.shown == []


def test_every_setting_completes_and_is_explained(notebook: Notebook) -> None:
    notebook.client.complete("fanfold.tune(text")
    matches = set(notebook.client.get_shell_msg(timeout=20)["content"]["matches"])
    settings = fanfold.Settings().as_dict()
    assert {f"{name}=" for name in settings if name.startswith("text")} <= matches
    notebook.client.inspect("fanfold.tune")
    page = notebook.client.get_shell_msg(timeout=20)["content"]["data"]["text/plain"]
    assert all(name in page for name in settings)


def test_outside_a_notebook_only_who_asks_sees_progress(
    capfd: pytest.CaptureFixture[str],
) -> None:
    given: dict[str, Any] = {"grid": {"n_estimators": [5]}, "folds": 2}
    fanfold.tune("sample:400", **given)
    assert capfd.readouterr() == ("", "")
    told: list[Any] = []
    fanfold.tune("sample:400", **given, progress=True, on_event=told.append)
    shown = capfd.readouterr()
    assert shown.out == "" and "cross_validate: 2/2 (100 %)" in shown.err
    assert {event["event"] for event in told} == {"stage", "search", "score"}
