"""The target: an arithmetic expression over numeric columns, read by an allow-list."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import UserError, did_you_mean

ALLOWED = (
    "column names (`a name with spaces` in backticks), numbers, + - * /, parentheses,"
    " and log log1p sqrt abs exp"
)
FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "exp": np.exp,
}
OPERATORS: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
NAME = r"([^\W\d][\w\u0300-\u036f]*)"
"""A name of letters, with or without marks on them."""

MAX_LENGTH = 1000
"""Longest expression in characters; a parser's recursion is not to be played with."""


@dataclass(frozen=True)
class Target:
    """A parsed target expression such as `log1p(up_votes + down_votes)`."""

    expression: str
    columns: tuple[str, ...]
    _tree: ast.expr
    _names: Mapping[str, str]

    def __call__(self, values: Mapping[str, Floats]) -> Floats:
        """The target of each row, float64; where it is undefined, NaN or an infinity.

        Args:
            values: for each of `columns`, a float64 array of one length.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._value(self._tree, values), dtype=np.float64)

    def _value(self, node: ast.expr, values: Mapping[str, Floats]) -> Floats:
        match node:
            case ast.Constant(value=int() | float() as number):
                return np.array(number, dtype=np.float64)
            case ast.Name(id=name):
                return values[self._names[name]]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._value(operand, values)
            case ast.UnaryOp(operand=operand):
                return self._value(operand, values)
            case ast.BinOp(left=left, op=operator, right=right):
                apply = OPERATORS[type(operator)]
                return apply(self._value(left, values), self._value(right, values))
            case ast.Call(func=ast.Name(id=function), args=[argument]):
                return FUNCTIONS[function](self._value(argument, values))
        raise AssertionError(f"parse_target let {ast.dump(node)} pass")


def parse_target(expression: str) -> Target:
    """The `Target` that `expression` says.

    Raises:
        UserError: it holds anything but what `ALLOWED` lists, or names no column.
    """
    if len(expression) > MAX_LENGTH:
        raise UserError(
            f"the target has {len(expression)} characters, and {MAX_LENGTH} are allowed"
        )
    names: dict[str, str] = {}
    prefix = "_"
    while prefix in expression:  # a placeholder must not be a name that the user wrote
        prefix += "_"

    def placeholder(match: re.Match[str]) -> str:
        name = f"{prefix}{len(names)}"
        names[name] = match[1]
        return f" {name} "  # a name of its own, also where it stands behind a digit or a letter

    try:
        plain = re.sub(r"`([^`]+)`", placeholder, expression.strip())
        # Python would read other letters, which look the same, for those that are not ASCII (NFKC).
        plain = re.sub(NAME, lambda m: m[0] if m[0].isascii() else placeholder(m), plain)
        if "#" in plain:
            raise SyntaxError("Python would take the rest for a comment")
        tree = ast.parse(plain.strip(), mode="eval").body
        _check(tree, expression, names)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"the target {expression!r} is not an expression; allowed: {ALLOWED}"
        ) from None
    if not names:
        raise UserError(f"the target {expression!r} names no column; allowed: {ALLOWED}")
    return Target(expression, tuple(dict.fromkeys(names.values())), tree, names)


def _check(node: ast.expr, expression: str, names: dict[str, str]) -> None:
    match node:
        case ast.Constant(value=int() | float() as number) if type(number) is not bool:
            float(number)  # OverflowError for a whole number that no float64 holds
        case ast.Name(id=name):
            names.setdefault(name, name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, expression, names)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            _check(left, expression, names)
            _check(right, expression, names)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]):
            if function not in FUNCTIONS:
                hint = did_you_mean(function, FUNCTIONS)
                raise UserError(
                    f"the target {expression!r} calls {function}(){hint}; allowed: {ALLOWED}"
                )
            _check(argument, expression, names)
        case _:
            part = ast.unparse(node)
            raise UserError(f"the target {expression!r} holds {part!r}; allowed: {ALLOWED}")
