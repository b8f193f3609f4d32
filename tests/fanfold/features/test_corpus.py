"""The corpus on disk: the same digest for the same input, and damage that shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fanfold.errors import DamagedError
from fanfold.features import corpus as corpus_module
from fanfold.features.corpus import load_corpus
from fanfold.storage.sealed import write_manifest
from tests.fanfold.corpora import make_corpus, write_corpus

TEXTS = [
    f"the word{number % 7} and word{number % 3}, twice word{number % 3}" for number in range(60)
]
TARGET = [0.1 * number for number in range(60)]
EXPECTED_DIGEST = "bea19de83b53ad2d30227a6027e6443a03a4e8dfab9941914b81e42f50f1f04a"
FILES = (
    "target.npy", "fold.npy", "row_tokens.npy", "row_starts.npy", "columns.npy", "counts.npy",
    "vocabulary.txt", "manifest.json",
)  # fmt: skip


def digest_of(folder: Path, texts: list[str] = TEXTS, **how: object) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return write_corpus(folder, texts, **{"target": TARGET, **how})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "corpus"
    digest_of(folder)
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "corpus"))


def test_a_corpus_is_these_files_and_no_others(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(FILES)


def test_arrays_are_mapped_and_not_read_into_memory(written: Path) -> None:
    corpus = load_corpus(written)
    text = corpus.text
    arrays = (corpus.target, corpus.fold, text.row_tokens, text.row_starts, text.columns)
    assert all(isinstance(array, np.memmap) for array in (*arrays, text.counts))
    assert corpus.target.tolist() == TARGET
    assert corpus.fold.tolist() == [number % 2 for number in range(60)]
    assert corpus.fold_labels == ("1", "2") and corpus.rows == corpus.text.rows == 60
    assert text.position("word5") == text.vocabulary.index("word5") and text.position("x") is None


def test_the_digest_is_the_same_for_any_batches_and_threads(tmp_path: Path) -> None:
    digests = {
        digest_of(tmp_path / "again", batch_rows=batch_rows, threads=threads)
        for batch_rows in (1, 7, 60)
        for threads in (1, 2, 4)
    }
    assert digests == {digest_of(tmp_path / "once")}


def test_the_digest_is_of_what_the_table_says_and_stays_from_release_to_release(
    tmp_path: Path,
) -> None:
    # A corpus made earlier, or on another machine, must be known as the same one. If this
    # changes, so must FORMAT, and all that is stored under the digest is computed anew.
    assert digest_of(tmp_path / "now") == EXPECTED_DIGEST


@pytest.mark.parametrize(
    "how",
    [
        {"texts": [*TEXTS[:-1], TEXTS[-1] + " more"]},
        {"texts": [*TEXTS[:-1], TEXTS[-1].replace("twice", "thrice")]},
        {"texts": [TEXTS[1], TEXTS[0], *TEXTS[2:]]},
        {"target": [*TARGET[:-1], TARGET[-1] + 0.001]},
        {"fold": [1, 1, *(number % 2 for number in range(2, 60))]},
        {"labels": ("1", "b")},
        {"vocabulary_size": 3},
    ],
)
def test_the_digest_differs_when_anything_that_a_score_depends_on_does(
    tmp_path: Path, how: dict[str, object]
) -> None:
    assert digest_of(tmp_path / "other", **how) != digest_of(tmp_path / "first")  # type: ignore[arg-type]


def test_the_digest_tells_apart_targets_that_a_float32_does_not(tmp_path: Path) -> None:
    first, other = ([1.7e9 + number % modulus for number in range(60)] for modulus in (2, 3))
    assert np.array_equal(np.float32(first), np.float32(other))
    assert digest_of(tmp_path / "a", target=first) != digest_of(tmp_path / "b", target=other)


@pytest.mark.parametrize("least", [0.0, 5e-324, 1e-310])
def test_targets_that_hardly_differ_have_a_digest(least: float, tmp_path: Path) -> None:
    target = [least, *[0.0] * 59]
    assert len(digest_of(tmp_path / "a", target=target)) == 64


def test_the_digest_forgives_the_last_bit_of_a_target(tmp_path: Path) -> None:
    # log1p and exp differ there from one processor to the next.
    near = [np.nextafter(value, np.inf) for value in TARGET]
    assert near != TARGET
    assert digest_of(tmp_path / "near", target=near) == digest_of(tmp_path / "first")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_one_changed_bit_is_damage_and_the_file_is_named(
    copy: Path, name: str, place: float
) -> None:
    path = copy / name
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=name):
        load_corpus(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_file_cut_short_is_damage_and_named(copy: Path, name: str, kept: float) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: int(kept * len(data))])
    with pytest.raises(DamagedError, match=name):
        load_corpus(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_damage_and_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(DamagedError, match=f"{name}' is missing"):
        load_corpus(copy)


def test_a_fact_changed_in_the_manifest_is_damage(copy: Path) -> None:
    manifest = copy / "manifest.json"
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**facts, "left_out_max": 1}), encoding="utf-8")
    with pytest.raises(DamagedError, match=r"manifest\.json' was changed"):
        load_corpus(copy)


@pytest.mark.parametrize("text", ["[]", "{}", "3", "null", '{"sha256": 1}', "\x00", "not JSON"])
def test_a_manifest_that_fanfold_did_not_write_is_refused(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(DamagedError, match=r"manifest\.json' is not a manifest"):
        load_corpus(copy)


def test_a_corpus_of_another_format_is_refused(copy: Path) -> None:
    write_manifest(copy / "manifest.json", {"format": "fanfold-corpus-0"})
    with pytest.raises(DamagedError, match=r"of format 'fanfold-corpus-0'"):
        load_corpus(copy)


def test_a_scan_in_many_chunks_says_what_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    text = make_corpus(TEXTS).text
    rows = np.arange(60) % 3 > 0
    some = np.array([0, 3, 5])
    totals, cells = text.token_totals(rows), text.select(some)
    monkeypatch.setattr(corpus_module, "CHUNK_CELLS", 7)
    assert text.token_totals(rows).tolist() == totals.tolist()
    assert (text.select(some) != cells).nnz == 0 and cells.nnz > 0


def test_rows_of_no_token_at_all_make_a_corpus() -> None:
    text = make_corpus(["...", "?"]).text
    assert text.vocabulary == () and text.rows == 2
    assert text.token_totals(np.ones(2, dtype=bool)).tolist() == []
