"""The bucket, the image repository and the two roles of `deploy/eks/template.yaml`."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint_file

from tests.deploy.template import MADE, TEMPLATE, Request, allowed, resources, source

STACK = resources(GitHubRepository="owner/fanfold")
BUCKET = STACK["Bucket"]["Properties"]
ARN = MADE["Bucket.Arn"]
OBJECT_ACTIONS = {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"}
PUSH = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
}
FORBIDDEN = (  # to a pod, wherever
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectAcl",
    "s3:PutBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:ListAllMyBuckets",
    "sts:AssumeRole",
    "ecr:PutImage",
)


def statements(role: str) -> list[dict[str, Any]]:
    """What a role allows, in all of its policies."""
    properties = STACK[role]["Properties"]
    assert "ManagedPolicyArns" not in properties
    return [s for each in properties["Policies"] for s in each["PolicyDocument"]["Statement"]]


def test_cfn_lint_finds_nothing_to_say() -> None:
    where = ManualArgs(regions=["eu-west-1", "us-east-1"])
    assert [str(each) for each in lint_file(TEMPLATE, config=where)] == []


@pytest.mark.parametrize(
    ("prefix", "may"),
    [
        ("data/", {"s3:GetObject"}),
        ("intermediates/", OBJECT_ACTIONS),
        ("ledger/", OBJECT_ACTIONS),
        ("models/", set()),
        ("", set()),
        ("ledgers/", set()),
        ("other/ledger/", set()),
    ],
)
def test_a_pod_may_do_with_an_object_what_its_prefix_says(prefix: str, may: set[str]) -> None:
    for action in OBJECT_ACTIONS | set(FORBIDDEN):
        request = Request(action, f"{ARN}/{prefix}a/b.json")
        assert allowed(statements("PodRole"), request) == (action in may), request


@pytest.mark.parametrize(
    ("prefix", "may"),
    [
        ("data/posts.csv", True),
        ("intermediates/fanfold-tune/", True),
        ("ledger/folds/0123/", True),
        ("models/", False),
        ("", False),
        (None, False),
    ],
)
def test_a_pod_may_list_its_own_prefixes_alone(prefix: str | None, may: bool) -> None:
    context = {} if prefix is None else {"s3:prefix": prefix}
    assert allowed(statements("PodRole"), Request("s3:ListBucket", ARN, context=context)) == may
    elsewhere = Request("s3:ListBucket", f"{ARN}-of-another", context=context)
    assert not allowed(statements("PodRole"), elsewhere)


def test_a_pod_may_do_nothing_with_another_bucket() -> None:
    for action in OBJECT_ACTIONS | set(FORBIDDEN):
        request = Request(action, f"{ARN}-of-another/ledger/a.json")
        assert not allowed(statements("PodRole"), request), request


def test_the_role_of_the_pods_is_that_of_one_service_account_of_one_cluster() -> None:
    ours = {
        "aws:SourceAccount": MADE["AWS::AccountId"],
        "aws:RequestTag/eks-cluster-name": "fanfold",
        "aws:RequestTag/kubernetes-namespace": "kubeflow",
        "aws:RequestTag/kubernetes-service-account": "fanfold",
    }
    trust = STACK["PodRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    eks = ("Service", "pods.eks.amazonaws.com")
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allowed(trust, Request(action, principal=eks, context=ours))
        for key in ours:
            assert not allowed(trust, Request(action, principal=eks, context=ours | {key: "other"}))
            missing = {name: value for name, value in ours.items() if name != key}
            assert not allowed(trust, Request(action, principal=eks, context=missing))
        nodes = ("Service", "ec2.amazonaws.com")
        assert not allowed(trust, Request(action, principal=nodes, context=ours))


@pytest.mark.parametrize(
    ("subject", "may"),
    [
        ("repo:owner/fanfold:ref:refs/heads/main", True),
        ("repo:owner/fanfold:ref:refs/tags/v0.1.0", True),
        ("repo:owner/fanfold:ref:refs/heads/other", False),
        ("repo:owner/fanfold:ref:refs/heads/main-2", False),
        ("repo:owner/fanfold:ref:refs/tags/nightly", False),
        ("repo:owner/fanfold:pull_request", False),
        ("repo:owner/fanfold:environment:production", False),
        ("repo:owner/fanfold-2:ref:refs/heads/main", False),
        ("repo:another/fanfold:ref:refs/heads/main", False),
    ],
)
def test_one_repository_pushes_from_its_branch_and_its_version_tags(
    subject: str, may: bool
) -> None:
    trust = STACK["PushRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    def assumes(audience: str, provider: str = MADE["GitHub"]) -> bool:
        issuer = "token.actions.githubusercontent.com"
        context = {f"{issuer}:aud": audience, f"{issuer}:sub": subject}
        action = "sts:AssumeRoleWithWebIdentity"
        return allowed(trust, Request(action, "", ("Federated", provider), context))

    assert assumes("sts.amazonaws.com") == may
    assert not assumes("https://github.com/owner")
    assert not assumes("sts.amazonaws.com", MADE["GitHub"].replace("token.", "token2."))


def test_the_workflow_may_push_to_the_one_repository_and_do_nothing_else() -> None:
    may = statements("PushRole")
    for action in PUSH:
        assert allowed(may, Request(action, MADE["Images.Arn"])), action
        assert not allowed(may, Request(action, MADE["Images.Arn"] + "-2")), action
    assert allowed(may, Request("ecr:GetAuthorizationToken", "*"))
    for action in ("ecr:BatchDeleteImage", "ecr:PutImageTagMutability", "ecr:DeleteRepository"):
        assert not allowed(may, Request(action, MADE["Images.Arn"])), action
    assert not allowed(may, Request("s3:GetObject", f"{ARN}/models/a"))


def days_kept(key: str, what: str, days: str = "") -> int | None:
    """The fewest days that a lifecycle rule gives this object; None: for ever."""
    rules = BUCKET["LifecycleConfiguration"]["Rules"]
    assert all(each["Status"] == "Enabled" for each in rules)
    said = [each for each in rules if key.startswith(each.get("Prefix", ""))]
    found = [each[what][days] if days else each[what] for each in said if what in each]
    return min(found, default=None)


@pytest.mark.parametrize(
    ("prefix", "current", "overwritten"),
    [
        ("intermediates/", 30, 1),
        ("ledger/", None, 30),
        ("models/", None, 30),
        ("data/", None, 30),
        ("", None, 30),
    ],
)
def test_intermediates_expire_and_all_else_stays(
    prefix: str, current: int | None, overwritten: int
) -> None:
    key = f"{prefix}a/b.json"
    assert days_kept(key, "ExpirationInDays") == current
    assert days_kept(key, "NoncurrentVersionExpiration", "NoncurrentDays") == overwritten
    assert days_kept(key, "AbortIncompleteMultipartUpload", "DaysAfterInitiation") == 2


def test_the_bucket_is_private_encrypted_versioned_and_outlives_the_stack() -> None:
    assert len(BUCKET["PublicAccessBlockConfiguration"]) == 4
    assert all(value is True for value in BUCKET["PublicAccessBlockConfiguration"].values())
    assert BUCKET["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = BUCKET["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")
    assert BUCKET["VersioningConfiguration"] == {"Status": "Enabled"}
    assert STACK["Bucket"]["DeletionPolicy"] == STACK["Bucket"]["UpdateReplacePolicy"] == "Retain"


def test_a_connection_that_is_not_encrypted_is_denied_whatever_a_role_allows() -> None:
    policy = STACK["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    both = statements("PodRole") + policy
    for encrypted in ("true", "false"):
        context = {"aws:SecureTransport": encrypted}
        request = Request("s3:GetObject", f"{ARN}/ledger/a.json", context=context)
        assert allowed(both, request) == (encrypted == "true")


def test_an_image_cannot_be_replaced_and_is_scanned() -> None:
    images = STACK["Images"]["Properties"]
    assert images["ImageTagMutability"] == "IMMUTABLE"
    assert images["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_an_account_that_has_githubs_provider_keeps_it() -> None:
    theirs = MADE["GitHub"].replace(MADE["AWS::AccountId"], "444455556666")
    stack = resources(GitHubRepository="owner/fanfold", GitHubOidcProvider=theirs)
    assert "GitHub" in STACK and "GitHub" not in stack
    (trust,) = stack["PushRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Federated": theirs}


def test_no_role_is_named_so_that_no_more_than_capability_iam_is_asked_for() -> None:
    roles = [each for each in source()["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 2
    assert all("RoleName" not in each["Properties"] for each in roles)
