"""The target: a numeric column, or an arithmetic expression of columns, read by an allow-list."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import UserError, did_you_mean, listed

logger = logging.getLogger(__name__)

ALLOWED = (
    "column names (`a name with spaces` in backticks), numbers, + - * /, parentheses,"
    " and log log1p sqrt abs exp"
)
FUNCTIONS: dict[str, np.ufunc] = {
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "exp": np.exp,
}
OPERATORS: dict[type[ast.operator | ast.unaryop], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
NAME = r"([^\W\d][\w\u0300-\u036f]*)"
"""A name of letters, with or without marks on them."""

MAX_LENGTH = 1000
"""Longest expression in characters; a parser's recursion is not to be played with."""

QUOTING = "in a shell, single quotes keep the backticks: --target 'log1p(`a name with spaces`)'"

ONLY_IN_EXPRESSIONS = re.compile(r"\b(?:log|log1p|sqrt|abs|exp)\(|\*\*")
"""What a column's name hardly holds. One that does can be given in backticks."""

Step = float | str | np.ufunc
"""A number, the name of a column, or what is done with the last one or two results."""


@dataclass(frozen=True)
class Target:
    """What is predicted: a column, or an expression such as `log1p(up_votes + down_votes)`.

    Attributes:
        expression: as the user wrote it.
        steps: the expression in postfix order, which no depth of it makes recursive.
    """

    expression: str
    steps: tuple[Step, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the target reads, each once, in the order of the expression."""
        return tuple(dict.fromkeys(step for step in self.steps if isinstance(step, str)))

    def __call__(self, values: Mapping[str, Floats]) -> Floats:
        """The target of each row, float64; where it is undefined, NaN or an infinity.

        Args:
            values: for each of `columns`, a float64 array of one length.
        """
        results: list[Floats] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if isinstance(step, np.ufunc):
                    operands = [results.pop() for _ in range(step.nin)]
                    results.append(step(*reversed(operands)))
                else:
                    results.append(values[step] if isinstance(step, str) else np.array(step))
        return np.asarray(results.pop(), dtype=np.float64)


class _NotAnExpressionError(ValueError):
    """Says what is wrong with an expression, in words that go on after `the target 'x'`."""


def parse_target(expression: str, columns: Sequence[str] = ()) -> Target:
    """The column of exactly this name, or else what the expression says.

    Args:
        expression: the setting `target`.
        columns: names of the table's columns, where they are known.

    Raises:
        UserError: it is none of `columns`, and as an expression it holds anything but what
            `ALLOWED` lists, or names no column.
    """
    for name in (expression, expression.strip()):
        if name in columns:
            if not name.isidentifier():
                logger.info("target_is_column column=%r", name)
            return Target(expression, (name,))
    try:
        target = Target(expression, _steps(expression))
    except _NotAnExpressionError as error:
        raise UserError(_refused(expression, str(error), columns)) from None
    missing = [name for name in target.columns if columns and name not in columns]
    if missing and _backticks(expression, columns):
        what = f"reads {missing[0]!r}, which is no column"
        raise UserError(_refused(expression, what, columns))
    return target


def _refused(expression: str, what: str, columns: Sequence[str]) -> str:
    """The message for a target that is no column, and of which `what` is wrong."""
    shown = repr(expression if len(expression) <= MAX_LENGTH else expression[:40] + "...")
    hint = _backticks(expression, columns)
    if hint:
        return f"the target {shown} {what}{hint}; {QUOTING}"
    if not columns:
        return f"the target {shown} {what}; allowed: {ALLOWED}"
    return (
        f"the target {shown} {what}, and is no column of the table, which has"
        f" {listed(columns)}{did_you_mean(expression, columns)}; allowed: {ALLOWED}; {QUOTING}"
    )


def _backticks(expression: str, columns: Sequence[str]) -> str:
    """The hint to write a column in backticks, where the expression holds its bare name."""
    bare = [
        name
        for name in columns
        if name.strip() and quoted(name) != name and f"`{name}`" not in expression
        and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expression)
    ]  # fmt: skip
    if not bare:
        return ""
    name = max(bare, key=len)
    return f": write the column in backticks, {expression.replace(name, f'`{name}`')}"


def check_target(expression: str) -> None:
    """Raise `UserError` if no table can have this target.

    A text that is no expression may still be a column's name, which only the table tells.
    """
    try:
        parse_target(expression)
    except UserError:
        if len(expression) > MAX_LENGTH or ONLY_IN_EXPRESSIONS.search(expression):
            raise
        logger.info("target_must_be_column column=%r", expression)


def quoted(name: str) -> str:
    """A column's name as it stands in an expression."""
    return name if name.isidentifier() and not iskeyword(name) else f"`{name}`"


def _steps(expression: str) -> tuple[Step, ...]:
    """The expression in postfix order."""
    if len(expression) > MAX_LENGTH:
        raise _NotAnExpressionError(
            f"has {len(expression)} characters, and {MAX_LENGTH} are allowed"
        )
    plain, names = _with_placeholders(expression.strip())
    try:
        if "#" in plain:
            raise SyntaxError("Python would take the rest for a comment")
        steps = _postfix(ast.parse(plain.strip(), mode="eval").body, names)
    except _NotAnExpressionError:
        raise
    except (RecursionError, MemoryError):
        raise _NotAnExpressionError("is nested too deeply") from None
    except (SyntaxError, ValueError, OverflowError):
        raise _NotAnExpressionError("is not an expression") from None
    if not any(isinstance(step, str) for step in steps):
        raise _NotAnExpressionError("names no column")
    return steps


def _with_placeholders(expression: str) -> tuple[str, dict[str, str]]:
    """The expression with names that Python can read, and which column each new one stands for."""
    names: dict[str, str] = {}
    prefix = "_"
    while prefix in expression:  # a placeholder must not be a name that the user wrote
        prefix += "_"

    def placeholder(match: re.Match[str]) -> str:
        name = f"{prefix}{len(names)}"
        names[name] = match[1]
        return f" {name} "  # a name of its own, also where it stands behind a digit or a letter

    plain = re.sub(r"`([^`]+)`", placeholder, expression)
    # Python would read other letters, which look the same, for those that are not ASCII (NFKC).
    return re.sub(NAME, lambda m: m[0] if m[0].isascii() else placeholder(m), plain), names


def _postfix(tree: ast.expr, names: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps of a tree: for each node those of its operands, then its own."""
    steps: list[Step] = []
    waiting = [tree]
    while waiting:  # from right to left, each node before its operands
        match node := waiting.pop():
            case ast.Constant(value=int() | float() as number) if type(number) is not bool:
                steps.append(float(number))  # OverflowError for one that no float64 holds
            case ast.Name(id=name):
                steps.append(names.get(name, name))
            case ast.UnaryOp(op=operator, operand=operand) if type(operator) in OPERATORS:
                steps.append(OPERATORS[type(operator)])
                waiting.append(operand)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                steps.append(OPERATORS[type(operator)])
                waiting += [left, right]
            case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]):
                steps.append(_function(function))
                waiting.append(argument)
            case _:
                raise _NotAnExpressionError(f"holds {ast.unparse(node)!r}")
    return tuple(reversed(steps))


def _function(name: str) -> np.ufunc:
    if name not in FUNCTIONS:
        raise _NotAnExpressionError(f"calls {name}(){did_you_mean(name, FUNCTIONS)}")
    return FUNCTIONS[name]
