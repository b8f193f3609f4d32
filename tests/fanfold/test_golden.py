"""Text recipe and metrics against what R gives: see tests/data/golden/README.md."""

from __future__ import annotations

import csv
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fanfold.features.text import TextSettings, series, stopwords, tokenize
from fanfold.features.text_features import TextFeatures, fit_text
from fanfold.search.means import mean_and_standard_error
from fanfold.tasks.regression import regression_metrics
from tests.fanfold.corpora import make_corpus

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
TRAIN = range(1, 31)
NEW = range(31, 41)
SETTINGS = [(least, most) for least in ("0.001", "0.01", "0.02") for most in ("20", "100")]
EXACT = 1e-12

# id -> how fanfold's tokens differ, on purpose: R's, in their place ours.
DIFFERENT = {
    9: (["bob@example.org"], ["bob", "example.org"]),
    27: (["日本語", "の", "テキスト"], ["日本語のテキスト"]),
    29: (["@mention"], ["mention"]),
}

# Tokens of R's that no text can have here, each with one that can, and that stands in the same
# place among all tokens, so that ties and columns come out the same.
STAND_INS = {"@mention": "__at_mention", "bob@example.org": "bob_example.org"}


@cache
def golden(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def r_tokens(number: int, kind: str = "tokens") -> list[str]:
    """R's tokens of a text; its missing text is one missing token, for which we have none."""
    found = next(each[kind] for each in golden("tokens.json") if each["id"] == number)
    return [token for token in found if token is not None]


def text_with_r_tokens(number: int) -> str | None:
    """The text itself, or for those that differ one of which fanfold makes R's tokens."""
    if number in DIFFERENT:
        return " ".join(STAND_INS.get(token, token) for token in r_tokens(number))
    return next(each["text"] for each in golden("corpus.json") if each["id"] == number)


def fitted_rows() -> list[int]:
    """Ids of the training rows that have a text: R drops the others before it fits."""
    return [number for number in TRAIN if text_with_r_tokens(number)]


@cache
def fitted(least: str, most: str) -> tuple[TextFeatures, Any]:
    """Features and matrix of the fitted rows."""
    corpus = make_corpus([text_with_r_tokens(number) or "" for number in fitted_rows()])
    settings = TextSettings(min_times=float(least), max_tokens=int(most))
    return fit_text(corpus.text, np.ones(corpus.rows, dtype=bool), settings)


def r_matrix(which: str, least: str, most: str) -> tuple[list[str], np.ndarray]:
    """Names of the columns and the numbers of one of R's matrices, without the target."""
    path = GOLDEN / f"tfidf_{which}_min{least}_max{most}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    names = [name.removeprefix("tfidf_definition_") for name in header[1:]]
    return [STAND_INS.get(name, name) for name in names], np.array(rows, dtype=float)[:, 1:]


@pytest.mark.parametrize("number", [*TRAIN, *NEW])
def test_tokens_are_r_s_but_for_three_named_texts(number: int) -> None:
    text = next(each["text"] for each in golden("corpus.json") if each["id"] == number)
    theirs, ours = DIFFERENT.get(number, ([], []))
    expected = " ".join(r_tokens(number)).replace(" ".join(theirs), " ".join(ours))
    assert tokenize(series([text])).to_list() == [expected.split()]


@pytest.mark.parametrize("number", [*TRAIN, *NEW])
def test_the_same_tokens_are_stopwords(number: int) -> None:
    left = [token for token in r_tokens(number) if token not in stopwords("snowball")]
    assert left == r_tokens(number, "after_stopwords")


def test_the_stand_ins_stand_where_r_s_tokens_stood() -> None:
    theirs = sorted({token for number in TRAIN for token in r_tokens(number)})
    ours = [STAND_INS.get(token, token) for token in theirs]
    assert ours == sorted(ours) and len(set(ours)) == len(theirs)


def test_the_texts_that_stand_in_have_r_s_tokens() -> None:
    for number in DIFFERENT:
        expected = [STAND_INS.get(token, token) for token in r_tokens(number)]
        assert tokenize(series([text_with_r_tokens(number)])).to_list() == [expected]


@pytest.mark.parametrize(("least", "most"), SETTINGS)
def test_the_vocabulary_is_r_s_in_order_counts_and_idf(least: str, most: str) -> None:
    theirs = golden(f"vocab_min{least}_max{most}.json")
    features, _ = fitted(least, most)
    names = [STAND_INS.get(token, token) for token in theirs["kept_in_column_order"]]
    assert list(features.tokens) == names
    assert features.idf == pytest.approx([float(idf) for idf in theirs["idf"]], abs=EXACT)
    counted = TextSettings(min_times=float(least), max_tokens=int(most), weighting="count")
    corpus = make_corpus([text_with_r_tokens(number) or "" for number in fitted_rows()])
    _, counts = fit_text(corpus.text, np.ones(corpus.rows, dtype=bool), counted)
    totals = dict(zip(features.tokens, counts.sum(axis=0).A1.astype(int).tolist(), strict=True))
    assert totals == {STAND_INS.get(k, k): count for k, count in theirs["counts_kept"].items()}
    by_count = sorted(totals, key=lambda token: (-totals[token], token))
    assert by_count == [STAND_INS.get(token, token) for token in theirs["kept_in_filter_order"]]


def test_as_many_tokens_are_counted_and_rows_fitted_as_in_r() -> None:
    theirs = golden("vocab_min0.001_max100.json")
    corpus = make_corpus([text_with_r_tokens(number) or "" for number in fitted_rows()])
    totals = corpus.text.token_totals(np.ones(corpus.rows, dtype=bool))
    stored = zip(corpus.text.vocabulary, totals.tolist(), strict=True)
    left = {token: total for token, total in stored if token not in stopwords("snowball")}
    assert sum(left.values()) == theirs["total_tokens"]
    assert len(left) == theirs["n_distinct_tokens"]
    assert corpus.rows == theirs["rows_after_step_filter"]


@pytest.mark.parametrize(("least", "most"), SETTINGS)
def test_the_matrix_of_the_fitted_rows_is_r_s(least: str, most: str) -> None:
    names, numbers = r_matrix("train_juice", least, most)
    features, matrix = fitted(least, most)
    assert list(features.tokens) == names
    np.testing.assert_allclose(matrix.toarray(), numbers, rtol=0, atol=EXACT)


@pytest.mark.parametrize(("least", "most"), SETTINGS)
@pytest.mark.parametrize(("which", "rows"), [("train_bake", TRAIN), ("test_bake", NEW)])
def test_the_matrix_of_new_rows_is_r_s(which: str, rows: range, least: str, most: str) -> None:
    names, numbers = r_matrix(which, least, most)
    features, _ = fitted(least, most)
    assert list(features.tokens) == names
    ours = features.matrix([text_with_r_tokens(number) for number in rows])
    np.testing.assert_allclose(ours.toarray(), numbers, rtol=0, atol=EXACT)


@pytest.mark.parametrize("case", ["", "constant_estimate", "with_na"])
def test_metrics_are_yardstick_s(case: str) -> None:
    both = golden("yardstick.json")
    given = {**both, **both.get(case, {})}
    pairs = zip(given["truth"], given["estimate"], strict=True)
    # yardstick leaves out a pair that misses a side; here there never is one.
    truth, estimate = zip(*[pair for pair in pairs if None not in pair], strict=True)
    ours = regression_metrics(np.array(truth), np.array(estimate))
    theirs = {
        each[".metric"]: math.nan if each["estimate_17g"] is None else float(each["estimate_17g"])
        for each in given["result"]
    }
    assert ours == pytest.approx(theirs, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize("place", [0, 1])
def test_mean_and_standard_error_over_folds_are_tune_s(place: int) -> None:
    both = golden("collect_metrics.json")
    theirs = both["collect_metrics"][place]
    folds = [math.nan if each is None else each for each in both[f"{theirs['.metric']}_per_fold"]]
    mean, standard_error, n = mean_and_standard_error(folds)
    assert mean == pytest.approx(float(theirs["mean_17g"]), abs=EXACT)
    assert standard_error == pytest.approx(float(theirs["std_err_17g"]), abs=EXACT)
    assert n == theirs["n"]
