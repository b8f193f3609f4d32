"""What a run found: read from its log with the host alone, downloaded as `tune` writes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import kfp_server_api as api
import pytest

from fanfold.client import Gone, Kfp, Run, get_run, latest_run, result_of, submit
from fanfold.errors import DamagedError, FanfoldError, UserError
from fanfold.storage import join, upload
from tests.fanfold.command import json_of
from tests.kfp_server.backend import Moment
from tests.kfp_server.fixtures import artifacts, ended
from tests.kfp_server.graph import Step
from tests.kfp_server.server import KfpServer
from tests.servers.servers import Server

QUICK = pytest.mark.parametrize("server", ["gcs", "versitygw"], indirect=True)


def finished(kfp: Kfp, server: KfpServer, moment: Moment) -> Run:
    server.backend.course = (moment,)
    return submit(kfp, {})


def same_files(one: Path, other: Path) -> bool:
    names = [{each.relative_to(at) for each in at.rglob("*")} for at in (one, other)]
    return names[0] == names[1] and all(
        (one / each).read_bytes() == (other / each).read_bytes()
        for each in names[0]
        if (one / each).is_file()
    )


def test_the_log_tells_the_metrics_the_winner_and_the_small_files_without_a_key(
    kfp: Kfp, kfp_server: KfpServer, searched: Path, tmp_path: Path
) -> None:
    kfp_server.serves_artifacts = False
    result = result_of(kfp, finished(kfp, kfp_server, ended(searched)))
    assert result.metrics == json_of(searched / "metrics.json")
    assert result.best == json_of(searched / "best.json")
    result.write_told(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (searched / path.name).read_bytes()
    assert len(list(tmp_path.iterdir())) == 4
    with pytest.raises(UserError, match="serves no artifacts, .* KF_PIPELINES_UI_ENDPOINT"):
        result.download(tmp_path / "found")
    assert not (tmp_path / "found").exists()


def test_a_download_through_the_host_has_every_file_to_the_byte(
    kfp: Kfp, kfp_server: KfpServer, searched: Path, tmp_path: Path
) -> None:
    kfp_server.backend.artifacts = artifacts(searched)
    result = result_of(kfp, finished(kfp, kfp_server, ended(searched)))
    result.download(tmp_path / "found")
    assert same_files(searched, tmp_path / "found")
    with pytest.raises(
        UserError, match="exists and is not empty: name another, or add --overwrite"
    ):
        result.download(tmp_path / "found")
    (tmp_path / "found" / "best.json").write_text("{}")
    result.download(tmp_path / "found", overwrite=True)
    assert same_files(searched, tmp_path / "found")


def test_a_file_that_is_not_there_leaves_nothing_half_written(
    kfp: Kfp, kfp_server: KfpServer, searched: Path, tmp_path: Path, at_once: None
) -> None:
    kfp_server.backend.artifacts = artifacts(searched)
    kfp_server.backend.artifacts.popitem()
    result = result_of(kfp, finished(kfp, kfp_server, ended(searched)))
    with pytest.raises(FanfoldError, match="NoSuchKey"):
        result.download(tmp_path / "found")
    assert list(tmp_path.iterdir()) == []


@QUICK
def test_from_a_bucket_of_ones_own_the_files_are_read_there(
    kfp: Kfp, kfp_server: KfpServer, server: Server, bucket: str, searched: Path, tmp_path: Path
) -> None:
    root = server.uri(bucket, "runs/some-run")
    shutil.copytree(searched, tmp_path / "task")
    shutil.move(tmp_path / "task" / "model", tmp_path / "model")
    upload(tmp_path / "task", join(root, "results"))
    upload(tmp_path / "model", join(root, "model"))
    kfp_server.serves_artifacts = False
    result = result_of(kfp, finished(kfp, kfp_server, ended(searched, root)))
    result.download(tmp_path / "found")
    assert same_files(searched, tmp_path / "found")


def test_a_name_that_leads_out_of_the_folder_is_not_written(
    kfp: Kfp, kfp_server: KfpServer, searched: Path, tmp_path: Path
) -> None:
    result = result_of(kfp, finished(kfp, kfp_server, ended(searched)))
    result.told["names"]["model"].append("../../elsewhere")
    with pytest.raises(FanfoldError, match="which leads elsewhere"):
        result.download(tmp_path / "found")


@pytest.mark.parametrize(
    ("steps", "states", "said"),
    [
        ((), ("RUNNING",), "has no results: it is RUNNING; add --wait"),
        ((), ("RUNNING", "FAILED"), "has no results: it is FAILED$"),
        ((Step("train-final"),), ("SUCCEEDED",), "no task's log of the run .* tells results"),
    ],
)
def test_a_run_without_results_says_why(
    steps: tuple[Step, ...], states: tuple[str, ...], said: str, kfp: Kfp, kfp_server: KfpServer
) -> None:
    run = finished(kfp, kfp_server, Moment(states, steps))
    with pytest.raises(UserError, match=said):
        result_of(kfp, run)


def test_a_log_that_was_cut_is_not_taken_for_results(kfp: Kfp, kfp_server: KfpServer) -> None:
    step = Step("train-final", log='fanfold-result {"addresses": {"resu\n')
    run = finished(kfp, kfp_server, Moment(("SUCCEEDED",), (step,)))
    with pytest.raises(DamagedError, match="cut short in the log"):
        result_of(kfp, run)


def test_the_latest_run_of_this_pipeline_that_succeeded_is_found_among_others(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    done, failed = Moment(("SUCCEEDED",)), Moment(("FAILED",))
    with pytest.raises(UserError, match="has no run of fanfold-tune that succeeded"):
        latest_run(kfp)
    finished(kfp, kfp_server, done)
    wanted = finished(kfp, kfp_server, done)
    finished(kfp, kfp_server, failed)
    add = kfp_server.backend.add_run
    other = {"pipelineInfo": {"name": "another"}}
    lost = api.V2beta1PipelineVersionReference(pipeline_id="p", pipeline_version_id="gone")
    for run in (
        api.V2beta1Run(pipeline_spec=other),
        api.V2beta1Run(pipeline_spec={"pipeline_spec": other, "platform_spec": {}}),
        api.V2beta1Run(pipeline_version_reference=lost),
        api.V2beta1Run(),
    ):
        add(run, done)
    assert latest_run(kfp).id == wanted.id
    ours = add(api.V2beta1Run(pipeline_spec={"pipelineInfo": {"name": "fanfold-tune"}}), done)
    assert latest_run(kfp).id == ours.run_id


def test_a_run_that_is_not_there_is_said_so(kfp: Kfp) -> None:
    with pytest.raises(Gone, match=f"KFP at {kfp.host} has no run 'none'"):
        get_run(kfp, "none")
