"""Files of other kinds under a table's name, known by their first bytes."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NoReturn

from fanfold.errors import UserError

LOOKED_AT = 4096
"""Bytes of a file's start that tell what it is."""

CODECS = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""No text in UTF-8 begins with these bytes."""

WORKBOOK = "save its sheet as CSV UTF-8, or pandas.read_excel(...).to_parquet('table.parquet')"
UNPACK = "unpack it, and give the file in it"
SIGNATURES = (
    (rb"\x1f\x8b\x08", "gzip", UNPACK),
    (rb"\x28\xb5\x2f\xfd", "zstd", UNPACK),
    (rb"PK\x03\x04.*(xl/|\[Content_Types\]|docProps/)", "an Excel workbook", WORKBOOK),
    (rb"PK\x03\x04.*vnd\.oasis", "an OpenDocument file", WORKBOOK),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind", WORKBOOK),
    (rb"PK(\x03\x04|\x05\x06)", "a zip archive", UNPACK),
    (rb"BZh[1-9]1AY&SY", "bzip2", UNPACK),
    (rb"\xfd7zXZ\x00", "xz", UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (rb"\x04\x22\x4d\x18", "lz4", UNPACK),
    (rb".{257}ustar", "a tar archive", UNPACK),
    (rb"PAR1.*[\x00-\x08]", "Parquet", "let its name end in .parquet"),
    (
        rb"(ARROW1|FEA1|\xff\xff\xff\xff)",
        "an Arrow (Feather) file",
        "pandas.read_feather(...).to_parquet('table.parquet')",
    ),
    (rb"ORC.*[\x00-\x08]", "ORC", "pandas.read_orc(...).to_parquet('table.parquet')"),
    (rb"Obj\x01", "Avro", "export it as Parquet or CSV"),
    (rb"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (rb"\x80[\x02-\x05]", "a Python pickle", "write the frame with to_parquet"),
    (rb"\x89HDF", "HDF5", "pandas.read_hdf(...).to_parquet('table.parquet')"),
    (rb"%PDF-", "a PDF", "export the table as CSV"),
    (rb"(?i)\s*<(!doctype html|html)", "a web page", "download the table itself"),
    (rb"\s*<\?xml", "XML", "export the table as CSV"),
)
"""What a file's start looks like, what the file is, and what to do."""

UNREAD = {
    (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"): f"a workbook: {WORKBOOK}",
    (".zip", ".bz2", ".xz", ".7z", ".tar", ".tgz", ".rar", ".lz4"): f"packed: {UNPACK}",
    (".feather", ".arrow", ".ipc"): "Arrow: pandas.read_feather(...).to_parquet('table.parquet')",
    (".orc",): "ORC: pandas.read_orc(...).to_parquet('table.parquet')",
    (".pkl", ".pickle"): "a Python pickle: write the frame with to_parquet",
    (".dta", ".sav", ".sas7bdat", ".rds", ".rdata"): "of a statistics program: export it as CSV",
    (".db", ".sqlite", ".avro", ".h5", ".hdf5", ".xml", ".html"): "no table file: export it as CSV",
    (".txt", ".dat", ".tab", ".psv"): "text: let its name end in .tsv if tabs part its columns, or"
    " in .csv if commas do",
}
"""Endings of names of what is not read, and what to do about it."""

NOT_UTF8 = re.compile("byte 0x(..) is not UTF-8")
"""Why a row of CSV, TSV or JSON lines is set aside."""

BOMS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16"}
BOMS |= {b"\xfe\xff": "utf-16"}


def codec_of(start: bytes) -> str | None:
    """The compression of a file that starts with these bytes: `gzip`, `zstd` or None."""
    return next((codec for magic, codec in CODECS.items() if start.startswith(magic)), None)


def refuse_foreign(start: bytes, uri: str) -> None:
    """Raise `UserError` where a file that starts with these bytes is no table fanfold reads."""
    encoding = _wide_encoding(start)
    if encoding:
        raise UserError(
            f"{uri!r} is encoded in {encoding.upper()}, and a table is UTF-8: convert it,"
            f" {conversion(uri, encoding)}"
        )
    for pattern, what, advice in SIGNATURES:
        if re.match(pattern, start, re.DOTALL):
            raise UserError(f"{uri!r} is {what}, not what its name says: {advice}")


def refuse_folder(uri: str) -> None:
    """Raise `UserError` where a folder is in place of a table."""
    if os.path.isdir(uri):
        advice = "name one of its files, or join them"
        if next(Path(uri).rglob("*.parquet"), None):
            advice += f", pandas.read_parquet({uri!r}).to_parquet('table.parquet')"
        raise UserError(f"{uri!r} is a folder, and one file is needed: {advice}")


def refuse_name(uri: str, message: str) -> NoReturn:
    """Raise the `UserError` for a name that tells no format: `message`, and what fits this one."""
    suffix = PurePosixPath(uri.lower()).suffix
    advice = next((what for endings, what in UNREAD.items() if suffix in endings), None)
    raise UserError(f"{message}; a file {suffix} is {advice}" if advice else message)


def conversion(uri: str, encoding: str) -> str:
    """The command that makes UTF-8 of a file."""
    path = PurePosixPath(uri)
    if "://" in uri or path.suffix.lower() in (".gz", ".zst", ".zstd"):
        return f"with `iconv -f {encoding} -t utf-8`"
    new = path.with_name(f"{path.stem}-utf8{path.suffix}")
    return f"`iconv -f {encoding} -t utf-8 {shlex.quote(uri)} > {shlex.quote(str(new))}`"


def other_encoding(data: bytes, uri: str) -> str:
    """What to do about a table with these bytes, which are not UTF-8."""
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "convert it, with `iconv -f ENCODING -t utf-8` and the encoding it has"
    return f"it is likely cp1252 or Latin-1: convert it, {conversion(uri, 'cp1252')}"


def advice_on_bytes(reasons: Iterable[str], uri: str) -> str:
    """What to do where these are the reasons for which rows were set aside; empty for others."""
    found = b"".join(bytes.fromhex(byte) for r in reasons for byte in NOT_UTF8.findall(r))
    return f"{uri!r} is not UTF-8; {other_encoding(found, uri)}" if found else ""


def _wide_encoding(start: bytes) -> str | None:
    """UTF-16 or UTF-32, by its mark or by the zero in each letter of Latin script."""
    for mark, encoding in BOMS.items():
        if start.startswith(mark):
            return encoding
    even, odd = start[0:200:2], start[1:200:2]
    for zeros, letters, encoding in ((odd, even, "utf-16le"), (even, odd, "utf-16be")):
        if len(zeros) > 2 and zeros.count(0) > 0.7 * len(zeros) and letters.count(0) == 0:
            return encoding
    return None
