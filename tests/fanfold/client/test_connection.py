"""Reaching KFP: credentials as kfp.Client takes them, and one clear line where it does not work."""

from __future__ import annotations

import logging
import sys
import threading
import time
from pathlib import Path

import pytest

from fanfold.client import Gone, Kfp, NotAnswering, Refused, connect
from fanfold.errors import UserError
from tests.kfp_server import gates
from tests.kfp_server.certificate import make_certificate
from tests.kfp_server.server import KfpServer

SECRET = "a-token-that-nobody-may-see"


def test_a_token_is_sent_as_bearer_token_and_cookies_as_they_are(kfp_server: KfpServer) -> None:
    kfp_server.gate = gates.token(SECRET)
    assert connect(kfp_server.url, token=SECRET).get("/runs")["total_size"] == 0
    kfp_server.gate = gates.cookie("session=1; other=2")
    assert connect(kfp_server.url, cookies="session=1; other=2").get("/runs")["total_size"] == 0


def test_a_token_from_a_file_may_end_with_its_line(kfp_server: KfpServer) -> None:
    kfp_server.gate = gates.token(SECRET)
    assert connect(kfp_server.url, token=f"{SECRET}\n").get("/runs")["total_size"] == 0
    kfp_server.gate = gates.cookie("session=1")
    assert connect(kfp_server.url, cookies="session=1\n").get("/runs")["total_size"] == 0


@pytest.mark.parametrize("bad", [f"{SECRET}\nX-More: 1", f"{SECRET}€"])
def test_a_token_that_no_header_can_hold_is_told_without_it(
    bad: str, kfp_server: KfpServer
) -> None:
    with pytest.raises(UserError, match="holds? a character that no header may have") as told:
        connect(kfp_server.url, token=bad)
    assert SECRET not in str(told.value)


