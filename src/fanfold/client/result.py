"""What a run found: told by its last task's log, and its files, where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fanfold.client.connection import Kfp
from fanfold.client.errors import Gone
from fanfold.client.logs import read_logs
from fanfold.client.runs import Run
from fanfold.errors import FanfoldError, UserError
from fanfold.results.log_channel import read_result, write_told
from fanfold.storage import Seen

SOURCES = {"minio": "minio", "s3": "s3", "gs": "gcs"}
"""The schemes of addresses, as KFP's pages call them."""


@dataclass(frozen=True)
class Result:
    """What a run found.

    Attributes:
        kfp: the backend.
        run: the run.
        told: what the line in its log says, see `fanfold.results.log_channel`.
    """

    kfp: Kfp
    run: Run
    told: dict[str, Any]

    @property
    def model(self) -> str:
        """The address of the model, as the pods know it."""
        return str(self.told["addresses"]["model"])

    @property
    def metrics(self) -> dict[str, float | None]:
        """Metric -> value on the held-out rows."""
        return dict(self.told["files"]["metrics.json"])

    @property
    def best(self) -> dict[str, Any]:
        """The winner, as `best.json` has it."""
        return dict(self.told["files"]["best.json"])

    @property
    def report(self) -> str:
        """Where a browser finds the report."""
        return self.kfp.artifact_link(**self._query("results", "report.html"))

    def write_told(self, folder: Path) -> None:
        """Write the small files, which the log holds, to `folder`."""
        write_told(self.told, folder)

    def download(
        self, output: str | Path, *, overwrite: bool = False, replaceable: Seen | None = None
    ) -> None:
        """Write every file of the search, as `fanfold tune` does, to a folder or bucket.

        What lies in a bucket of gs:// or s3:// is read there, with the credentials that are
        found here; what lies in KFP's own store comes through KFP.

        Args:
            output: where they are to lie.
            overwrite: replace the files of an earlier search.
            replaceable: what `check_folder` said of `output` before; it is asked otherwise.

        Raises:
            UserError: `output` exists, or the files may not be read.
        """
        from fanfold.settings.paths import check_folder
        from fanfold.storage import published

        if replaceable is None:
            replaceable = check_folder(str(output), overwrite)
        with published(output, replaceable) as beside:
            for folder, name in self._files():
                path = beside / name if folder == "results" else beside / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self._read(folder, name))

    def _files(self) -> list[tuple[str, str]]:
        files = [(folder, name) for folder, names in self.told["names"].items() for name in names]
        for _, name in files:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise FanfoldError(f"a file of the run is named {name!r}, which leads elsewhere")
        return files

    def _read(self, folder: str, name: str) -> bytes:
        from fanfold.storage import is_remote, join, read_bytes

        address = self.told["addresses"][folder]
        if is_remote(address):
            return read_bytes(join(address, name))
        try:
            return self.kfp.artifact(**self._query(folder, name))
        except Gone:
            raise UserError(
                f"{self.kfp.ui} serves no artifacts, as KFP's API alone does not: give the address"
                " of its pages as --host, or as KF_PIPELINES_UI_ENDPOINT"
            ) from None

    def _query(self, folder: str, name: str) -> dict[str, str]:
        parts = urlsplit(self.told["addresses"][folder])
        key = f"{parts.path.strip('/')}/{name}"
        where = {"source": SOURCES.get(parts.scheme, parts.scheme), "bucket": parts.netloc}
        return {**where, "key": key, "namespace": self.kfp.namespace or "kubeflow"}


def result_of(kfp: Kfp, run: Run) -> Result:
    """What a run that has succeeded found.

    Raises:
        UserError: it has not, or its last task's log is gone.
    """
    if not run.succeeded:
        hint = "" if run.over else "; add --wait to wait for it"
        raise UserError(f"the run {run.id} has no results: it is {run.state}{hint}")
    latest_first = [task for task in reversed(run.tasks) if task.has_log]
    for log in read_logs(kfp, run, latest_first):
        told = read_result(log.text)
        if told is not None:
            return Result(kfp, run, told)
    raise UserError(
        f"no task's log of the run {run.id} tells results: it was not a run of fanfold, or KFP has"
        " removed its logs"
    )
