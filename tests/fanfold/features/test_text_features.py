"""A fold's matrix: learned from its training rows only, and equal to a slow count of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from fanfold.errors import UserError
from fanfold.features.corpus import Corpus
from fanfold.features.text import TextSettings, stopwords
from fanfold.features.text_features import TextFeatures, fit_text
from tests.fanfold.corpora import make_corpus
from tests.fanfold.slow_search import learn, words

# Few words, so that they tie and fill whole folds; two are stopwords.
word = st.sampled_from("a b c dd e' the and F g.g 12 3,4".split())
documents = st.lists(st.lists(word, max_size=8).map(" ".join), min_size=4, max_size=12)
text_settings = st.builds(
    TextSettings,
    max_tokens=st.integers(1, 8),
    min_times=st.sampled_from([0.0, 0.001, 0.05, 0.1, 0.25]),
    max_times=st.sampled_from([0.25, 0.5, 1.0]),
    weighting=st.sampled_from(["tfidf", "count"]),
    stopwords=st.sampled_from(["snowball", "none"]),
)


def first_fold(corpus: Corpus) -> np.ndarray:
    """The training rows when the first fold is held out."""
    return np.asarray(corpus.fold != 0)


def fitted(corpus: Corpus, how: TextSettings) -> tuple[TextFeatures, csr_matrix]:
    return fit_text(corpus.text, first_fold(corpus), how)


def as_keywords(how: TextSettings) -> dict[str, Any]:
    return {name.removeprefix("text__"): value for name, value in how.as_parameters().items()}


@settings(max_examples=75, deadline=None)
@given(documents, text_settings)
def test_a_fold_s_matrix_is_that_of_a_slow_count_of_its_training_rows(
    texts: list[str], how: TextSettings
) -> None:
    corpus = make_corpus(texts)
    cut = [words(text, how.stopwords) for text in texts]
    slow = learn([cut[row] for row in np.flatnonzero(first_fold(corpus))], **as_keywords(how))
    if not slow.idf:
        left = any(cut[row] for row in np.flatnonzero(first_fold(corpus)))
        said = "no token's share of the .* lies between" if left else "the training texts hold"
        with pytest.raises(UserError, match=said):
            fitted(corpus, how)
        return
    features, matrix = fitted(corpus, how)
    assert list(features.tokens) == list(slow.idf)
    expected = slow.matrix(cut)
    # A logarithm, which may be one digit off from another library's, a quotient and a product.
    np.testing.assert_allclose(matrix.toarray(), expected.toarray(), rtol=1e-14, atol=0)
    # What is absent means missing to xgboost, so that the stored cells must be the same too.
    assert (matrix.astype(bool) != expected.astype(bool)).nnz == 0
    assert matrix.nnz == expected.nnz and (matrix.data > 0).all()


@settings(max_examples=50, deadline=None)
@given(documents, st.lists(st.sampled_from("zz y'y x9".split()), min_size=1), text_settings)
def test_a_token_of_validation_rows_only_never_enters_the_vocabulary(
    texts: list[str], unseen: list[str], how: TextSettings
) -> None:
    more = " ".join(["", *unseen])
    told = [text + more if row % 2 == 0 else text for row, text in enumerate(texts)]
    with_unseen, without = make_corpus(told), make_corpus(texts)
    assert set(unseen) <= set(with_unseen.text.vocabulary)
    try:
        features, matrix = fitted(with_unseen, how)
    except UserError:
        with pytest.raises(UserError, match="no token's share|texts hold"):
            fitted(without, how)
        return
    assert not set(unseen) & set(features.tokens)
    # Nor does it change anything else that is learned.
    same, same_matrix = fitted(without, how)
    assert features.tokens == same.tokens and features.idf.tolist() == same.idf.tolist()
    rows = first_fold(without)
    assert (matrix[rows] != same_matrix[rows]).nnz == 0


@settings(max_examples=50, deadline=None)
@given(documents, text_settings, st.integers(5, 12))
def test_new_texts_get_the_very_rows_that_the_corpus_gives(
    texts: list[str], how: TextSettings, vocabulary_size: int
) -> None:
    try:
        features, matrix = fitted(make_corpus(texts, vocabulary_size=vocabulary_size), how)
    except UserError:
        assume(False)
    new = features.matrix(texts)
    assert new.shape == matrix.shape and new.dtype == matrix.dtype
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(new, part), getattr(matrix, part))


def test_a_missing_or_strange_text_is_an_empty_row() -> None:
    features, _ = fitted(make_corpus(["a b", "b c"]), TextSettings(stopwords="none"))
    assert features.matrix([None, "", "...", "zz"]).nnz == 0
    assert features.matrix([]).shape == (0, len(features.tokens))
    assert features.matrix(["B zz b"]).toarray().ravel()[0] == features.idf[0]


@settings(max_examples=50, deadline=None)
@given(documents, text_settings)
def test_scikit_learn_makes_the_same_cells_of_the_same_vocabulary(
    texts: list[str], how: TextSettings
) -> None:
    corpus = make_corpus(texts)
    try:
        features, matrix = fitted(corpus, how)
    except UserError:
        assume(False)
    counter = CountVectorizer(vocabulary=features.tokens, tokenizer=words, token_pattern=None)
    expected = counter.transform(texts)
    if how.weighting == "tfidf":
        # ln(1 + N / df), which TfidfTransformer cannot say: its own is ln(N / df) + 1.
        train = expected[first_fold(corpus)]
        idf = np.log1p(train.shape[0] / (train > 0).sum(axis=0).A1)
        expected = normalize(expected.astype(float), "l1").multiply(idf)
    np.testing.assert_allclose(matrix.toarray(), expected.toarray(), rtol=1e-14, atol=0)


@settings(max_examples=60, deadline=None)
@given(documents, text_settings, st.integers(1, 6))
def test_a_small_vocabulary_gives_what_the_whole_one_gives_or_says_that_it_cannot(
    texts: list[str], how: TextSettings, vocabulary_size: int
) -> None:
    whole, small = make_corpus(texts), make_corpus(texts, vocabulary_size=vocabulary_size)
    try:
        expected, matrix = fitted(whole, how)
    except UserError:
        with pytest.raises(UserError, match="no token's share|texts hold|vocabulary_size"):
            fitted(small, how)
        return
    try:
        features, small_matrix = fitted(small, how)
    except UserError as error:
        assert "vocabulary_size" in str(error)
        assert _could_be_missed(texts, how, vocabulary_size, expected, matrix, first_fold(whole))
        return
    assert features.tokens == expected.tokens and features.idf.tolist() == expected.idf.tolist()
    np.testing.assert_array_equal(small_matrix.toarray(), matrix.toarray())


def _could_be_missed(
    texts: list[str],
    how: TextSettings,
    vocabulary_size: int,
    chosen: TextFeatures,
    matrix: csr_matrix,
    rows: np.ndarray,
) -> bool:
    """Whether a token left out is frequent enough, over all rows, to stand among the chosen."""
    totals = Counter(token for text in texts for token in words(text))
    ranked = sorted(totals, key=lambda token: (-totals[token], token))
    left_out = [t for t in ranked[vocabulary_size:] if t not in stopwords("snowball")]
    train = Counter(
        token
        for text, row in zip(texts, rows, strict=True)
        if row
        for token in words(text, how.stopwords)
    )
    least = min(train[token] for token in chosen.tokens)
    full = len(chosen.tokens) == how.max_tokens
    return any(
        totals[token] / train.total() >= how.min_times and (not full or totals[token] >= least)
        for token in left_out
    )


def test_a_token_left_out_is_an_error_that_names_the_setting() -> None:
    corpus = make_corpus(["x x x y", "x y z", "x x y"], vocabulary_size=1)
    with pytest.raises(UserError, match=r"keeps 1 tokens .* occurs 3 times.* vocabulary_size"):
        fit_text(corpus.text, np.ones(3, dtype=bool), TextSettings(max_tokens=2))
    features, _ = fit_text(corpus.text, np.ones(3, dtype=bool), TextSettings(max_tokens=1))
    assert features.tokens == ("x",)


def test_a_stored_token_too_rare_here_does_not_hide_one_left_out() -> None:
    # The only stored token does not occur in the fold's training rows.
    corpus = make_corpus(["x x x", "y y"], vocabulary_size=1)
    with pytest.raises(UserError, match="raise vocabulary_size"):
        fitted(corpus, TextSettings())


@pytest.mark.parametrize(
    ("how", "tokens"),
    [
        (TextSettings(min_times=0.25), ("b", "c")),  # of 8 tokens: the bounds belong to it
        (TextSettings(min_times=0.2501), ("b",)),
        (TextSettings(max_times=0.5), ("b", "c", "d", "e")),
        (TextSettings(max_times=0.4999), ("c", "d", "e")),
        (TextSettings(max_tokens=3), ("b", "c", "d")),  # d before e: a tie
    ],
)
def test_shares_are_inclusive_and_ties_go_by_code_point(
    how: TextSettings, tokens: tuple[str, ...]
) -> None:
    corpus = make_corpus(["the e d c", "b b b b c and"])
    features, _ = fit_text(corpus.text, np.ones(2, dtype=bool), how)
    assert features.tokens == tokens


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the and", "hold only stopwords: .* text__stopwords to none"),
        ("?! ...", "hold no token, that is no word and no number: name another text column"),
    ],
)
def test_texts_without_a_token_are_told_without_sending_to_the_shares(text: str, said: str) -> None:
    corpus = make_corpus([text] * 6)
    with pytest.raises(UserError, match=said) as error:
        fitted(corpus, TextSettings())
    assert "min_times" not in str(error.value)