def test_in_a_pod_the_token_of_its_service_account_is_sent_as_it_is_at_each_moment(
    kfp_server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    kfp_server.gate = gates.token("first")
    kfp = connect(kfp_server.url)
    token.write_text("second")  # as the kubelet renews it
    kfp_server.gate = gates.token("second")
    assert kfp.get("/runs")["total_size"] == 0


def test_the_address_may_come_from_kfps_own_variables(
    kfp_server: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", f"{kfp_server.url}/")
    assert connect().link("r") == f"{kfp_server.url}/#/runs/details/r"
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://pages.example")
    assert connect().link("r") == "https://pages.example/#/runs/details/r"


def test_the_pages_are_reached_as_the_api_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(Kfp, "get", lambda kfp, path: asked.append(kfp.host) or {})
    kfp = connect("kfp.example", namespace="n")  # kfp.Client: https for the API, http for pages
    assert asked == ["https://kfp.example"]
    assert kfp.link("r") == "https://kfp.example/#/runs/details/r"
    assert connect("http://localhost/", namespace="n").link("r").startswith("http://localhost/#")


REFUSALS = {
    "401": (gates.token(SECRET), {}, "does not know you (401): Request header error: there is no"),
    "403": (
        gates.token("other"),
        {"token": SECRET},
        "does not let you (403): User with Bearer ...",
    ),
    "a redirection to log in": (
        gates.cookie("right"),
        {"cookies": SECRET},
        "sends one elsewhere: to https://login.example/dex/auth, a page to log in perhaps",
    ),
    "a page to log in": (gates.page, {"token": SECRET}, "answers with a page for people"),
    "a move": (gates.elsewhere, {}, "to https://kfp.example/pipeline, so give that as --host"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_each_kind_of_refusal_is_told_in_one_line_without_the_secret(
    case: str,
    kfp_server: KfpServer,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, "fanfold")
    kfp_server.gate, access, said = REFUSALS[case]
    with pytest.raises(UserError) as raised:
        connect(kfp_server.url, **access)
    message = str(raised.value)
    assert said in message
    assert "\n" not in message
    printed = capsys.readouterr()
    assert printed.out == ""
    assert SECRET not in message + printed.err + caplog.text
    assert kfp_server.count("GET /apis/v2beta1/healthz") == 1, "asking again is of no use"


def test_without_an_address_one_is_asked_for(
    nobodys: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"which KFP\? Give --host or KF_PIPELINES_ENDPOINT"):
        connect()
    assert capsys.readouterr() == ("", "")


def test_where_nobody_listens_the_port_forward_is_named(
    kfp_server: KfpServer, at_once: None
) -> None:
    kfp_server.stop()
    with pytest.raises(NotAnswering, match=r"Connection refused; .*kubectl port-forward"):
        connect(kfp_server.url)


def test_an_address_of_something_else_is_said_so(kfp_server: KfpServer) -> None:
    with pytest.raises(UserError, match="there is no KFP at .*/elsewhere: is the address right"):
        connect(f"{kfp_server.url}/elsewhere")


def test_a_password_in_the_address_is_refused_and_not_repeated(nobodys: None) -> None:
    with pytest.raises(UserError) as raised:
        connect(f"https://me:{SECRET}@kfp.example")
    assert SECRET not in str(raised.value)


def test_an_address_without_a_scheme_of_a_server_without_encryption_is_told_with_http(
    kfp_server: KfpServer,
) -> None:
    host = kfp_server.url.removeprefix("http://")
    with pytest.raises(UserError, match=f"without encryption: .* as http://{host}$"):
        connect(host)


def test_a_certificate_that_is_not_trusted_asks_for_the_authority(
    kfp_server: KfpServer, tmp_path: Path
) -> None:
    certificate, tls = make_certificate(tmp_path)
    kfp_server.stop()
    kfp_server.tls = tls
    kfp_server.start()
    secure = kfp_server.url.replace("http:", "https:")
    with pytest.raises(UserError, match="cannot be trusted: .* certificate authority by --ca-cert"):
        connect(secure)
    assert connect(secure, ca_cert=str(certificate)).get("/runs")["total_size"] == 0
    with pytest.raises(UserError, match="no file of certificates at"):
        connect(kfp_server.url, ca_cert=str(tmp_path / "none.pem"))


def test_with_several_users_the_namespace_is_the_pods_or_has_to_be_said(
    kfp_server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kfp_server.multi_user = True
    monkeypatch.setattr("kfp.Client._NAMESPACE_PATH", str(tmp_path / "namespace"))
    assert connect(kfp_server.url, namespace="ann").namespace == "ann"
    with pytest.raises(UserError, match="several users: say whose by --namespace"):
        connect(kfp_server.url)
    (tmp_path / "namespace").write_text("bob\n")
    assert connect(kfp_server.url).namespace == "bob"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_only_reads_is_asked_again_and_what_changes_something_is_not(
    status: int, kfp: Kfp, kfp_server: KfpServer, at_once: None
) -> None:
    kfp_server.gate = gates.failing(status, times=2)
    assert kfp.get("/runs")["total_size"] == 0
    kfp_server.gate = gates.failing(status, times=1)
    with pytest.raises(NotAnswering, match=rf"failed to answer \({status}\)"):
        kfp.post("/experiments", {"display_name": "twice"})
    assert kfp_server.count("POST /apis/v2beta1/experiments") == 1


def test_what_kfp_refuses_is_told_in_its_words(kfp: Kfp) -> None:
    with pytest.raises(Refused, match=r"\(400\): unknown field \['colour'\] of V2beta1Experiment"):
        kfp.post("/experiments", {"colour": "red"})
    with pytest.raises(Gone, match="Run none not found"):
        kfp.get("/runs/none")


def test_a_server_that_is_silent_is_not_waited_for_without_end(
    kfp: Kfp, kfp_server: KfpServer, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import urllib3

    monkeypatch.setattr("fanfold.client.connection.TIMEOUT", urllib3.Timeout(0.2))
    release = threading.Event()
    kfp_server.gate = lambda headers: release.wait(20) and None
    start = time.monotonic()
    with pytest.raises(NotAnswering, match="timed out"):
        kfp.get("/runs")
    assert time.monotonic() - start < 10
    release.set()


def test_without_kfp_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kfp", None)
    with pytest.raises(UserError, match=r'pip install "fanfold\[kfp\]"'):
        connect("http://localhost:1")
