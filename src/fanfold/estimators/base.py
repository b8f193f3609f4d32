"""What an estimator must do: name its parameters, fit, and keep its model in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fanfold.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from fanfold.arrays import Floats


class EstimatorParameters(Protocol):
    """The hyperparameters of an estimator.

    Attributes:
        name: the value of the setting `estimator`.
        rounds_parameter: the parameter whose smaller values are prefixes of one fit, if any.
        simplest_by: parameters whose small (`-name`: large) values make a model simple.
    """

    name: str
    rounds_parameter: str | None
    simplest_by: tuple[str, ...]

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`parameters` as the types that the estimator reads (6.0 is 6 where whole).

        Raises:
            UserError: a parameter that does not exist, or a value that it does not take.
        """

    def effective(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`parameters` and the defaults of all others; None where there is no limit."""

    def rounds(self, parameters: Mapping[str, Any]) -> int:
        """Rounds of boosting that `parameters` ask for; 0 where there is no such thing."""

    def cost(self, parameters: Mapping[str, Any]) -> float:
        """Relative cost of a fit, to balance tasks; no unit."""


class Fitting(Protocol):
    """Fits and predicts, stateless: fitted models are passed in and out.

    Attributes:
        library: the distribution that fits, whose version its scores depend on.
        threaded: whether a fit uses all threads that it is given.
    """

    library: str
    threaded: bool

    def data_key(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the prepared data depends on among `parameters`: equal keys share it."""

    def prepare(
        self, matrix: csr_matrix, target: Floats, parameters: Mapping[str, Any], threads: int
    ) -> Any:
        """Training data in the form that `fit` reads: [rows, columns] and [rows]."""

    def fit(self, data: Any, parameters: Mapping[str, Any], seed: int, threads: int) -> Any:
        """A fitted model."""

    def predict(self, model: Any, matrix: csr_matrix) -> Floats:
        """Predictions float64 [rows]."""

    def predict_rounds(self, model: Any, matrix: csr_matrix, rounds: Sequence[int]) -> list[Floats]:
        """Predictions float64 [rows] by the first so many rounds each, ascending."""

    def importances(self, model: Any, columns: int) -> Floats | None:
        """Each column's share of the fit, summing to 1, or None where a model has none."""


class ModelFile(Protocol):
    """Keeps a fitted model in a file, without pickle.

    Attributes:
        model_file: name of the file.
    """

    model_file: str

    def save(self, model: Any, path: Path) -> None:
        """Write a fitted model to the file `path`."""

    def load(self, path: Path) -> Any:
        """The fitted model in the file `path`."""


class Estimator(EstimatorParameters, Fitting, ModelFile, Protocol):
    """A kind of regression model, whole."""


def get_estimator(name: str) -> Estimator:
    """The estimator that the setting `estimator` names.

    Raises:
        UserError: it is not on the list.
    """
    from fanfold.estimators import scikit_learn
    from fanfold.estimators.xgboost import XGBoost

    if name == XGBoost.name:
        return XGBoost()
    if name in scikit_learn.ALLOWED:
        return scikit_learn.SklearnEstimator(name)
    allowed = [XGBoost.name, *scikit_learn.ALLOWED]
    raise UserError(
        f"no estimator is named {name!r}{did_you_mean(name, allowed)};"
        f" allowed: {', '.join(allowed)}"
    )
