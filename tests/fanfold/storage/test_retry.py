"""How long failures are borne: a clock that the test turns."""

from __future__ import annotations

import time

import pytest

from fanfold.errors import UserError
from fanfold.storage.retry import PATIENCE_VARIABLE, Patience, patience_seconds, reason


class Clock:
    """Time that passes only while something sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


def test_failures_in_a_row_are_borne_for_so_long_and_no_longer(clock: Clock) -> None:
    patience = Patience(75)
    begin = clock.now
    while patience.wait("what", "why"):
        pass
    assert clock.now - begin == pytest.approx(75)
    assert 15 < len(clock.pauses) < 40


def test_tries_that_each_take_longer_than_one_waits_end(clock: Clock) -> None:
    patience = Patience(2)
    tries = 0
    while patience.wait("what", "why"):
        clock.now += 10
        tries += 1
    assert tries == 1


def test_pauses_grow_and_are_not_the_same_twice(clock: Clock) -> None:
    rows = []
    for _ in range(2):
        clock.pauses.clear()
        patience = Patience(75)
        while patience.wait("what", "why"):
            pass
        rows.append(clock.pauses[:6])
    assert rows[0] != rows[1]
    for pauses in rows:
        assert 0.2 <= pauses[0] <= 0.5
        assert 2.5 <= pauses[5] <= 5


def test_a_success_begins_anew(clock: Clock) -> None:
    patience = Patience(2)
    for _ in range(20):
        assert patience.wait("what", "why")
        patience.succeeded()


def test_who_shares_a_patience_that_is_used_up_does_not_wait_anew(clock: Clock) -> None:
    patience = Patience(10)
    while patience.wait("one", "why"):
        pass
    assert not patience.wait("other", "why")
    clock.now += 3
    assert not patience.wait("other", "why")
    clock.now += 11
    assert patience.wait("much later", "why")


def test_no_patience_is_one_try(clock: Clock) -> None:
    assert not Patience(0).wait("what", "why")
    assert clock.pauses == []


def test_each_retry_is_one_line_of_the_log(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    Patience(10).wait("GET s3://bucket/key", "status 503")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(
        "storage_retry what='GET s3://bucket/key' reason='status 503' attempt=1 pause_seconds=0."
    )


def test_the_environment_says_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PATIENCE_VARIABLE, raising=False)
    assert patience_seconds() == 75
    monkeypatch.setenv(PATIENCE_VARIABLE, "2.5")
    assert Patience().seconds == 2.5


@pytest.mark.parametrize("text", ["long", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, text)
    with pytest.raises(UserError, match=f"must be a number of seconds, but is '{text}'"):
        patience_seconds()


def test_a_reason_is_what_the_system_said_and_no_url() -> None:
    inner = ConnectionRefusedError(111, "Connection refused")
    try:
        raise ValueError("https://host/?token=secret") from inner
    except ValueError as error:
        assert reason(error) == "Connection refused"
    assert reason(ValueError("https://host/?token=secret")) == "ValueError"
