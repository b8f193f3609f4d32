"""The sample is the same everywhere, reads as a CSV file, and has something to learn."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fanfold.errors import UserError
from fanfold.tables.sample import BLOCK_ROWS, COLUMNS, csv_stream, parse_sample_uri, write_sample

ROWS = 20_000


def records(data: bytes) -> list[list[str]]:
    """What Python's csv module finds, bad bytes and all."""
    return list(csv.reader(io.StringIO(data.decode("latin-1"), newline="")))


@pytest.fixture(scope="module")
def sample() -> bytes:
    return csv_stream(ROWS).read()


def test_the_sample_is_the_same_on_every_machine(sample: bytes) -> None:
    digest = "17c93b56594d455e28dedd62e53bc2f7af33ce455a5bf74922eab928ab635f9a"
    assert hashlib.sha256(sample).hexdigest() == digest


@pytest.mark.parametrize("rows", [1, 2, BLOCK_ROWS, BLOCK_ROWS + 1])
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(sample: bytes, rows: int) -> None:
    small = csv_stream(rows).read()
    assert sample.startswith(small)
    assert len(records(small)) == 1 + rows


def test_another_seed_gives_other_rows(sample: bytes) -> None:
    assert csv_stream(100, seed=1).read() != sample[: len(csv_stream(100, seed=1).read())]


def test_the_sample_has_as_many_records_as_asked_and_few_bad_ones(sample: bytes) -> None:
    header, *rows = records(sample)
    assert tuple(header) == COLUMNS
    assert len(rows) == ROWS
    assert [row[0] for row in rows] == [str(i) for i in range(1, ROWS + 1)]
    widths = Counter(map(len, rows))
    not_numbers = sum(not (row[2] + row[3]).isdigit() for row in rows if len(row) == 6)
    assert widths[6] > 0.999 * ROWS
    assert 0 < not_numbers < 10


def test_bad_rows_are_as_frequent_as_in_the_real_table() -> None:
    bad = 0
    for row in records(csv_stream(100_000).read())[1:]:
        try:
            utf8 = "".join(row).encode("latin-1").decode() is not None
        except UnicodeDecodeError:
            utf8 = False
        bad += not utf8 or len(row) != 6 or not (row[2] + row[3]).isdigit()
    assert 13 < bad < 39  # 650 in 2.5 million are 26 here


def test_rows_look_like_those_of_a_slang_dictionary(sample: bytes) -> None:
    rows = [row for row in records(sample)[1:] if len(row) == 6 and row[2].isdigit()]
    texts = [row[5] for row in rows]
    tokens = [len(text.split()) for text in texts]
    votes = np.array([int(row[2]) + int(row[3]) for row in rows])
    assert 18 < np.mean(tokens) < 28
    assert 150 < len(sample) / ROWS < 220
    assert 0 < tokens.count(0) < 0.003 * ROWS
    assert all(any(piece in text for text in texts) for piece in ['"', ",", "\n", "n't"])
    assert any("café".encode().decode("latin-1") in text for text in texts)
    assert 10 < np.median(votes) < 60
    assert np.mean(votes) > 3 * np.median(votes)  # a heavy tail
    assert votes.max() > 10_000


def test_the_text_explains_a_part_of_the_votes(sample: bytes) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from xgboost import XGBRegressor

    rows = [row for row in records(sample)[1:] if len(row) == 6 and row[2].isdigit()][:6000]
    target = np.log1p([int(row[2]) + int(row[3]) for row in rows])
    counts = CountVectorizer(max_features=150).fit_transform(row[5] for row in rows)

    def rsq(trees: int, depth: int) -> float:
        model = XGBRegressor(n_estimators=trees, max_depth=depth, learning_rate=0.1, n_jobs=1)
        predicted = model.fit(counts[:5000], target[:5000]).predict(counts[5000:])
        return float(np.corrcoef(predicted, target[5000:])[0, 1] ** 2)

    assert 0.1 < rsq(30, 1) < rsq(100, 4) < 0.5


def test_a_written_sample_holds_what_the_stream_gives(tmp_path: Path, sample: bytes) -> None:
    for name, opened in (("s.csv", open), ("s.csv.gz", gzip.open)):
        write_sample(tmp_path / name, ROWS)
        with opened(tmp_path / name, "rb") as file:
            assert file.read() == sample
    with pytest.raises(UserError, match=r"s\.txt' must end in \.csv"):
        write_sample(tmp_path / "s.txt", 1)


def test_a_stream_is_read_in_pieces_of_any_size(sample: bytes) -> None:
    stream = csv_stream(ROWS)
    assert b"".join(iter(lambda: stream.read(99_991), b"")) == sample


@pytest.mark.parametrize("rows", [1, 20_000, 100_000_000])
def test_a_sample_uri_says_its_rows(rows: int) -> None:
    assert parse_sample_uri(f"sample:{rows}") == rows


BAD = [
    "",
    "abc",
    "0",
    "00",
    "-5",
    "+5",
    "1.5",
    "1e3",
    "20_000",
    "20,000",
    " 5",
    "5 ",
    "٣",
    "100000001",
]


@pytest.mark.parametrize("rows", BAD)
def test_a_sample_uri_without_a_number_of_rows_is_refused(rows: str) -> None:
    with pytest.raises(UserError, match=r"sample:ROWS, .* from 1 to 100,000,000 .* sample:20000"):
        parse_sample_uri(f"sample:{rows}")
