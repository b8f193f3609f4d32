from __future__ import annotations

import pytest

from fanfold.settings.search import METRICS
from fanfold.tasks.metric_names import metric_hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *[(name, "; did you mean 'rmse'?") for name in ("RMSE", "Rmse", "rsme")],
        ("neg_root_mean_squared_error", "; did you mean 'rmse'?"),
        ("root_mean_squared_error", "; did you mean 'rmse'?"),
        ("MSE", "; did you mean 'rmse'? It ranks candidates much as the mse does"),
        ("neg_mean_squared_error", "; did you mean 'rmse'? It ranks"),
        ("MAE", "; did you mean 'mae'?"),
        ("mean_absolute_error", "; did you mean 'mae'?"),
        *[(name, "; did you mean 'rsq'? It is the squared") for name in ("r2", "R2", "r2_score")],
        *[(name, "; it is the rmse of a target log1p(...)") for name in ("RMSLE", "rmsle")],
        *[(name, "; it is a metric of classes") for name in ("accuracy", "roc_auc", "f1_score")],
        ("neg_log_loss", "; it is a metric of classes"),
    ],
)
def test_the_name_that_another_library_has_for_a_metric_gets_its_own(name: str, said: str) -> None:
    assert metric_hint(name, METRICS).startswith(said)


def test_of_a_name_that_is_near_to_none_nothing_is_said() -> None:
    assert metric_hint("perplexity", METRICS) == ""
