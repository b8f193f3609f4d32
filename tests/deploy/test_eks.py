"""The files of `deploy/eks` fit each other, KFP and the pipeline's parameters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from fanfold.settings.cluster import ClusterSettings
from tests.deploy.template import resources, source

DEPLOY = Path(__file__).parents[2] / "deploy"
SUPPORTED = ("1.33", "1.34", "1.35", "1.36")  # by KFP 2.17


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


CLUSTER, SETTINGS = documents("eks/cluster.yaml")[0], documents("eks/settings.yaml")[0]
GROUPS = {each["name"]: each for each in CLUSTER["managedNodeGroups"]}


def tolerates(toleration: dict[str, str], taint: dict[str, str]) -> bool:
    """As Kubernetes defines it."""
    if toleration.get("effect", taint["effect"]) != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key", taint["key"]) == taint["key"]
    return (toleration["key"], toleration["value"]) == (taint["key"], taint["value"])


@pytest.mark.parametrize("name", ["fanfold.yaml", "eks/storage.yaml"])
@pytest.mark.parametrize("version", SUPPORTED)
def test_kubernetes_knows_each_field_of_the_manifests(name: str, version: str) -> None:
    for each in documents(name):
        kubernetes_validate.validate(each, version, strict=True)


def test_the_validator_knows_a_wrong_field() -> None:
    account = {**documents("fanfold.yaml")[0], "secret": []}
    with pytest.raises(kubernetes_validate.ValidationError, match="secret"):
        kubernetes_validate.validate(account, SUPPORTED[0], strict=True)


def test_the_service_account_has_the_rights_of_kfps_own() -> None:
    account, binding = documents("fanfold.yaml")
    who = {name: account["metadata"][name] for name in ("name", "namespace")}
    assert binding["subjects"] == [{"kind": "ServiceAccount", **who}]
    assert binding["roleRef"]["name"] == "pipeline-runner"
    assert binding["metadata"]["namespace"] == who["namespace"] == "kubeflow"


def test_the_role_of_the_pods_trusts_that_service_account_in_that_cluster() -> None:
    stack = resources(GitHubRepository="owner/fanfold")
    (trust,) = stack["PodRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    told = trust["Condition"]["StringEquals"]
    account = documents("fanfold.yaml")[0]["metadata"]
    assert told["aws:RequestTag/eks-cluster-name"] == CLUSTER["metadata"]["name"]
    assert told["aws:RequestTag/kubernetes-namespace"] == account["namespace"]
    assert told["aws:RequestTag/kubernetes-service-account"] == account["name"]
    assert "eks-pod-identity-agent" in [each["name"] for each in CLUSTER["addons"]]


def test_the_settings_are_parameters_that_the_pipeline_takes() -> None:
    pipeline = documents("../pipelines/tune.yaml")[0]
    taken = pipeline["root"]["inputDefinitions"]["parameters"]
    kinds = {"STRING": str, "LIST": list, "STRUCT": dict}
    for name, value in SETTINGS.items():
        assert isinstance(value, kinds[taken[name]["parameterType"]]), name
    ClusterSettings(**SETTINGS)


def test_fits_run_on_spot_nodes_and_nothing_else_does() -> None:
    spot, steady = GROUPS["spot"], GROUPS["steady"]
    assert spot["spot"] is True and "spot" not in steady
    assert spot["minSize"] == spot["desiredCapacity"] == 0 < spot["maxSize"]
    (taint,) = spot["taints"]
    assert any(tolerates(each, taint) for each in SETTINGS["cross_validate_tolerations"])
    assert not any(tolerates(each, taint) for each in SETTINGS.get("tolerations", []))
    # EKS itself puts this label on the nodes of a managed group.
    assert SETTINGS["cross_validate_node_selector"] == {"eks.amazonaws.com/capacityType": "SPOT"}


def test_a_step_outside_the_loop_finds_a_node_that_stays() -> None:
    steady = GROUPS["steady"]
    assert "taints" not in steady and steady["minSize"] == 1
    assert len(steady["availabilityZones"]) == 1, "a volume cannot follow to another zone"


def test_no_pod_can_use_the_role_of_its_node() -> None:
    assert all(each["disablePodIMDS"] for each in GROUPS.values())


def test_the_pods_are_given_no_keys_that_would_hide_their_role() -> None:
    of_kfp, of_kind = "mlpipeline-minio-artifact", "fanfold-s3"
    assert of_kind in (DEPLOY / "kind" / "secret.gotemplate").read_text(encoding="utf-8")
    assert SETTINGS["s3_secret"] not in (of_kfp, of_kind, "")


def test_the_cluster_has_a_version_that_kfp_supports_and_zones_of_its_region() -> None:
    assert CLUSTER["metadata"]["version"] in SUPPORTED
    zones = [*CLUSTER["availabilityZones"], *GROUPS["steady"]["availabilityZones"]]
    assert {each[:-1] for each in zones} == {CLUSTER["metadata"]["region"]}
    assert set(GROUPS["steady"]["availabilityZones"]) <= set(CLUSTER["availabilityZones"])


def test_the_readme_names_parameters_and_outputs_that_the_template_has() -> None:
    readme = (DEPLOY / "eks" / "README.md").read_text(encoding="utf-8")
    template = source()
    given = set(re.findall(r"^ +(\w+)=\S+ \\?$|--parameter-overrides (\w+)=", readme, re.M))
    names = {name for pair in given for name in pair if name}
    asked = set(re.findall(r"\boutput (\w+)\)", readme))
    assert {"GitHubRepository"} <= names <= set(template["Parameters"])
    assert asked == set(template["Outputs"])
