"""The variables and files that every S3 tool reads, and the services that give a role its keys."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fanfold.errors import UserError
from fanfold.storage import AccessDenied, read_bytes
from fanfold.storage.retry import PATIENCE_VARIABLE
from fanfold.storage.s3_client import endpoint_url, s3_client
from fanfold.storage.s3_credentials import EnvironmentCredentials

Answers = dict[str, tuple[int, str]]  # a request's method and path -> status and body
KEYS = {
    "AccessKeyId": "role-key",
    "SecretAccessKey": "role-secret",
    "Token": "role-token",
    "Expiration": "2100-01-01T00:00:00Z",
}
STS = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>role-key</AccessKeyId>
<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


@pytest.fixture
def service() -> Iterator[Callable[[Answers], str]]:
    """Starts a web server that gives these answers, whatever the query; its address."""
    started: list[ThreadingHTTPServer] = []

    def start(answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path = self.path.partition("?")[0]
                status, body = answers.get(f"{self.command} {path}", (404, ""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_PUT = do_POST = answer

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def impatient(no_cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def found() -> tuple[str, str, str | None]:
    credentials = EnvironmentCredentials().retrieve()
    return credentials.access_key, credentials.secret_key, credentials.session_token


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, "https://s3.amazonaws.com"),
        ({"S3_ENDPOINT": "store:9000"}, "https://store:9000"),
        ({"S3_ENDPOINT": "http://store:9000/"}, "http://store:9000"),
        ({"AWS_ENDPOINT_URL_S3": "https://store"}, "https://store"),
        ({"AWS_ENDPOINT_URL_S3": "http://[::1]:9000"}, "http://[::1]:9000"),
        ({"AWS_ENDPOINT_URL": "http://a", "S3_ENDPOINT": "http://b"}, "http://a"),
        ({"AWS_ENDPOINT_URL_S3": "http://c", "AWS_ENDPOINT_URL": "http://a"}, "http://c"),
        ({"AWS_ENDPOINT_URL_S3": "", "S3_ENDPOINT": "http://b"}, "http://b"),
    ],
)
def test_the_endpoint(
    variables: dict[str, str], endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert endpoint_url() == endpoint


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"])
def test_a_malformed_endpoint_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://store:port")
    with pytest.raises(UserError, match=f"{variable} is no address of a server: 'http://store:p"):
        s3_client()


@pytest.mark.parametrize(
    ("endpoint", "region", "asked"),
    [
        ("http://store:9000", "", "http://store:9000/bucket/key"),
        ("https://s3.eu-west-1.amazonaws.com", "", "https://bucket.s3.eu-west-1.amazonaws.com/key"),
        ("", "eu-west-1", "https://bucket.s3.eu-west-1.amazonaws.com/key"),
    ],
)
def test_the_bucket_is_in_the_path_but_on_amazon(
    endpoint: str, region: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert s3_client().presigned_get_object("bucket", "key").partition("?")[0] == asked


def test_a_region_that_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "no region")
    with pytest.raises(UserError, match="the region 'no region' .AWS_REGION. do not go together"):
        s3_client()


def test_a_client_is_kept_while_the_environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    first = s3_client()
    assert s3_client() is first
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert s3_client() is not first


def test_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert found() == ("key", "secret", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert found() == ("key", "secret", "token")


def test_keys_from_files_may_end_with_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key\n")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret\r\n")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "\n")
    assert found() == ("key", "secret", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token\n")
    assert found() == ("key", "secret", "token")


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_a_key_that_no_header_can_hold_is_told_without_it(
    variable: str, monkeypatch: pytest.MonkeyPatch, service: Callable[[Answers], str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", service({}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv(variable, "SHAMEFUL\nX-More: 1")
    with pytest.raises(UserError, match="a character that no header may have") as told:
        read_bytes("s3://bucket/key")
    assert "SHAMEFUL" not in str(told.value)


def test_keys_in_the_file_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
        "[work]\naws_access_key_id = key2\naws_secret_access_key = secret2\n"
        "aws_session_token = token2\n"
    )
    assert found() == ("key", "secret", None)
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert found() == ("key2", "secret2", "token2")


def test_the_role_of_a_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Callable[[Answers], str]
) -> None:
    (tmp_path / "token").write_text("identity-token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/fanfold")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service({"POST /": (200, STS)}))
    assert found() == ("role-key", "role-secret", "role-token")


def test_a_role_that_is_refused_is_said_without_its_token(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    service: Callable[[Answers], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "fanfold")
    (tmp_path / "token").write_text("identity-token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    for status, message in ((403, "the role's were refused"), (503, "the role's were refused")):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service({"POST /": (status, "")}))
        with pytest.raises(AccessDenied, match=message):
            found()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    with pytest.raises(AccessDenied, match="gives this role its credentials does not answer"):
        found()
    assert "storage_retry" in caplog.text
    assert "identity-token" not in caplog.text


def test_the_role_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Callable[[Answers], str]
) -> None:
    (tmp_path / "token").write_text("container-token")
    address = service({"GET /v1/credentials": (200, json.dumps(KEYS))})
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{address}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    assert found() == ("role-key", "role-secret", "role-token")


def test_the_role_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, service: Callable[[Answers], str]
) -> None:
    roles = "/latest/meta-data/iam/security-credentials/"
    address = service(
        {
            "PUT /latest/api/token": (200, "machine-token"),
            f"GET {roles}": (200, "role"),
            f"GET {roles}role": (200, json.dumps(KEYS)),
        }
    )
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
    assert found() == ("role-key", "role-secret", "role-token")


@pytest.mark.parametrize("metadata", ["disabled", "nobody answers"])
def test_no_credentials_at_all_is_said(metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if metadata == "nobody answers":
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        AccessDenied,
        match="s3://bucket/key: no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET",
    ):
        read_bytes("s3://bucket/key")


def test_https_where_the_server_speaks_http_is_said(
    monkeypatch: pytest.MonkeyPatch, service: Callable[[Answers], str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("S3_ENDPOINT", service({}).removeprefix("http://"))
    with pytest.raises(UserError, match="does not speak TLS: .*http://"):
        read_bytes("s3://bucket/key")
