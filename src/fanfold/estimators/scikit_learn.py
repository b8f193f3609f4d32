"""scikit-learn's regressors by name, from an allow-list: no name is ever imported blindly."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

from fanfold.arrays import Floats
from fanfold.errors import UserError
from fanfold.estimators.hyperparameters import check_names
from fanfold.resources import usable_memory
from fanfold.tasks.target_scale import AS_IT_IS, TargetRange, TargetScale, learn_scale

ALLOWED = {
    "sklearn.linear_model.LinearRegression": (),
    "sklearn.linear_model.Ridge": ("-alpha",),
    "sklearn.linear_model.Lasso": ("-alpha",),
    "sklearn.linear_model.ElasticNet": ("-alpha",),
    "sklearn.linear_model.HuberRegressor": ("-alpha",),
    "sklearn.linear_model.SGDRegressor": ("-alpha",),
    "sklearn.svm.LinearSVR": ("C",),
    "sklearn.svm.SVR": ("C",),
    "sklearn.neighbors.KNeighborsRegressor": ("-n_neighbors",),
    "sklearn.tree.DecisionTreeRegressor": ("max_depth", "max_leaf_nodes"),
    "sklearn.ensemble.RandomForestRegressor": ("n_estimators", "max_depth"),
    "sklearn.ensemble.ExtraTreesRegressor": ("n_estimators", "max_depth"),
    "sklearn.ensemble.GradientBoostingRegressor": ("n_estimators", "max_depth"),
    "sklearn.ensemble.HistGradientBoostingRegressor": ("max_iter", "max_depth"),
}
"""Each allowed class with the parameters whose small (`-`: large) values make it simple."""

EXAMPLE_GRIDS = {
    "sklearn.linear_model.LinearRegression": '{"positive": [false, true]}',
    "sklearn.linear_model.Ridge": '{"alpha": [0.1, 1, 10]}',
    "sklearn.linear_model.Lasso": '{"alpha": [0.001, 0.01, 0.1]}',
    "sklearn.linear_model.ElasticNet": '{"alpha": [0.001, 0.01, 0.1], "l1_ratio": [0.2, 0.8]}',
    "sklearn.linear_model.HuberRegressor": '{"alpha": [0.0001, 0.01, 1]}',
    "sklearn.linear_model.SGDRegressor": '{"alpha": [0.00001, 0.0001, 0.001]}',
    "sklearn.svm.LinearSVR": '{"C": [0.1, 1, 10]}',
    "sklearn.svm.SVR": '{"C": [0.1, 1, 10]}',
    "sklearn.neighbors.KNeighborsRegressor": '{"n_neighbors": [5, 20, 50]}',
    "sklearn.tree.DecisionTreeRegressor": '{"max_depth": [4, 8, 12]}',
    "sklearn.ensemble.RandomForestRegressor": '{"max_depth": [8, 16], "max_features": [0.1, 0.3]}',
    "sklearn.ensemble.ExtraTreesRegressor": '{"max_depth": [8, 16], "max_features": [0.1, 0.3]}',
    "sklearn.ensemble.GradientBoostingRegressor": '{"n_estimators": [100, 300]}',
    "sklearn.ensemble.HistGradientBoostingRegressor": '{"max_iter": [100, 300]}',
}
"""A small grid of each allowed class, for messages."""

DENSE = {"sklearn.ensemble.HistGradientBoostingRegressor"}
"""Those that cannot read a sparse matrix."""

THREADED = {
    "sklearn.ensemble.RandomForestRegressor",
    "sklearn.ensemble.ExtraTreesRegressor",
    "sklearn.ensemble.HistGradientBoostingRegressor",
}
"""Those whose fit uses several threads."""

OURS = {"random_state", "n_jobs", "verbose", "warm_start", "copy_X", "callbacks", "scoring"}
"""Constructor arguments that fanfold sets, that change no score, or that cannot be saved."""

TRUSTED = {
    "scipy.sparse._csr.csr_matrix",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
}
"""Types in a saved regressor that skops does not trust by itself; all are plain arrays."""

IN_UNITS = {
    "sklearn.linear_model.Lasso",
    "sklearn.linear_model.ElasticNet",
    "sklearn.linear_model.HuberRegressor",
    "sklearn.linear_model.SGDRegressor",
    "sklearn.svm.LinearSVR",
    "sklearn.svm.SVR",
}
"""Those whose losses, penalties or steps are in units of the target."""

TARGET_RANGES = {"poisson": TargetRange(0), "gamma": TargetRange(0, above=True)}
"""Values of `loss` and `criterion` that read logarithms, and the targets that they take."""

DENSE_COPIES = 2
"""The dense matrix, and what the estimator makes of it."""

UNLIMITED = 1000
"""Iterations that -1, no limit, counts as."""

ONE_AT_A_TIME = {"sklearn.svm.LinearSVR"}
"""Those that draw from a generator of the whole process, so that fits side by side would mix."""


_alone = threading.Lock()

_importing = threading.Lock()
"""Modules of scikit-learn import each other: two threads that begin at different ones may each
find the other's half made."""


