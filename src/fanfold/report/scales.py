"""Where values lie on an axis: ranges that one outlier cannot flatten, levels, ticks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from fanfold.report.data import Board, levels
from fanfold.report.words import Value, value_text
from fanfold.tasks.regression import HIGHER_IS_BETTER

MOST_LEVELS = 10  # more distinct numbers than this share a continuous axis


@dataclass(frozen=True)
class Range:
    """An interval of scores; `better_is` 1 where high is good, -1 where low is."""

    low: float
    high: float
    better_is: int

    def share(self, value: float) -> float:
        """The value's place from 0 (low end) to 1 (high end), held inside."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def goodness(self, value: float) -> float:
        """The value's place from 0 (worst) to 1 (best)."""
        return self.share(value) if self.better_is > 0 else 1 - self.share(value)

    def holds(self, value: float) -> bool:
        """Whether the value lies in the interval."""
        return self.low <= value <= self.high

    def padded(self, share: float = 0.04) -> Range:
        """The interval with a margin on both sides."""
        margin = share * (self.high - self.low)
        return Range(self.low - margin, self.high + margin, self.better_is)


def score_range(values: Iterable[float], metric: str) -> Range:
    """The interval from the best score to the worst that is no outlier.

    One is 3 interquartile ranges beyond the quartile or, of errors, ten times the median: a
    candidate that diverged would otherwise press all others into one line.
    """
    sign = -1 if HIGHER_IS_BETTER[metric] else 1
    costs = sorted(sign * value for value in values if math.isfinite(value))
    if not costs:
        return Range(0.0, 1.0, -sign)
    best, worst = costs[0], costs[-1]
    if len(costs) > 3:
        first, middle, third = quantiles(costs, method="inclusive")
        fences = [third + 3 * (third - first)] if third > first else []
        fences += [10 * middle] if middle > 0 else []  # where several diverged, in the quartile too
        worst = max(cost for cost in costs if cost <= min(fences, default=worst))
    if worst <= best:
        margin = abs(best) * 0.01 or 1.0
        best, worst = best - margin, best + margin
    low, high = sorted((sign * best, sign * worst))
    return Range(low, high, -sign)


@dataclass(frozen=True)
class Axis:
    """One hyperparameter on an axis, by levels or (many numbers) continuous.

    Attributes:
        field: Its column in the charts' data: names with dots or brackets mean paths there.
        levels: The distinct values in order; empty on a continuous axis.
        low: Smallest number of a continuous axis.
        high: Largest number of a continuous axis.
        log: Whether equal ratios are equal distances.
    """

    name: str
    field: str
    levels: Sequence[Value] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    @property
    def title(self) -> str:
        """The name, on several lines where it is long."""
        words = self.name.replace("__", "__\n").split("_")
        lines = [words[0]]
        for word in words[1:]:
            if len(lines[-1].rpartition("\n")[2]) + len(word) > 12:
                lines.append(word)
            else:
                lines[-1] += f"_{word}"
        return "_\n".join(lines).replace("\n\n", "\n")

    def share(self, value: Value) -> float:
        """The value's place from 0 to 1; of levels, the middle of its band."""
        if self.levels:
            same = (each == value and type(each) is type(value) for each in self.levels)
            place = next(number for number, found in enumerate(same) if found)
            return (place + 0.5) / len(self.levels)
        assert isinstance(value, int | float)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and labels: of many levels, some."""
        if self.levels:
            step = math.ceil(len(self.levels) / 16)
            return [(self.share(value), value_text(value)) for value in self.levels[::step]]
        if self.log:
            numbers = [10.0**n for n in range(-12, 13) if self.low <= 10.0**n <= self.high]
            numbers = numbers if len(numbers) > 1 else [self.low, self.high]
        else:
            numbers = nice_numbers(self.low, self.high)
        return [(self.share(number), f"{number:.6g}") for number in numbers]


def axes(board: Board) -> list[Axis]:
    """An axis for each hyperparameter that varies."""
    return [
        _axis(name, f"p{n}", [c.parameters[name] for c in board.ranked])
        for n, name in enumerate(board.varying)
    ]


def _axis(name: str, field: str, values: Iterable[Value]) -> Axis:
    found = levels(values)
    numbers = [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(found) or len(found) <= MOST_LEVELS:
        return Axis(name, field, found)
    low, high = float(numbers[0]), float(numbers[-1])
    return Axis(name, field, (), low, high, log=low > 0 and high / low > 50)


def by_effect(axes: Iterable[Axis], board: Board) -> list[Axis]:
    """The axes in the order of how far the score's median moves along them."""

    def effect(axis: Axis) -> float:
        groups: dict[int, list[float]] = defaultdict(list)
        for candidate in board.ranked:
            place = axis.share(candidate.parameters[axis.name])
            group = int(place * (len(axis.levels) or 5) * (1 - 1e-9))
            groups[group].append(candidate.mean[board.metric])
        medians = [median(group) for group in groups.values()]
        return max(medians) - min(medians)

    return sorted(axes, key=effect, reverse=True)


def nice_numbers(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) inside an interval."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{n * step:.10g}") for n in range(first, last + 1)]
