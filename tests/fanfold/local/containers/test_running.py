"""What a container may see: no more than its task needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fanfold.local.containers.running import memory_limit, run_arguments
from fanfold.settings.cluster import pipeline_parameters

SECRET = "kept-from-whoever-does-not-need-it"


def parameters(**settings: Any) -> dict[str, Any]:
    chosen, cluster = pipeline_parameters(settings)
    return {**chosen.as_dict(), **cluster.as_arguments()}


@pytest.fixture
def home(tmp_path: Path, no_cloud: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with credentials, and a variable with one more."""
    (tmp_path / ".aws").mkdir()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("FANFOLD_EVENTS", str(tmp_path / "events.jsonl"))
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def mounts(arguments: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    return {each["Target"]: (each["Source"], each["ReadOnly"]) for each in arguments["mounts"]}


def test_where_all_is_local_a_container_has_no_network_and_no_credentials(home: Path) -> None:
    table, ledger = home / "words.csv", home / "ledger"
    arguments = run_arguments("run", parameters(data=str(table), ledger=str(ledger)))
    assert arguments["network_mode"] == "none"
    assert SECRET not in str(arguments)
    assert mounts(arguments) == {
        str(table): (str(table), True),
        str(ledger): (str(ledger), False),
    }
    assert ledger.is_dir()  # else the daemon would make it, and root's


def test_generated_data_takes_no_mount_at_all(home: Path) -> None:
    assert mounts(run_arguments("run", parameters())) == {}


@pytest.mark.parametrize("name", ["data", "ledger"])
def test_where_a_bucket_is_needed_what_opens_it_is_passed_on(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = home / "key.json"
    key_file.touch()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    monkeypatch.setenv("SSL_CERT_FILE", str(home / "there-is-none"))
    monkeypatch.setenv("UNRELATED_PASSWORD", "hush")
    arguments = run_arguments("run", parameters(**{name: "s3://bucket/key"}))
    assert arguments["network_mode"] == "host"
    assert arguments["environment"]["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert "UNRELATED_PASSWORD" not in arguments["environment"]
    assert mounts(arguments) == {
        "/tmp/.aws": (str(home / ".aws"), True),
        str(key_file): (str(key_file), True),
    }


def test_a_file_that_is_named_from_here_on_is_passed_on_by_its_full_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    given = {
        "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
        "AWS_CA_BUNDLE": "../ca.pem",
        "AWS_SHARED_CREDENTIALS_FILE": "~/credentials",
        "REQUESTS_CA_BUNDLE": "requests.pem",
        "CURL_CA_BUNDLE": str(home / "curl.pem"),
    }
    for name in ("work/key.json", "ca.pem", "credentials", "work/requests.pem", "curl.pem"):
        (home / name).touch()
    (home / "work" / "default").touch()
    as_it_is = {"AWS_PROFILE": "default", "AWS_CONFIG_FILE": "nowhere", "SSL_CERT_FILE": ""}
    for name, value in {**given, **as_it_is}.items():
        monkeypatch.setenv(name, value)
    arguments = run_arguments("run", parameters(data="s3://bucket/key"))
    files = {
        "GOOGLE_APPLICATION_CREDENTIALS": str(home / "work" / "key.json"),
        "AWS_CA_BUNDLE": str(home / "ca.pem"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "REQUESTS_CA_BUNDLE": str(home / "work" / "requests.pem"),
        "CURL_CA_BUNDLE": str(home / "curl.pem"),
    }
    assert {**files, **as_it_is}.items() <= arguments["environment"].items()
    assert mounts(arguments) == {
        "/tmp/.aws": (str(home / ".aws"), True),
        **{path: (path, True) for path in files.values()},
    }


@pytest.mark.parametrize(
    ("quantity", "size"),
    [
        ("3000000000", 3_000_000_000),
        ("3G", 3_000_000_000),
        ("3000M", 3_000_000_000),
        ("3000000k", 3_000_000_000),
        ("2.5Gi", 2_684_354_560),
        ("3000Mi", 3_145_728_000),
        ("1Ti", 1_099_511_627_776),
    ],
)
def test_a_container_gets_the_most_memory_that_any_step_is_given(quantity: str, size: int) -> None:
    assert memory_limit(parameters(select_best_memory=quantity)) == size


def test_a_step_that_is_given_little_does_not_starve_the_others() -> None:
    assert memory_limit(parameters(select_best_memory="128Mi")) == 2 * 1024**3
