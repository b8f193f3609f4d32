"""A table becomes a corpus, test rows and rejects: each row read is in one of them."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.features.corpus import load_corpus
from fanfold.storage import Changed
from fanfold.tables.table import Batch, read_table
from tests.fanfold.preprocessed import ROWS, rejects, run, whole, write_csv
from tests.fanfold.slow_text import known_to_all, slow_tokens

# Bytes that a table is made of, and any others.
pieces = st.one_of(
    st.sampled_from([b"a b,1\n", b",2\n", b'"q\nr",3\r\n', b"x,inf\n", b'"', b",", b"\n", b"\xff"]),
    st.binary(max_size=6),
)


@settings(max_examples=75, deadline=None)
@given(st.lists(pieces, max_size=40).map(b"".join))
def test_of_arbitrary_bytes_every_row_is_accounted_for(body: bytes) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data.csv").write_bytes(b"text,y\n" + body)
        try:
            summary = run(folder / "data.csv", max_bad_rows=1, folds=2, test_fraction=0.3)
        except UserError:
            assert sorted(path.name for path in folder.iterdir()) in (
                ["data.csv"],
                ["data.csv", "rejects.csv"],
            )
            return
        assert summary["rows_read"] == whole(summary)
        assert summary["rows_rejected"] == len(rejects(folder))
        assert summary["rows_train"] == load_corpus(folder / "corpus").rows
        assert summary["rows_test"] == pl.read_parquet(folder / "test.parquet").height


cells = st.text(
    st.one_of(st.sampled_from('ab 1,"\r\n'), st.sampled_from(known_to_all())), max_size=6
)


numbers = st.one_of(st.integers(-99, 99).map(str), st.text("0123456789.-+e ", max_size=5))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cells, numbers), min_size=8, max_size=20))
def test_the_rows_are_those_that_python_s_own_reader_finds(rows: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("text", "y"), *rows])
        (folder / "data.csv").write_text(out.getvalue(), encoding="utf-8", newline="")
        good = [(text, float(y)) for text, y in rows if is_number(y)]
        try:
            summary = run(folder / "data.csv", max_bad_rows=1, folds=2)
        except UserError:
            assert sum(bool(text) for text, _ in good) < 4
            return
        assert summary["rows_read"] == len(rows)
        assert summary["rows_rejected"] == len(rows) - len(good)
        test = pl.read_parquet(folder / "test.parquet")
        seen = Counter((text, float(y)) for text, y in test.select("text", "y").iter_rows())
        corpus = load_corpus(folder / "corpus")
        left = Counter(good) - seen
        trained = [(text, y) for text, y in left.elements() if text]
        assert seen <= Counter(good)
        assert Counter(corpus.target.tolist()) == Counter(y for _, y in trained)
        assert summary["tokens"] == sum(len(slow_tokens(text)) for text, _ in trained)
        assert summary["rows_empty"] == left.total() - len(trained)


def is_number(text: str) -> bool:
    """Whether Python reads a number that a float32 can hold."""
    try:
        return abs(float(text)) < 3.4e38
    except ValueError:
        return False


def test_bad_rows_are_written_with_line_reason_and_raw_text(tmp_path: Path) -> None:
    lines = [
        b"text,y",
        *(b"good %d,%d" % (row, row) for row in range(10)),
        b'"two\nlines",1',
        b"one field",
        b"three,fields," + b"1" * 300,
        b"caf\xe9,1",
        b"a word,many",
        b"endless,inf",
        b"huge,-1e39",
        b"nothing,",
        b'"of two\nlines",NA',
    ]
    (tmp_path / "data.csv").write_bytes(b"\n".join(lines) + b"\n")
    summary = run(tmp_path / "data.csv", max_bad_rows=0.5, folds=2)
    found = rejects(tmp_path)
    assert [(int(line), text) for line, _, text in found] == [
        (14, "one field"),
        (15, "three,fields," + "1" * 300),
        (16, "caf\\xe9,1"),
        (17, "a word,many"),
        (18, "endless,inf"),
        (19, "huge,-1e39"),
        (20, "nothing,"),
        (21, '"of two\nlines",NA'),
    ]
    reasons = [reason for _, reason, _ in found]
    assert reasons[0].startswith("1 field where the header has 2")
    assert reasons[1].startswith("3 fields where the header has 2")
    assert reasons[2] == "byte 0xe9 is not UTF-8"
    assert reasons[3] == "the target is not a finite number: y='many'"
    assert reasons[5] == "the target is beyond 3.4e38: y='-1e39'"
    assert reasons[6] == "the target is not a finite number: y=''"
    assert summary["rows_read"] == 19 and summary["rows_rejected"] == 8
    first = [[str(each["line"]), each["reason"], each["text"]] for each in summary["first_rejects"]]
    assert first == [[line, reason, text[:200]] for line, reason, text in found[:5]]


def test_too_many_bad_rows_stop_the_run_and_the_first_five_are_shown(tmp_path: Path) -> None:
    rows = [{**row, "y": "n/a"} if row["id"] % 5 == 0 else row for row in ROWS]
    data = write_csv(tmp_path / "data.csv", rows)
    with pytest.raises(UserError) as caught:
        run(data, max_bad_rows=0.19)
    message = str(caught.value)
    assert message.startswith("10 of 50 rows are bad, more than max_bad_rows=0.19 allows")
    shown = [line for line in message.splitlines() if line.startswith("  line ")]
    assert shown[0] == ("  line 2: the target is not a finite number: y='n/a': '0,word0 and 0,n/a'")
    assert [line.split(":")[0] for line in shown] == [f"  line {n}" for n in (2, 7, 12, 17, 22)]
    assert not (tmp_path / "corpus").exists() and not (tmp_path / "test.parquet").exists()
    assert len(rejects(tmp_path)) == 10  # written all the same: whoever mends the table needs them
    assert run(data, max_bad_rows=0.2)["rows_rejected"] == 10


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_rows_without_text_are_not_fitted_on_but_stay_in_the_test(
    tmp_path: Path, ending: str
) -> None:
    # A quarter has no text, missing where the format knows such a thing, else empty.
    rows = [
        {**row, "text": [None, ""][row["id"] % 8 // 4]} if row["id"] % 4 == 0 else row
        for row in ROWS
    ]
    rows = [{**row, "part": "test" if row["id"] % 5 == 0 else "train"} for row in rows]
    data = tmp_path / f"data{ending}"
    frame = pl.DataFrame(rows)
    {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}[
        ending
    ](data)
    summary = run(data, split_column="part")
    assert (summary["rows_test"], summary["rows_empty"], summary["rows_train"]) == (10, 10, 30)
    corpus = load_corpus(tmp_path / "corpus")
    assert corpus.target.tolist() == [n for n in range(50) if n % 4 and n % 5]
    test = pl.read_parquet(tmp_path / "test.parquet")
    assert [int(y) for y in test["y"]] == list(range(0, 50, 5))
    assert (test["text"].fill_null("").str.len_bytes() == 0).sum() == 3


def test_white_space_is_a_text_without_tokens_as_in_the_seed(tmp_path: Path) -> None:
    rows = [{**row, "text": "  "} if row["id"] < 10 else row for row in ROWS]
    summary = run(write_csv(tmp_path / "data.csv", rows))
    assert summary["rows_empty"] == 0 and summary["rows_train"] == 40


def test_test_rows_are_untouched_and_the_corpus_has_the_others_in_order(tmp_path: Path) -> None:
    rows = [{**row, "extra": f' "{row["id"]}"\n'} for row in ROWS]
    summary = run(write_csv(tmp_path / "data.csv", rows), seed=3)
    test = pl.read_parquet(tmp_path / "test.parquet")
    assert test.columns == ["id", "text", "y", "extra"]
    held_out = [int(number) for number in test["id"]]
    assert held_out == sorted(held_out) and len(held_out) == summary["rows_test"] == 10
    as_text = [{name: str(value) for name, value in row.items()} for row in rows]
    assert test.to_dicts() == [as_text[number] for number in held_out]
    corpus = load_corpus(tmp_path / "corpus")
    assert corpus.target.tolist() == [n for n in range(50) if n not in held_out]
    assert summary["vocabulary"] == len(corpus.text.vocabulary)
    assert summary["corpus_digest"] == corpus.digest
    expected = [slow_tokens(rows[int(y)]["text"]) for y in corpus.target]
    assert corpus.text.row_tokens.tolist() == [len(tokens) for tokens in expected]
    counts = corpus.text.select(np.arange(len(corpus.text.vocabulary))).toarray()
    for cells_of_row, tokens in zip(counts, expected, strict=True):
        named = zip(corpus.text.vocabulary, cells_of_row.tolist(), strict=True)
        assert {token: count for token, count in named if count} == Counter(tokens)


def test_a_table_of_several_batches_is_one_table(tmp_path: Path) -> None:
    bad = {3, 40_000, 64_000, *range(69_000, 69_005)}  # a batch has at most 65,536 rows
    lines = [f"w{row % 7},{'x' if row in bad else row}" for row in range(70_000)]
    (tmp_path / "data.csv").write_text("\n".join(["text,y", *lines]), encoding="utf-8")
    summary = run(tmp_path / "data.csv")
    assert [each["line"] for each in summary["first_rejects"]] == [
        5, 40_002, 64_002, 69_002, 69_003,
    ]  # fmt: skip
    assert [int(line) for line, _, _ in rejects(tmp_path)] == [row + 2 for row in sorted(bad)]
    elsewhere = bad | {int(y) for y in pl.read_parquet(tmp_path / "test.parquet")["y"]}
    corpus = load_corpus(tmp_path / "corpus")
    assert corpus.target.tolist() == [y for y in range(70_000) if y not in elsewhere]
    columns = [corpus.text.vocabulary[column] for column in corpus.text.columns]
    assert columns == [f"w{int(y) % 7}" for y in corpus.target]
    assert np.ptp(np.bincount(corpus.fold)) <= 1


def test_parquet_keeps_the_types_of_the_test_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS).with_columns(when=pl.lit("2024-01-01").str.to_date())
    frame.write_parquet(tmp_path / "data.parquet")
    run(tmp_path / "data.parquet")
    test = pl.read_parquet(tmp_path / "test.parquet")
    assert test.schema == frame.schema
    assert test.rows() == [row for row in frame.rows() if row[0] in set(test["id"])]


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.jsonl", "rows.parquet"])
def test_a_table_that_is_replaced_while_it_is_read_stops_the_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame(ROWS)
    write = {
        "rows.csv": lambda path: frame.write_csv(path),
        "rows.csv.gz": lambda path: path.write_bytes(gzip.compress(frame.write_csv().encode())),
        "rows.jsonl": lambda path: frame.write_ndjson(path),
        "rows.parquet": lambda path: frame.write_parquet(path),
    }[name]
    write(tmp_path / name)
    write(tmp_path / f"other-{name}")

    def replaced_meanwhile(*arguments: Any, **how: Any) -> Iterator[Batch]:
        for batch in read_table(*arguments, **how):
            os.replace(tmp_path / f"other-{name}", tmp_path / name)
            yield batch

    monkeypatch.setattr("fanfold.features.first_pass.read_table", replaced_meanwhile)
    with pytest.raises(Changed, match=f"{name}' was changed while it was read: run again"):
        run(tmp_path / name)
    assert not (tmp_path / "corpus").exists()


def test_the_table_that_was_read_is_named_in_summary_and_corpus(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "rows.csv", ROWS)
    summary = run(table)
    assert summary["data"]["uri"] == str(table)
    assert summary["data"]["size"] == table.stat().st_size
    assert load_corpus(tmp_path / "corpus").data == summary["data"]
    touched = run(write_csv(tmp_path / "rows.csv", ROWS))
    assert touched["data"]["version"] != summary["data"]["version"]
    assert touched["corpus_digest"] == summary["corpus_digest"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "'.*' has no rows, only the names of columns"),
        ([',"1"'] * 9, "the column 'text' of '.*' is empty in every row: name the column"),
    ],
)
def test_a_table_without_rows_or_texts_is_named(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    (tmp_path / "data.csv").write_text("\n".join(["text,y", *lines, ""]))
    with pytest.raises(UserError, match=said):
        run(tmp_path / "data.csv", folds=2)


def test_rows_in_an_old_encoding_are_told_with_how_to_convert_the_table(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"text,y\n" + "café,1\n".encode("cp1252") * 9)
    with pytest.raises(UserError, match=r"is not UTF-8; it is likely cp1252.*iconv -f cp1252"):
        run(tmp_path / "data.csv")


def test_lone_quotes_cost_their_rows_alone(tmp_path: Path) -> None:
    texts = ['"' * (n % 20 == 7) + f"word{n % 9} and {n}\t{n}" for n in range(160)]
    (tmp_path / "data.tsv").write_text("\n".join(["text\ty", *texts, ""]))
    summary = run(tmp_path / "data.tsv", max_bad_rows=0.1)
    assert (summary["rows_read"], summary["rows_rejected"]) == (160, 8)
    assert [row[2] for row in rejects(tmp_path)] == [text for text in texts if text[0] == '"']
