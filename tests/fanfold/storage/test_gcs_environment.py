"""What Google Cloud Storage's client finds in the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fanfold.storage import AccessDenied, read_bytes
from fanfold.storage.gcs_client import gcs_client


@pytest.fixture(autouse=True)
def no_metadata_service(no_cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")


def test_no_credentials_at_all_is_said() -> None:
    with pytest.raises(AccessDenied, match="no credentials for Google Cloud Storage: run gcloud"):
        read_bytes("gs://bucket/key")


@pytest.mark.parametrize("content", [None, "", "no JSON", "{}", '{"type": "service_account"}'])
def test_a_key_file_that_is_none_is_said(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    if content is not None:
        (tmp_path / "key.json").write_text(content)
    with pytest.raises(AccessDenied, match="GOOGLE_APPLICATION_CREDENTIALS"):
        read_bytes("gs://bucket/key")


def test_a_key_of_a_user_is_taken_and_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place that renews tokens is one where nobody answers."""
    key = {
        "type": "authorized_user",
        "client_id": "me",
        "client_secret": "a-secret",
        "refresh_token": "a-token",
        "token_uri": "http://127.0.0.1:9/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    monkeypatch.setenv("FANFOLD_STORAGE_PATIENCE", "1")
    assert gcs_client() is gcs_client()
    with pytest.raises(Exception, match="gs://bucket/key: ") as raised:
        read_bytes("gs://bucket/key")
    assert "a-secret" not in str(raised.value)
    assert "a-token" not in str(raised.value)
