"""What a file is goes by its bytes: read under any name where that is sure, named where not."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import pickle
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

from fanfold.errors import UserError
from fanfold.storage import write_bytes
from fanfold.tables.table import identify, read_table, require_columns
from tests.servers.servers import Server

FRAME = pd.DataFrame({"text": ["a", "é, ü", 'a "quote"', ""], "y": ["1", "2.5", "3", "4"]})
CSV = FRAME.to_csv(index=False).encode()
LINES = FRAME.to_json(orient="records", lines=True).encode()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            is_type = name == "mimetype"
            archive.writestr(name, "application/vnd.oasis.opendocument.text" if is_type else "x")
    return file.getvalue()


def in_memory(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("t.csv"), io.BytesIO())
    return file.getvalue()


def sqlite() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (a)")
        return connection.serialize()


def read(path: Path, data: bytes) -> pd.DataFrame:
    path.write_bytes(data)
    table = pa.Table.from_batches([batch.rows for batch in read_table(str(path))])
    return table.to_pandas()


def message(path: Path, data: bytes) -> str:
    """What is said of a file that holds `data`, of which the column `text` is needed."""
    path.write_bytes(data)
    with pytest.raises(UserError) as error:
        for batch in read_table(str(path)):
            require_columns(batch.rows.schema.names, ["text"], str(path))
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(path), path.name)


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda data: pa.compress(data, codec="zstd", asbytes=True),
        lambda data: gzip.compress(data) + bytes(3000),
        lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:]) + bytes(5),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zst", "t.json", "t.jsonl.gz"])
def test_gzip_and_zstd_are_read_under_any_name(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    data = pack(CSV if "csv" in name else LINES)
    pd.testing.assert_frame_equal(read(tmp_path / name, data).astype(object), FRAME.astype(object))


KINDS = [
    (gzip.compress(gzip.compress(CSV)), "is gzip, not what its name says: unpack it"),
    (bz2.compress(CSV), "is bzip2"),
    (lzma.compress(CSV), "is xz"),
    (tar(), "is a tar archive"),
    (zipped("t.csv"), "is a zip archive, not what its name says: unpack it"),
    (zipped("[Content_Types].xml", "xl/workbook.xml"), "is an Excel workbook.*read_excel"),
    (zipped("mimetype", "content.xml"), "is an OpenDocument file.*read_excel"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an Excel workbook of the old"),
    (in_memory(FRAME.to_parquet), r"is Parquet.*: let its name end in \.parquet"),
    (
        in_memory(lambda file: pa.feather.write_feather(FRAME, file)),
        r"an Arrow \(Feather\) file.*read_feather",
    ),
    (
        in_memory(lambda file: pa.orc.write_table(pa.Table.from_pandas(FRAME), file)),
        "is ORC.*read_orc",
    ),
    (pickle.dumps(FRAME), "is a Python pickle"),
    (sqlite(), "is an SQLite database"),
    (b"%PDF-1.7\n", "is a PDF"),
    (b"\n<!DOCTYPE html>\n<html>Sign in</html>", "is a web page"),
    (b'<?xml version="1.0"?>', "is XML"),
]


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[said[:20] for _, said in KINDS])
@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.parquet"])
def test_another_kind_of_file_is_named(tmp_path: Path, name: str, kind: int) -> None:
    data, said = KINDS[kind]
    if name == "t.parquet" and data.startswith(b"PAR1"):
        return
    found = message(tmp_path / name, data)
    assert found.startswith(f"'{name}' is ")
    assert re.search(said, found), found


@pytest.mark.parametrize("data", [b"PAR1,text\n1,a\n", b"ORCHARD,text\n1,a\n", b"PK,text\n1,a\n"])
def test_a_header_that_begins_as_another_kind_of_file_is_a_header(
    tmp_path: Path, data: bytes
) -> None:
    first = data.partition(b",")[0].decode()
    assert read(tmp_path / "t.csv", data).to_dict("records") == [{first: "1", "text": "a"}]


@pytest.mark.parametrize(
    ("encoding", "mark", "named"),
    [
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-16-le", b"", "UTF-16LE"),
        ("utf-16-be", b"", "UTF-16BE"),
        ("utf-32-le", b"\xff\xfe\0\0", "UTF-32"),
    ],
)
@pytest.mark.parametrize("name", ["my t.csv", "t.csv.gz", "t.jsonl"])
def test_a_wide_encoding_is_named_with_how_to_convert_it(
    tmp_path: Path, name: str, encoding: str, mark: bytes, named: str
) -> None:
    data = mark + (LINES if "json" in name else CSV).decode().encode(encoding)
    found = message(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    assert f"is encoded in {named}, and a table is UTF-8: convert it" in found
    assert f"iconv -f {named.lower()} -t utf-8" in found
    if name.startswith("my"):
        assert "utf-8 'my t.csv' > 'my t-utf8.csv'" in found.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("tëxt,y\na,1\n".encode("cp1252"), "the header of 't.csv' is not UTF-8: it is likely"),
        ('{"text": "é"}\n'.encode("latin-1"), "'t.json' is not UTF-8; it is likely"),
        (b"t\x81xt,y\na,1\n", "UTF-8: convert it, with `iconv -f ENCODING -t utf-8`"),
    ],
)
def test_an_old_encoding_is_named_with_how_to_convert_it(
    tmp_path: Path, data: bytes, said: str
) -> None:
    found = message(tmp_path / ("t.json" if data.startswith(b"{") else "t.csv"), data)
    assert said in found
    assert "likely" not in said or "cp1252 or Latin-1: convert it, `iconv -f cp1252" in found


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda frame: frame.to_json(orient="records"), "is a JSON array: .*jq -c '.\\[\\]'"),
        (lambda frame: frame.to_json(orient="records", indent=2), "is a JSON array"),
        (lambda frame: json.dumps(frame.to_dict("records")).replace("},", "},\n"), "a JSON array"),
        (lambda frame: frame.to_json(), "is one JSON object of columns.*lines=True"),
        (lambda frame: frame.to_json(orient="split"), "is one JSON object of columns or lists"),
        (lambda frame: json.dumps({"data": frame.to_dict("records")}), "object of columns or"),
        (
            lambda frame: "\n".join(json.dumps(row, indent=1) for row in frame.to_dict("records")),
            "is JSON over several lines: .*jq -c",
        ),
    ],
)
def test_json_that_is_not_an_object_a_line_is_named(
    tmp_path: Path, write: Callable[[pd.DataFrame], str], said: str, rows: int
) -> None:
    found = message(tmp_path / "t.json", write(FRAME.head(rows)).encode())
    assert re.search(said, found), found


def test_an_array_longer_than_a_line_may_be_is_an_array(tmp_path: Path) -> None:
    from fanfold.tables.formats.json_lines import read_json_lines

    data = FRAME.to_json(orient="records").encode()
    with pytest.raises(UserError, match="is a JSON array"):
        list(read_json_lines(lambda: io.BytesIO(data), "t.json", max_record_bytes=10))


def parted(delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    return FRAME.to_csv(index=False, sep=delimiter, quoting=quoting).encode()


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize(
    ("name", "delimiter", "said"),
    [
        ("t.csv", ";", r"a semicolon parts its columns where a comma is expected.*sep=';'\)"),
        ("t.csv", "|", r"a bar \(\|\) parts its columns.*sep='\|'\)"),
        ("t.csv.gz", "\t", r"a tab parts its columns.*: let its name end in \.tsv"),
        ("t.tsv", ",", r"a comma parts its columns where a tab is.*name end in \.csv"),
        ("t.tsv", ";", r"a semicolon parts its columns where a tab is expected"),
    ],
)
def test_another_delimiter_is_named(
    tmp_path: Path, name: str, delimiter: str, said: str, quoting: int
) -> None:
    data = parted(delimiter, quoting)
    found = message(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    assert re.search(said, found), found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"text;price, net;y\na;1,5;2\n", "a semicolon parts its columns"),
        (b"TEXT;y\na;1\n", "a semicolon parts its columns"),
        (b"# from the shop\n" + CSV, "its first line is '# from the shop': .* take comments"),
        (b"#" + CSV, "its first line is '#text,y'"),
        (b"sep=;\n" + parted(";"), "the first line of 't.csv' is 'sep=;', a hint to Excel"),
        (b"SEP=,\r\n" + CSV, "the first line of 't.csv' is 'SEP=,', a hint to Excel"),
        (LINES, "seems to hold JSON: let its name end in .jsonl"),
        (b"words,y\na,1\n", "no column 'text' in 't.csv', which has 'words', 'y'$"),
        (b"words\na;b\n", "no column 'text' in 't.csv', which has 'words'$"),
    ],
)
def test_an_odd_header_is_named_with_what_to_do(tmp_path: Path, data: bytes, said: str) -> None:
    found = message(tmp_path / "t.csv", data)
    assert re.search(said, found), found


def test_an_odd_header_that_has_the_column_is_read(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", b"#id;no,text,sep=\n1,a,b\n")
    assert list(found) == ["#id;no", "text", "sep="]


@pytest.mark.parametrize("name", ["tables", "tables.parquet"])
def test_a_folder_of_parquet_files_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "part=1").mkdir(parents=True)
    FRAME.to_parquet(tmp_path / name / "part=1" / "0.parquet")
    with pytest.raises(UserError, match=r"is a folder, and one file.*read_parquet\('.*'\)\.to"):
        read_table(str(tmp_path / name))


def test_a_folder_of_other_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder, and one file is needed: name one of its"):
        read_table(str(tmp_path))


def test_a_folder_in_a_bucket_is_named(
    server: Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(server.uri(bucket, "table.parquet/part-0.parquet"), b"")
    with pytest.raises(UserError, match=r"table\.parquet' is a folder, and one file is needed"):
        identify(server.uri(bucket, "table.parquet"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("t.xlsx", "a file .xlsx is a workbook: save its sheet as CSV"),
        ("T.XLS", "read_excel"),
        ("t.ods", "read_excel"),
        ("t.feather", "read_feather"),
        ("t.orc", "read_orc"),
        ("t.csv.zip", "unpack it"),
        ("t.csv.bz2", "unpack it"),
        ("t.txt", "in .tsv if tabs part its columns"),
    ],
)
def test_a_name_of_another_format_says_how_to_export_it(name: str, said: str) -> None:
    with pytest.raises(UserError, match=f"cannot tell the format of '{name}'.*{said}"):
        read_table(name)


def test_plain_text_under_the_name_of_a_compressed_file_is_named(tmp_path: Path) -> None:
    found = message(tmp_path / "t.csv.gz", CSV)
    assert found.endswith("not gzip; if it is not compressed, its name should not say so")
