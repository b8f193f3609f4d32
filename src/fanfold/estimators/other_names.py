"""Names that other libraries use for estimators and hyperparameters, each with the advice it gets.

It is light to import, as `fanfold.estimators.hyperparameters` is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fanfold.errors import did_you_mean

_RIDGE = "sklearn.linear_model.Ridge"
_HUBER = "sklearn.linear_model.HuberRegressor"
_FOREST = "sklearn.ensemble.RandomForestRegressor"
_HISTOGRAMS = "sklearn.ensemble.HistGradientBoostingRegressor"

SAME = {
    "xgb": "xgboost", "xgbtree": "xgboost", "gbtree": "xgboost", "boosttree": "xgboost",
    "linear": "sklearn.linear_model.LinearRegression",
    "linearreg": "sklearn.linear_model.LinearRegression",
    "ols": "sklearn.linear_model.LinearRegression",
    "lm": "sklearn.linear_model.LinearRegression",
    "svm": "sklearn.svm.SVR", "knn": "sklearn.neighbors.KNeighborsRegressor",
    "tree": "sklearn.tree.DecisionTreeRegressor",
    "rf": _FOREST, "forest": _FOREST, "randforest": _FOREST, "ranger": _FOREST,
    "extratree": "sklearn.ensemble.ExtraTreesRegressor",
    "gbm": "sklearn.ensemble.GradientBoostingRegressor",
    "gbr": "sklearn.ensemble.GradientBoostingRegressor",
    "histgbm": _HISTOGRAMS, "hgb": _HISTOGRAMS, "hgbr": _HISTOGRAMS,
}  # fmt: skip
"""Short name -> the estimator that it means."""

NEAREST = {
    "lgbm": "xgboost", "lightgbm": "xgboost", "catboost": "xgboost", "xgbrf": _FOREST,
    "adaboost": _FOREST, "bagging": _FOREST,
    "ridgecv": _RIDGE, "bayesianridge": _RIDGE, "kernelridge": "sklearn.svm.SVR",
    "lassocv": "sklearn.linear_model.Lasso", "elasticnetcv": "sklearn.linear_model.ElasticNet",
    "glmnet": "sklearn.linear_model.ElasticNet", "theilsen": _HUBER, "ransac": _HUBER,
    "nusvr": "sklearn.svm.SVR",
}  # fmt: skip
"""Short name of an estimator that fanfold does not fit -> the nearest one that it does."""

CLASSIFIERS = {
    "logistic": _RIDGE, "logit": _RIDGE, "logreg": _RIDGE, "logisticreg": _RIDGE,
    "logisticregressioncv": _RIDGE, "glm": _RIDGE,
    "naivebayes": _RIDGE, "multinomialnb": _RIDGE, "complementnb": _RIDGE,
    "bernoullinb": _RIDGE, "gaussiannb": _RIDGE,
    "svc": "sklearn.svm.SVR", "nusvc": "sklearn.svm.SVR", "linearsvc": "sklearn.svm.LinearSVR",
}  # fmt: skip
"""Short name of a classifier -> the nearest regressor."""

_ROUNDS = ("n_estimators", "max_iter")
_RATE = ("learning_rate", "eta0")
_DEPTH = ("max_depth",)
_L1, _L2 = ("reg_alpha", "alpha"), ("reg_lambda", "l2_regularization", "alpha")
_ROWS_OF_A_LEAF = ("min_child_weight", "min_samples_leaf")
_COLUMNS = ("colsample_bynode", "colsample_bytree", "max_features")
_SUBSAMPLE, _LEAVES = ("subsample", "max_samples"), ("max_leaves", "max_leaf_nodes")

HYPERPARAMETERS: dict[str, tuple[str, ...]] = {
    "eta": _RATE, "learn_rate": _RATE, "lr": _RATE, "shrinkage": _RATE,
    "num_boost_round": _ROUNDS, "num_round": _ROUNDS, "nrounds": _ROUNDS, "nround": _ROUNDS,
    "rounds": _ROUNDS, "trees": _ROUNDS, "ntree": _ROUNDS, "ntrees": _ROUNDS, "n_trees": _ROUNDS,
    "num_trees": _ROUNDS, "num_iterations": _ROUNDS, "iterations": _ROUNDS, "n_iter": _ROUNDS,
    "max_iter": _ROUNDS, "n_estimators": _ROUNDS,
    "tree_depth": _DEPTH, "depth": _DEPTH, "maxdepth": _DEPTH,
    "lambda": _L2, "reg_lambda": _L2, "l2": _L2, "lambda_l2": _L2, "l2_leaf_reg": _L2,
    "penalty": _L2, "l2_regularization": _L2,
    "alpha": _L1, "reg_alpha": _L1, "l1": _L1, "lambda_l1": _L1,
    "mixture": ("l1_ratio",), "cost": ("C",), "neighbors": ("n_neighbors",), "k": ("n_neighbors",),
    "min_split_loss": ("gamma", "min_impurity_decrease"),
    "loss_reduction": ("gamma", "min_impurity_decrease"),
    "min_n": _ROWS_OF_A_LEAF, "min_data_in_leaf": _ROWS_OF_A_LEAF,
    "min_samples_leaf": _ROWS_OF_A_LEAF, "min_child_weight": _ROWS_OF_A_LEAF,
    "sample_size": _SUBSAMPLE, "bagging_fraction": _SUBSAMPLE,
    "mtry": _COLUMNS, "max_features": _COLUMNS, "feature_fraction": _COLUMNS,
    "colsample": _COLUMNS, "colsample_bytree": _COLUMNS, "colsample_bynode": _COLUMNS,
    "num_leaves": _LEAVES, "max_leaf_nodes": _LEAVES, "max_leaves": _LEAVES,
}  # fmt: skip
"""Another library's name (xgboost's own, R's, tidymodels', LightGBM's...) -> what it may mean."""