class SklearnEstimator:
    """A scikit-learn regressor; parameters are its constructor's."""

    library = "scikit-learn"
    rounds_parameter: str | None = None
    model_file = "estimator.skops"

    def __init__(self, name: str) -> None:
        self.name = name
        self.simplest_by: tuple[str, ...] = ALLOWED[name]
        self.threaded = name in THREADED

    def _new(self, parameters: Mapping[str, Any], **ours: Any) -> Any:
        module, _, class_name = self.name.rpartition(".")
        with _importing:
            regressor = getattr(importlib.import_module(module), class_name)()
        known = regressor.get_params()
        return regressor.set_params(
            **parameters, **{name: value for name, value in ours.items() if name in known}
        )

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`parameters`, unchanged; `UserError` unless the class takes each of them."""
        allowed = [name for name in self._new({}).get_params() if name not in OURS]
        check_names(parameters, allowed, self.name)
        try:
            self._new(parameters)._validate_params()
        except ValueError as error:
            raise UserError(str(error)) from None
        return dict(parameters)

    def rounds(self, parameters: Mapping[str, Any]) -> int:
        """0: no fit of a scikit-learn regressor is shared."""
        return 0

    def cost(self, parameters: Mapping[str, Any]) -> float:
        """Trees or iterations, where the parameters say them."""
        size = parameters.get("n_estimators", parameters.get("max_iter", 1)) or 1
        return float(size if size > 0 else UNLIMITED)

    def effective(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`parameters` and scikit-learn's defaults of the others."""
        return dict(self._new(parameters).get_params())

    def data_key(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the target's scale depends on; every candidate reads the same matrix."""
        return _logarithmic_loss(parameters), parameters.get("fit_intercept", True)

    def target_scale(self, target: Floats, parameters: Mapping[str, Any]) -> TargetScale:
        """The target as it is for Poisson's and gamma's losses, else that of `learn_scale`.

        Without `fit_intercept` there is no centre. Where the scale is not `AS_IT_IS`, `epsilon`
        and `C` of support vector machines, `alpha`, `tol`, `min_impurity_decrease` and whatever
        else is in units of the target act on the scaled target.
        """
        loss = _logarithmic_loss(parameters)
        if loss is None:
            centred = parameters.get("fit_intercept", True)
            return learn_scale(target, centred=centred, in_units=self.name in IN_UNITS)
        TARGET_RANGES[loss].check(target, loss)
        return AS_IT_IS

    def prepare(
        self, matrix: csr_matrix, target: Floats, parameters: Mapping[str, Any], threads: int
    ) -> tuple[Any, Floats]:
        """The matrix (dense only where the class needs it) and the target."""
        return self._readable(matrix), np.asarray(target)

    def _readable(self, matrix: csr_matrix) -> Any:
        if self.name not in DENSE:
            return matrix
        need = matrix.shape[0] * matrix.shape[1] * 8 * DENSE_COPIES
        have = usable_memory()
        if need > have:
            raise MemoryError(
                f"{self.name} needs a dense matrix of {matrix.shape[0]:,} x {matrix.shape[1]:,},"
                f" about {need / 2**30:.1f} GiB, and there are {have / 2**30:.1f}"
            )
        return matrix.toarray()

    def fit(
        self, data: tuple[Any, Floats], parameters: Mapping[str, Any], seed: int, threads: int
    ) -> Any:
        """The fitted regressor."""
        from threadpoolctl import ThreadpoolController

        matrix, target = data
        regressor = self._new(parameters, random_state=seed, n_jobs=threads)
        alone = _alone if self.name in ONE_AT_A_TIME else nullcontext()
        # OpenMP's limit is this thread's own; BLAS's is the process's, see `resources.calm`.
        openmp = ThreadpoolController().select(user_api="openmp")
        with alone, openmp.limit(limits=threads):
            regressor.fit(matrix, target)
        if hasattr(regressor, "n_jobs"):
            # Forests add up their trees' predictions in the order in which threads end.
            regressor.set_params(n_jobs=None)
        return regressor

    def predict(self, model: Any, matrix: csr_matrix) -> Floats:
        """Predictions float64 [rows]."""
        return np.asarray(model.predict(self._readable(matrix)), dtype=np.float64).ravel()

    def predict_rounds(self, model: Any, matrix: csr_matrix, rounds: Sequence[int]) -> list[Floats]:
        """The same predictions for each: there are no rounds, so that none share a fit."""
        return [self.predict(model, matrix)] * len(rounds)

    def importances(self, model: Any, columns: int) -> Floats | None:
        """Share of the absolute coefficients or of the impurity decrease, if the class has it."""
        found = getattr(model, "feature_importances_", getattr(model, "coef_", None))
        if found is None:
            return None
        if issparse(found):  # of a support vector machine that was fitted on a sparse matrix
            found = found.toarray()
        size = np.abs(np.asarray(found, dtype=np.float64)).ravel()
        return size / size.sum() if len(size) == columns and size.sum() > 0 else None

    def save(self, model: Any, path: Path) -> None:
        """Write the regressor to `path` with skops: no pickle."""
        import skops.io

        skops.io.dump(model, path)

    def load(self, path: Path) -> Any:
        """The regressor in the skops file `path`; no type is built that is not on a list."""
        import skops.io

        foreign = set(skops.io.get_untrusted_types(file=path)) - TRUSTED
        if foreign:
            raise ValueError(f"holds types that no model has: {', '.join(sorted(foreign))}")
        return skops.io.load(path, trusted=sorted(TRUSTED))


def _logarithmic_loss(parameters: Mapping[str, Any]) -> str | None:
    """The loss that `parameters` ask for, if it reads logarithms of the target."""
    losses = (parameters.get(name) for name in ("loss", "criterion"))
    return next((loss for loss in losses if loss in TARGET_RANGES), None)
