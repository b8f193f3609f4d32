"""A mistake in credentials, names or addresses is one clear line, and none holds a secret."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from fanfold.errors import FanfoldError, UserError
from fanfold.storage import AccessDenied, NotFound, Unreachable, open_storage, read_bytes
from fanfold.storage.retry import PATIENCE_VARIABLE
from tests.servers.fixtures import S3
from tests.servers.proxy import FaultyProxy
from tests.servers.servers import Server

WRONG = "a-wrong-secret-that-must-not-be-shown"
S3_ANSWER = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, "1")
    caplog.set_level(logging.DEBUG)


def acts(root: str) -> list[Callable[[], object]]:
    """All that one can do with a storage."""
    storage = open_storage(root)
    return [
        lambda: storage.stat("folder/key"),
        lambda: storage.open_reader("folder/key"),
        lambda: storage.write("folder/key", b""),
        lambda: storage.write("folder/key", bytes(20 << 20)),
        lambda: list(storage.list()),
        lambda: storage.remove("folder/key"),
    ]


def said(act: Callable[[], object], kind: type[FanfoldError]) -> str:
    with pytest.raises(kind) as raised:
        act()
    line = str(raised.value)
    assert "\n" not in line
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return line


@pytest.fixture
def no_secret(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """Checks a line, and all that was logged or printed so far."""

    def check(line: str) -> None:
        out, err = capfd.readouterr()
        everything = "\n".join(
            [line, out, err, *(record.getMessage() for record in caplog.records)]
        )
        for account in (server.owner, server.stranger):
            assert account.secret not in everything
            assert account.access not in line
        assert WRONG not in everything

    return check


def test_a_missing_bucket_is_named(server: Server, no_secret: Callable[[str], None]) -> None:
    uri = server.uri("no-such-bucket")
    stat, read, *others, remove = acts(uri)
    if server.scheme == "s3":
        others += [stat, read, remove]
    else:  # fake-gcs-server does not say which is missing
        for act in (stat, read):
            assert f"no object at {uri}folder/key: check its bucket and key" in said(act, NotFound)
    for act in others:
        line = said(act, NotFound)
        assert f"there is no bucket {server.scheme}://no-such-bucket: check its name" in line
        no_secret(line)


def test_a_missing_object_is_named(server: Server, bucket: str) -> None:
    uri = server.uri(bucket, "folder/key")
    assert f"no object at {uri}: check " in said(lambda: read_bytes(uri), NotFound)


@pytest.mark.parametrize("server", S3, indirect=True)  # fake-gcs-server knows no credentials
def test_a_wrong_secret_key_is_said(
    server: Server,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    no_secret: Callable[[str], None],
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRONG)
    for act in acts(server.uri(bucket)):
        line = said(act, AccessDenied)
        assert "the secret key is wrong: check AWS_SECRET_ACCESS_KEY" in line
        assert server.uri(bucket).rstrip("/") in line
        no_secret(line)


@pytest.mark.parametrize("server", S3, indirect=True)
def test_a_wrong_access_key_is_said(
    server: Server,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    no_secret: Callable[[str], None],
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "no-such-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRONG)
    for act in acts(server.uri(bucket)):
        line = said(act, AccessDenied)
        assert "the server does not know the access key: check AWS_ACCESS_KEY_ID" in line
        assert "no-such-access-key" not in line
        no_secret(line)


@pytest.mark.parametrize("server", S3, indirect=True)
def test_who_may_not_is_told_so(
    server: Server,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    no_secret: Callable[[str], None],
) -> None:
    environment = server.environment_at(server.endpoint, server.stranger)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for act in acts(server.uri(bucket)):
        line = said(act, AccessDenied)
        assert f"access to {server.uri(bucket)}".rstrip("/") in line
        assert "is denied: check that it exists and what these credentials may do" in line
        no_secret(line)


def test_expired_credentials_are_said(
    server: Server, bucket: str, proxy: FaultyProxy, no_secret: Callable[[str], None]
) -> None:
    """As the clouds answer: on loopback no credentials live short enough to expire."""
    if server.scheme == "gs":
        expected = "the credentials are not valid, or have expired and cannot be renewed: run"
        answer = (401, b'{"error": {"code": 401, "message": "Invalid Credentials"}}')
        headers = {"Content-Type": "application/json"}
    else:
        expected = "the session token is expired or not valid: renew the credentials"
        answer = (400, S3_ANSWER.format("ExpiredToken", f"The token {WRONG} expired.").encode())
        headers = {"Content-Type": "application/xml"}
    proxy.answer(*answer, times=None, headers=headers)
    for act in acts(server.uri(bucket)):
        line = said(act, AccessDenied)
        assert expected in line
        no_secret(line)


def test_a_denial_is_said_as_the_clouds_say_it(
    server: Server, bucket: str, proxy: FaultyProxy, no_secret: Callable[[str], None]
) -> None:
    if server.scheme == "gs":
        body = b'{"error": {"code": 403, "message": "a@b.c does not have storage.objects.get"}}'
        headers = {"Content-Type": "application/json"}
    else:
        body = S3_ANSWER.format("AccessDenied", f"User: {WRONG} is not authorized").encode()
        headers = {"Content-Type": "application/xml"}
    proxy.answer(403, body, times=None, headers=headers)
    for act in acts(server.uri(bucket)):
        line = said(act, AccessDenied)
        assert "is denied: check that it exists and what these credentials may do" in line
        assert "a@b.c" not in line
        no_secret(line)


@pytest.mark.parametrize("server", S3, indirect=True)
def test_another_region_is_said(server: Server, bucket: str, proxy: FaultyProxy) -> None:
    body = S3_ANSWER.format("PermanentRedirect", "Use another endpoint.").encode()
    headers = {"Content-Type": "application/xml", "x-amz-bucket-region": "eu-west-7"}
    proxy.answer(301, body, times=None, headers=headers)
    for act in acts(server.uri(bucket)):
        line = said(act, UserError)
        assert f"s3://{bucket} lies in another region: set AWS_REGION to eu-west-7" in line


def test_an_answer_that_is_no_storages_is_told_in_one_line(
    server: Server, bucket: str, proxy: FaultyProxy
) -> None:
    """Behind the address is some other web server."""
    page = b"<html>\n<body>Not\nFound</body></html>"
    proxy.answer(404, page, times=None, headers={"Content-Type": "text/html"})
    for act in acts(server.uri(bucket))[:-1]:
        assert server.uri(bucket).rstrip("/") in said(act, NotFound)


def test_nobody_at_the_address_is_said(
    server: Server, bucket: str, proxy: FaultyProxy, no_secret: Callable[[str], None]
) -> None:
    proxy.refuse()
    for act in acts(server.uri(bucket)):
        begin = time.monotonic()
        line = said(act, Unreachable)
        assert time.monotonic() - begin < 4
        assert proxy.endpoint in line
        assert "refused" in line
        no_secret(line)


@pytest.mark.parametrize(
    "address",
    ["ftp://127.0.0.1", "http://", "http://a b", "http://a:port", "http://a/path", "http://a?b"],
)
def test_a_malformed_address_is_said(
    address: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "STORAGE_EMULATOR_HOST" if server.scheme == "gs" else "AWS_ENDPOINT_URL_S3"
    monkeypatch.setenv(variable, address)
    line = said(lambda: read_bytes(server.uri("bucket", "key")), UserError)
    assert f"{variable} is no address of a server: {address!r}; give http://host:port" in line


def test_a_password_in_an_address_is_not_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "STORAGE_EMULATOR_HOST" if server.scheme == "gs" else "AWS_ENDPOINT_URL_S3"
    monkeypatch.setenv(variable, f"http://me:{WRONG}@127.0.0.1:9")
    line = said(lambda: read_bytes(server.uri("bucket", "key")), UserError)
    assert variable in line
    assert WRONG not in line
