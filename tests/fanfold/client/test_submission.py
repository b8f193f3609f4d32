"""Starting a run: mistakes are refused before KFP hears of them, and a version goes up once."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from fanfold.client import Kfp, Refused, get_run, retry, submit
from fanfold.client.submission import version_name
from fanfold.compiled import compiled_pipeline
from fanfold.errors import UserError
from fanfold.settings.cluster import pipeline_parameters
from tests.kfp_server.backend import Moment
from tests.kfp_server.fixtures import IMAGE
from tests.kfp_server.server import API, KfpServer

UPLOAD = f"POST {API}/pipelines/upload_version"


def test_a_run_gets_every_parameter_with_its_type_and_the_version_of_this_yaml(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    run = submit(
        kfp, {"folds": "3", "text__min_times": 0, "train_final_memory": "4Gi"}, name="mine"
    )
    (stored,) = kfp_server.backend.runs
    parameters = stored.runtime_config.parameters
    chosen, cluster = pipeline_parameters({})
    expected = {**chosen.as_dict(), **cluster.as_arguments()}
    assert parameters == {
        **expected, "folds": 3, "text__min_times": 0.0, "train_final_memory": "4Gi"
    }  # fmt: skip
    assert (stored.display_name, stored.run_id, run.state) == ("mine", run.id, "PENDING")
    (version,) = kfp_server.backend.versions
    assert stored.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id
    assert version.display_name == version_name(compiled_pipeline(IMAGE))
    assert [each.display_name for each in kfp_server.backend.pipelines] == ["fanfold-tune"]


def test_two_submits_of_one_version_upload_it_once_and_another_version_is_uploaded(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    for _ in range(2):
        submit(kfp, {})
    assert kfp_server.count(UPLOAD) == 1
    for image in ("registry.example/python-a:1", "registry.example/python-b:1") * 2:
        submit(kfp, {}, image=image, parallelism=3)
    assert kfp_server.count(UPLOAD) == 3
    assert kfp_server.count(f"POST {API}/pipelines") == 1
    images = {
        each.pipeline_spec["pipeline_spec"]["deploymentSpec"]["executors"]["exec-preprocess"][
            "container"
        ]["image"]
        for each in kfp_server.backend.versions
    }
    assert {"registry.example/python-a:1", "registry.example/python-b:1"} < images


def test_submits_at_the_same_time_make_one_version(kfp: Kfp, kfp_server: KfpServer) -> None:
    threads = [threading.Thread(target=submit, args=(kfp, {})) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    backend = kfp_server.backend
    assert (len(backend.pipelines), len(backend.versions), len(backend.runs)) == (1, 1, 4)


def test_runs_are_put_where_kfp_users_expect(
    kfp: Kfp, kfp_server: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(kfp, {})
    submit(kfp, {}, experiment="words")
    monkeypatch.setenv("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME", "mine")
    submit(kfp, {})
    submit(kfp, {}, experiment="words")
    monkeypatch.setenv("KF_PIPELINES_OVERRIDE_EXPERIMENT_NAME", "ours")
    submit(kfp, {}, experiment="words")
    names = {each.experiment_id: each.display_name for each in kfp_server.backend.experiments}
    found = [names[each.experiment_id] for each in kfp_server.backend.runs]
    assert found == ["Default", "words", "mine", "words", "ours"]
    assert len(names) == 4


def test_a_root_and_a_service_account_are_passed_on_only_where_they_are_given(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    submit(kfp, {})
    submit(kfp, {}, pipeline_root="s3://bucket/runs", service_account="tuner")
    plain, placed = kfp_server.backend.runs
    assert (plain.runtime_config.pipeline_root, plain.service_account) == (None, None)
    assert (placed.runtime_config.pipeline_root, placed.service_account) == (
        "s3://bucket/runs",
        "tuner",
    )


MANY = json.dumps([{"learning_rate": number / 7} for number in range(1, 3500)])

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown setting": ({"foldss": 3}, "no setting is named 'foldss'; did you mean 'folds'?"),
    "a value out of range": ({"folds": 1}, "folds must be at least 2"),
    "a quantity that is none": ({"preprocess_memory": "2 GB"}, "preprocess_memory must be memory"),
    "a wrong grid": ({"grid": '{"max_dept": [1]}'}, "did you mean 'max_depth'?"),
    "a wrong target": ({"target": "log1p("}, "target"),
    "a table of this machine": (
        {"data": "posts.csv"},
        "no pod can see the data 'posts.csv' of this machine: put it in a bucket",
    ),
    "a file address": ({"data": "file:///posts.csv"}, "no pod can see the data"),
    "a ledger of this machine": ({"ledger": "ledger"}, "no pod can see the ledger 'ledger'"),
    "too much": ({"grid": MANY}, "KFP passes on at most 100,000: make grid ("),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_refused_before_kfp_hears_of_it(
    case: str, kfp: Kfp, kfp_server: KfpServer
) -> None:
    kfp_server.seen.clear()
    settings, said = MISTAKES[case]
    with pytest.raises(UserError) as raised:
        submit(kfp, settings)
    assert said in str(raised.value)
    assert kfp_server.seen == []


def test_without_an_image_nothing_is_uploaded(
    kfp: Kfp, kfp_server: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FANFOLD_IMAGE")
    kfp_server.seen.clear()
    with pytest.raises(UserError, match="which image"):
        submit(kfp, {})
    assert kfp_server.seen == []


def test_a_grid_just_within_the_limit_is_accepted(kfp: Kfp, kfp_server: KfpServer) -> None:
    submit(kfp, {"grid": json.dumps({"max_depth": [6]}) + " " * 98_000})
    (run,) = kfp_server.backend.runs
    assert 98_000 < len(json.dumps(run.runtime_config.parameters)) <= 100_000


def test_what_the_backend_refuses_is_told_in_its_words(kfp: Kfp, kfp_server: KfpServer) -> None:
    submit(kfp, {})
    (version,) = kfp_server.backend.versions
    root = version.pipeline_spec["pipeline_spec"]["root"]
    del root["inputDefinitions"]["parameters"]["folds"]
    with pytest.raises(Refused, match=r"\(400\): parameter folds is not defined"):
        submit(kfp, {})


def test_a_failed_run_goes_on_and_any_other_is_left_alone(kfp: Kfp, kfp_server: KfpServer) -> None:
    run = submit(kfp, {})
    with pytest.raises(UserError, match=f"the run {run.id} is PENDING: only one that FAILED"):
        retry(kfp, run.id)
    kfp_server.backend.course = (Moment(("RUNNING", "FAILED")),)
    run = submit(kfp, {})
    kfp_server.backend.course = (Moment(("RUNNING", "FAILED", "RUNNING", "SUCCEEDED")),)
    assert retry(kfp, run.id).id == run.id
    assert kfp_server.backend.retried == [run.id]
    assert get_run(kfp, run.id).succeeded
    with pytest.raises(UserError, match="has no run 'none'"):
        retry(kfp, "none")