_THREADS = "fanfold sets the number of threads, on which no score depends"
_SEED = "the setting seed is the seed of every fit"
_QUIET = "fits write nothing"
_CPU = "all fits run on the CPU"
_EARLY = "no fit is stopped early; candidates that differ only in n_estimators share one fit"

NOT_IN_A_GRID = {
    "n_jobs": _THREADS, "nthread": _THREADS, "num_threads": _THREADS, "thread_count": _THREADS,
    "random_state": _SEED, "seed": _SEED, "random_seed": _SEED,
    "verbosity": _QUIET, "verbose": _QUIET, "silent": _QUIET,
    "device": _CPU, "gpu_id": _CPU, "predictor": _CPU,
    "tree_method": "fanfold always fits by histograms (hist)",
    "booster": "fanfold always boosts trees (gbtree)",
    "sparse_threshold": "fanfold sets it, and no score depends on it",
    "early_stopping_rounds": _EARLY, "stop_iter": _EARLY, "eval_set": _EARLY,
    "eval_metric": "every candidate gets all metrics; the setting metric picks the winner",
    "warm_start": "every fit starts anew",
    "copy_X": "fanfold sets it, and no score depends on it",
    "callbacks": "a grid holds numbers and texts, and no code",
}  # fmt: skip
"""What fits have and a grid does not take -> why."""

NOT_NUMBERS = "it predicts classes, and fanfold predicts numbers for now"


def estimator_hint(name: str, allowed: Iterable[str]) -> str:
    """What to say behind the `name` of an estimator that is not `allowed`; nothing if unknown."""
    allowed = list(allowed)
    short = re.sub(r"[^a-z0-9]", "", name.rpartition(".")[2].lower())
    stem = _stem(short)
    stems = {_stem(each.rpartition(".")[2].lower()): each for each in allowed}
    same = stems.get(stem) or SAME.get(stem)
    nearest = CLASSIFIERS.get(short) or CLASSIFIERS.get(stem) or NEAREST.get(stem) or same
    if short.endswith("classifier") or short in CLASSIFIERS or stem in CLASSIFIERS:
        return f": {NOT_NUMBERS}" + (f"; the nearest is {nearest!r}" if nearest else "")
    if same:
        return f"; did you mean {same!r}?"
    return f"; the nearest is {nearest!r}" if nearest else did_you_mean(name, allowed)


def _stem(short: str) -> str:
    return re.sub(r"(regressor|regression|classifier)$", "", short)


def hyperparameter_hint(name: str, allowed: Iterable[str]) -> str:
    """What to say behind the `name` of a hyperparameter that is not `allowed`, if anything."""
    allowed = list(allowed)
    meant = HYPERPARAMETERS.get(name.lower().replace("-", "_").replace(".", "_"), ())
    known = next((each for each in meant if each in allowed), None)
    return f"; did you mean {known!r}?" if known else did_you_mean(name, allowed)
