"""The user's mistake that kept every candidate from being fitted, if it was one."""

from __future__ import annotations

import numpy as np

from fanfold.errors import UserError
from fanfold.features.corpus import Corpus
from fanfold.features.text_features import fit_text
from fanfold.search.grid import Candidate
from fanfold.search.plan import Plan


def check_candidates(corpus: Corpus, plan: Plan) -> None:
    """Raise the `UserError` of the first candidate, if each has one that shows without a fit.

    A single candidate's mistake is a row of the leaderboard; where all have one, none is left to
    choose, and the search ends with what is wrong.
    """
    mistakes = []
    for each in plan.candidates:
        mistake = _mistake(corpus, each, plan)
        if mistake is None:
            return
        mistakes.append(mistake)
    raise mistakes[0]


def _mistake(corpus: Corpus, candidate: Candidate, plan: Plan) -> UserError | None:
    """What is wrong with the tokens or the target of the first fold's training rows."""
    rows = np.asarray(corpus.fold != 0)
    try:
        fit_text(corpus.text, rows, candidate.text)
        plan.estimator.target_scale(np.asarray(corpus.target)[rows], candidate.model_parameters)
    except UserError as error:
        return error
    return None
