"""The scripts of `deploy/`, run to their end with stand-ins for the tools that they call.

They say nothing of what those tools do: only what they are asked, and in which order.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from fanfold.settings.cluster import ClusterSettings
from fanfold.settings.search import Settings

ROOT = Path(__file__).parents[2]
IMAGE = "localhost:5001/fanfold-python@sha256:0123"
LEDGER = {"ledger": "LEDGER", "s3_endpoint": "LEDGER_ENDPOINT", "s3_secret": "LEDGER_SECRET"}
"""The settings of a ledger, and the variables by which the tests get them."""

STAND_IN = """#!/bin/bash
echo "${0##*/} $(printf '%q ' "$@")" >>"$CALLS"
"""
ANSWERS = {
    "docker": 'case "$*" in *RepoDigests*) printf "elsewhere/x@sha256:9\\n$IMAGE\\n" ;;'
    ' "container inspect"*) exit ${NO_REGISTRY:-0} ;; exec*) cat >>"$CALLS" ;;'
    " run*) exit ${PORT_TAKEN:-0} ;; esac",
    "kind": 'case "$*" in "get clusters") echo "$CLUSTERS" ;; "get nodes"*) echo one two ;; esac',
    "kubectl": 'case "$*" in *port-forward*) [[ ! $BROKEN ]] || exit 1; exec sleep 60 ;;'
    ' *"get secret fanfold-s3"*) exit ${NO_SECRET:-1} ;; *dry-run*) echo "$WARNING" >&2;'
    ' exit ${REFUSED:-0} ;; *"get jobs"*) echo "job/one" ;;'
    ' *"apply --filename -") cat >/dev/null ;;'
    " esac",
    "make": '[[ $* != *image-name* ]] || echo "localhost:5001/fanfold-python:0123"',
    "curl": 'grep -q port-forward "$CALLS" || exit ${SILENT:-7}',
    "git": "",
    "fanfold": "",
}


@dataclass
class Clone:
    """A copy of the scripts, the tools beside them, and what was asked of these."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        self.calls_file.write_text("")
        return subprocess.run(
            [self.folder / "deploy" / script, *arguments],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=30,
        )

    @property
    def calls_file(self) -> Path:
        return self.folder / "calls"

    def calls(self, *words: str) -> list[list[str]]:
        """Each call that has all of these words, as its words, in order."""
        asked = [shlex.split(line) for line in self.calls_file.read_text().splitlines()]
        return [call for call in asked if set(words) <= set(call)]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    tools, own = tmp_path / "tools", tmp_path / ".venv" / "bin"
    for name, answer in ANSWERS.items():
        stand_in = (own if name == "fanfold" else tools) / name
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.write_text(f"{STAND_IN}{answer}\n")
        stand_in.chmod(0o755)
    for name in ("bash", "cat", "dirname", "grep", "sleep"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    calls = str(tmp_path / "calls")
    return Clone(tmp_path, {"PATH": str(tools), "CALLS": calls, "IMAGE": IMAGE, "CLUSTERS": ""})


def test_up_makes_cluster_registry_and_kfp_in_this_order(clone: Clone) -> None:
    assert clone.run("kind/up.sh", NO_REGISTRY="1").returncode == 0
    (cluster,) = clone.calls("kind", "create")
    (registry,) = clone.calls("docker", "run")
    installed = clone.calls("kubectl", "apply", "--kustomize")
    secret = clone.calls("kubectl", "apply", "-")[0]
    order = [cluster, registry, *installed, secret]
    asked = clone.calls()
    assert [asked.index(each) for each in order] == sorted(asked.index(each) for each in order)
    assert all("ref=2.17.0&" in each[-1] for each in installed) and len(installed) == 2
    assert "127.0.0.1:5001:5000" in registry
    told = [call[3] for call in clone.calls("docker", "exec")]
    assert told == ["one", "two"], "each node is told where the registry is"


def test_up_again_makes_neither_cluster_nor_registry_anew(clone: Clone) -> None:
    assert clone.run("kind/up.sh", CLUSTERS="other\nfanfold").returncode == 0
    assert clone.calls("kind", "create") == clone.calls("docker", "run") == []
    assert clone.calls("docker", "start") == [["docker", "start", "fanfold-registry"]]


def test_up_again_keeps_the_keys_of_another_bucket(clone: Clone) -> None:
    assert clone.run("kind/up.sh", NO_SECRET="0").returncode == 0
    assert clone.calls("kubectl", "apply", "-") == []


def test_a_registry_that_cannot_start_leaves_nothing_that_another_port_would_meet(
    clone: Clone,
) -> None:
    told = clone.run("kind/up.sh", NO_REGISTRY="1", PORT_TAKEN="125")
    assert told.returncode == 1 and "make kind-up REGISTRY_PORT=" in told.stderr
    assert clone.calls("docker", "rm") == [["docker", "rm", "--force", "fanfold-registry"]]
    assert clone.calls("kubectl") == []


@pytest.mark.parametrize("tool", ["docker", "kind", "kubectl", "git"])
def test_up_names_the_tool_that_is_missing_and_makes_nothing(clone: Clone, tool: str) -> None:
    (clone.folder / "tools" / tool).unlink()
    told = clone.run("kind/up.sh")
    assert told.returncode == 1 and f"error: {tool} is not installed" in told.stderr
    assert clone.calls() == []


@pytest.mark.parametrize("script", ["up", "run", "test", "down"])
def test_no_other_cluster_is_touched(clone: Clone, script: str) -> None:
    assert clone.run(f"kind/{script}.sh").returncode == 0
    assert all(call[1:3] == ["--context", "kind-fanfold"] for call in clone.calls("kubectl"))
    name = yaml.safe_load((ROOT / "deploy" / "kind" / "cluster.yaml").read_text())["name"]
    assert name == "fanfold"
    assert all("fanfold" in call for call in clone.calls("kind", "delete"))


def test_run_submits_the_digest_that_was_pushed_with_what_the_user_adds_last(clone: Clone) -> None:
    assert clone.run("kind/run.sh", "--set", "folds=3").returncode == 0
    (pushed,) = clone.calls("make", "push")
    assert {"REGISTRY=localhost:5001", "ARGS="} <= set(pushed)
    (submitted,) = clone.calls("fanfold", "submit", "--wait")
    given = dict(itertools.pairwise(submitted))
    assert given["--image"] == IMAGE
    assert given["--host"] == "http://localhost:8080"
    account = next(yaml.safe_load_all((ROOT / "deploy" / "fanfold.yaml").read_text()))
    assert given["--service-account"] == account["metadata"]["name"]
    assert submitted[-2:] == ["--set", "folds=3"]


def test_run_sets_what_the_pipeline_takes(clone: Clone) -> None:
    clone.run("kind/run.sh")
    (submitted,) = clone.calls("fanfold", "submit")
    pairs = [w for f, w in itertools.pairwise(submitted) if f == "--set"]
    given = dict(pair.split("=", 1) for pair in pairs)
    secret = (ROOT / "deploy" / "kind" / "secret.gotemplate").read_text()
    assert f"name: {given['s3_secret']}\n" in secret
    ClusterSettings(s3_secret=given.pop("s3_secret"))
    Settings(**given)


def test_what_the_user_sets_takes_the_place_of_what_run_sets(clone: Clone) -> None:
    own = ["--set", "data=s3://tables/posts.csv", "--set=s3_endpoint=", "--set", "ledger="]
    assert clone.run("kind/run.sh", *own).returncode == 0
    (submitted,) = clone.calls("fanfold", "submit")
    said = re.findall(r"--set[ =](\w+)=(\S*)", " ".join(submitted))
    given = dict(said)
    assert len(given) == len(said), "a setting may be said once"
    assert (given["data"], given["s3_endpoint"], given["ledger"]) == (
        "s3://tables/posts.csv", "", "",
    )  # fmt: skip
    assert given["max_tasks"] == "4"


def test_a_file_of_settings_is_all_that_is_set(clone: Clone) -> None:
    assert clone.run("kind/run.sh", "--params", "mine.yaml", "--set", "folds=3").returncode == 0
    (submitted,) = clone.calls("fanfold", "submit")
    assert submitted[-4:] == ["--params", "mine.yaml", "--set", "folds=3"]
    assert submitted.count("--set") == 1


def test_test_hands_the_tests_the_same_image_account_and_ledger(clone: Clone) -> None:
    assert clone.run("kind/test.sh").returncode == 0
    (asked,) = clone.calls("make", "test-cluster")
    given = dict(word.split("=", 1) for word in asked if "=" in word)
    clone.run("kind/run.sh")
    (submitted,) = clone.calls("fanfold", "submit")
    assert {f"{name}={given[variable]}" for name, variable in LEDGER.items()} <= set(submitted)
    flags = dict(itertools.pairwise(submitted))
    assert (given["IMAGE"], given["KFP_HOST"]) == (flags["--image"], flags["--host"])
    assert given["SERVICE_ACCOUNT"] == flags["--service-account"]
    # ARGS is not among them: those of the user come to it from the make that called.
    assert given.keys() == {"IMAGE", "KFP_HOST", "SERVICE_ACCOUNT", *LEDGER.values()}
    tests = (ROOT / "tests" / "cluster" / "test_cluster.py").read_text()
    target = (ROOT / "Makefile").read_text().partition("\ntest-cluster:")[2].partition("\n\n")[0]
    for name in given:
        assert f'"{name}"' in tests and f"{name}='$({name})'" in target


@pytest.mark.parametrize("script", ["run", "test"])
def test_no_forwarding_is_left_behind(clone: Clone, script: str) -> None:
    assert clone.run(f"kind/{script}.sh").returncode == 0
    processes = [each for each in Path("/proc").glob("[0-9]*/environ") if os.access(each, os.R_OK)]
    own = f"CALLS={clone.calls_file}".encode()

    def is_ours(process: Path) -> bool:
        try:
            return own in process.read_bytes()
        except OSError:  # it has ended
            return False

    assert not any(is_ours(each) for each in processes)


@pytest.mark.parametrize("script", ["run", "test"])
def test_no_search_is_sent_to_what_answers_there_already(clone: Clone, script: str) -> None:
    told = clone.run(f"kind/{script}.sh", SILENT="0", UI_PORT="8089")
    assert told.returncode == 1
    assert f"port 8089 is taken; use another one: make kind-{script} UI_PORT=" in told.stderr
    called = clone.calls("fanfold"), clone.calls("kubectl"), clone.calls("make", "test-cluster")
    assert called == ([], [], [])


def test_a_port_that_is_not_forwarded_is_an_error_of_its_own(clone: Clone) -> None:
    told = clone.run("kind/run.sh", BROKEN="1", UI_PORT="8089")
    assert told.returncode == 1
    assert "port 8089 is not forwarded, for what kubectl says above; if it is taken" in told.stderr
    assert clone.calls("fanfold") == []


@pytest.mark.parametrize(
    ("variables", "enforced", "returncode"),
    [
        ({"WARNING": ""}, "restricted", 0),
        ({"WARNING": "Warning: mysql-1: runAsNonRoot != true"}, "baseline", 0),
        ({"WARNING": "error: forbidden", "REFUSED": "1"}, None, 1),
    ],
)
def test_pod_security_is_restricted_where_the_cluster_finds_no_pod_of_kfp_in_the_way(
    clone: Clone, variables: dict[str, str], enforced: str | None, returncode: int
) -> None:
    told = clone.run("kfp.sh", "some-cluster", **variables)
    assert told.returncode == returncode
    assert variables["WARNING"] in told.stdout + told.stderr
    set_ = [call for call in clone.calls("label") if "--dry-run=server" not in call]
    levels = [m[1] for call in set_ for m in [re.search(r"/enforce=(\w+)", call[-1])] if m]
    assert levels == ([enforced] if enforced else [])


def test_kfp_is_installed_where_one_says_alone(clone: Clone) -> None:
    told = clone.run("kfp.sh")
    assert told.returncode != 0 and "deploy/kfp.sh CONTEXT" in told.stderr
    assert clone.calls() == []
