"""The target: arithmetic as Python's own, and nothing else that Python can say."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.tables.target import (
    ALLOWED,
    FUNCTIONS,
    MAX_LENGTH,
    check_target,
    parse_target,
    quoted,
)

NAMES = {
    "a": "a",
    "up_votes": "up_votes",
    "größe": "größe",
    "_": "_",
    "__0": "__0",
    "`two words`": "_two_words",
    "`2nd # (x)`": "_second",
    "log": "log",  # a column may have a function's name
}
"""Column names as an expression writes them, and as Python can evaluate them."""


def columns(name_of: Any = lambda written: written.strip("`")) -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    values = np.concatenate([random.normal(size=20) * 10, [0.0, 1.0, -1.0, 1e300, np.nan]])
    return {name_of(written): np.roll(values, place) for place, written in enumerate(NAMES)}


def _joined(parts: tuple[tuple[str, str], str, tuple[str, str]]) -> tuple[str, str]:
    left, operator, right = parts
    return left[0] + operator + right[0], left[1] + operator + right[1]


def _wrapped(parts: tuple[str, tuple[str, str]]) -> tuple[str, str]:
    function, inner = parts
    return f"{function}({inner[0]})", f"{function and 'np.' + function}({inner[1]})"


def _signed(parts: tuple[str, tuple[str, str]]) -> tuple[str, str]:
    sign, inner = parts
    return sign + inner[0], sign + inner[1]


numbers = st.sampled_from(["2", "0", "0.5", ".5", "1e3", "1_000"])
# Python's whole numbers are not float64: the reference says so.
constants = numbers.map(lambda number: (number, f"np.float64({number})"))
names = st.sampled_from(list(NAMES.items()))
operators = st.sampled_from(["+", " + ", "-", " - ", "*", " * ", "/", " / "])
expressions = st.recursive(
    names | constants,
    lambda inner: (
        st.tuples(inner, operators, inner).map(_joined)  # no brackets: precedence decides
        | st.tuples(st.sampled_from(["", *FUNCTIONS]), inner).map(_wrapped)
        | st.tuples(st.sampled_from(["-", "+", "- -"]), inner).map(_signed)
    ),
    max_leaves=12,
)
of_a_column = st.tuples(expressions, operators, names).map(_joined)


@settings(deadline=None, max_examples=300)
@given(of_a_column)
def test_the_target_is_what_python_itself_makes_of_the_expression(pair: tuple[str, str]) -> None:
    written, reference = pair
    target = parse_target(written)
    given_columns = columns()
    found = target({name: given_columns[name] for name in target.columns})
    with np.errstate(all="ignore"):
        truth = eval(reference, {"np": np}, columns(NAMES.__getitem__))
    np.testing.assert_array_equal(found, truth)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("expression", "names_read"),
    [
        ("a", ("a",)),
        ("  log1p(up_votes + down_votes)  ", ("up_votes", "down_votes")),
        ("b - a + b", ("b", "a")),
        ("`two words` / `2nd # (x)`", ("two words", "2nd # (x)")),
        ("`a` + a", ("a",)),
        ("`two words` + __0", ("two words", "__0")),
        ("log(log)", ("log",)),
        ("`class`", ("class",)),
        ("log1p(\u00b5g) / \u212b", ("\u00b5g", "\u212b")),  # not the Greek mu, nor A with a ring
        ("cafe\u0301 + caf\u00e9", ("cafe\u0301", "caf\u00e9")),  # columns that look alike
        ("\uff41 + a1e5", ("\uff41", "a1e5")),
    ],
)
def test_a_target_tells_the_columns_that_it_reads_each_once(
    expression: str, names_read: tuple[str, ...]
) -> None:
    assert parse_target(expression).columns == names_read


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("log(a)", -np.inf),
        ("log(a - 1)", np.nan),
        ("sqrt(a - 1)", np.nan),
        ("1 / a", np.inf),
        ("-1 / a", -np.inf),
        ("a / a", np.nan),
        ("exp(a + 1000)", np.inf),
        ("log1p(a - 1)", -np.inf),
    ],
)
def test_where_the_target_is_undefined_it_is_not_finite_and_nothing_is_warned_of(
    expression: str, value: float, recwarn: pytest.WarningsRecorder
) -> None:
    np.testing.assert_array_equal(parse_target(expression)({"a": np.zeros(2)}), [value, value])
    assert not recwarn.list


REFUSED = [
    "a.real", "a.__class__", "`a b`.T", "().__class__.__bases__", "a[0]", "a[a]", "a[:]",
    "__import__('os')", "print(a)", "eval(a)", "log10(a)", "max(a)", "np.log(a)", "a(a)",
    "(log)(a)(a)",
    "log()", "log(a, a)", "log(x=a)", "log(*a)", "log(a, x=a)", "log(**a)", "sum(x for x in a)",
    "lambda: a", "(lambda x: x)(a)", "[a]", "[x for x in a]", "{x for x in a}", "{a: a}",
    "{a}", "(a, a)", "a,",
    "a ** 2", "a // 2", "a % 2", "a @ a", "a << 2", "a | a", "a & a", "a ^ a", "~a", "not a",
    "a < 2", "a == a", "a != a", "a in a", "a is a", "a and a", "a or a", "a if a else a",
    "(b := a)",
    "'a'", '"a"', "b'a'", "f'{a}'", "'a' + a", "'a' * 9", "a + 'b'", "`a` `b`",
    "True", "False + a", "None", "a + None", "...", "1j * a", "2", "1 + 2", "log(2)",
    "await a", "yield a", "(yield)", "*a", "a; a", "a = 1", "import os", "del a", "a\nb", "a\n+ a",
    "", " ", "()", "a +", "+", "(a", "a)", "`a", "``", "a b", "2 a", "$a", "a!", "a # b", "#",
    "2`a`", "2é + a", "x`a`", "`a``b`", "a`b`", "`a`2",
    "a\\",
    "a\0", "a\udc80", "a + " + "9" * 400, "1" * 5000 + "+a", "(" * 300 + "a" + ")" * 300,
]  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED, ids=lambda text: ascii(text)[:30])
def test_anything_else_is_refused_and_told_what_is_allowed(expression: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_target(expression)
    said = str(refused.value)
    assert "the target" in said
    assert ALLOWED in said or f"{MAX_LENGTH} are allowed" in said


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("log2(a)", "calls log2(); did you mean 'log'?"),
        ("a ** 2 + b", "holds 'a ** 2'"),
        ("a + b.c", "holds 'b.c'"),
        ("1 + 2", "names no column"),
        ("a +", "is not an expression"),
        ("a" * 1001, "has 1001 characters, and 1000 are allowed"),
    ],
)
def test_the_part_that_is_not_allowed_is_named(expression: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_target(expression)
    assert message in str(refused.value)


@settings(max_examples=300)
@given(st.text(alphabet=st.characters(), max_size=60) | st.text(alphabet="ab`()+-*/.,#0 \n"))
def test_no_text_does_more_than_parse_or_be_refused(expression: str) -> None:
    try:
        target = parse_target(expression)
    except UserError:
        return
    values = {name: np.ones(3) for name in target.columns}
    assert target(values).dtype == np.float64


DEEP = {
    "signs": lambda depth: "-" * depth + "a",
    "sums": lambda depth: "1+" * depth + "a",
    "sums to the right": lambda depth: "a" + "+(a" * depth + ")" * depth,
    "brackets": lambda depth: "(" * depth + "a" + ")" * depth,
    "calls": lambda depth: "abs(" * depth + "a" + ")" * depth,
}


@pytest.mark.parametrize("depth", [10, 100, 190, 198, 300, 495, 990, 999])
@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_computed_or_refused(name: str, depth: int) -> None:
    expression = DEEP[name](depth)
    value = {"signs": -7.0 if depth % 2 else 7.0, "sums": depth + 7.0}
    value["sums to the right"] = 7.0 * (depth + 1)
    if len(expression) <= MAX_LENGTH and (name in ("signs", "sums") or depth < 200):
        found = parse_target(expression)({"a": np.array([7.0])})
        assert found.tolist() == [value.get(name, 7.0)]
    else:
        with pytest.raises(UserError, match=r"is not an expression|are allowed"):
            parse_target(expression)


@pytest.mark.parametrize("name", ["signs", "sums"])
def test_deep_nesting_far_down_the_stack_is_told_in_one_line(name: str) -> None:
    """There Python has no room left to parse it, but to compute what was parsed needs none."""
    expression = DEEP[name](490)
    target = parse_target(expression)

    def further_down(frames: int, call: Any) -> Any:
        return further_down(frames - 1, call) if frames else call()

    here = sum(1 for _ in inspect.stack(0))
    frames = sys.getrecursionlimit() - here - 40
    assert further_down(frames, lambda: target({"a": np.ones(1)}).shape) == (1,)
    try:
        further_down(frames, lambda: parse_target(expression))
    except UserError as error:
        assert "is nested too deeply" in str(error)


COLUMN_NAMES = [
    "Sales total", "Sub-Total", "votes.total", "class", "price ($)", "log1p", "log(x)", "a-b", "a",
    "True", "None", "2nd", "1", "% change", "a`b", "x ** 2", "#", "é", "a" * 2000, " padded ",
]  # fmt: skip


@pytest.mark.parametrize("name", COLUMN_NAMES, ids=lambda name: name[:12])
def test_a_column_named_exactly_so_is_the_target(name: str) -> None:
    target = parse_target(name, ["a", "b", name])
    assert target.columns == (name,)
    assert target({name: np.array([1.5, -2.0])}).tolist() == [1.5, -2.0]


def test_white_space_around_a_columns_name_is_no_part_of_it() -> None:
    assert parse_target(" Sales total\n", ["Sales total"]).columns == ("Sales total",)


def test_the_log_says_that_what_could_be_an_expression_is_a_column(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO", "fanfold"):
        assert parse_target("a-b", ["a", "b"]).columns == ("a", "b")
        assert not caplog.records
        assert parse_target("a-b", ["a", "b", "a-b"]).columns == ("a-b",)
    assert [record.getMessage() for record in caplog.records] == ["target_is_column column='a-b'"]


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("Sales totl", ["did you mean 'Sales total'", "is not an expression, and is no"]),
        ("votes.totl", ["holds 'votes.totl', and is no"]),
        ("log2(y)", ["calls log2(); did you mean 'log'?"]),
    ],
)
def test_what_is_neither_column_nor_expression_is_told_with_columns_and_quoting(
    expression: str, parts: list[str]
) -> None:
    with pytest.raises(UserError) as refused:
        parse_target(expression, ["text", "Sales total"])
    message = str(refused.value)
    have = "and is no column of the table, which has 'text', 'Sales total'"
    assert message.startswith(f"the target {expression!r} ")
    assert all(part in message for part in [have, *parts, ALLOWED])
    (form,) = re.findall(r"--target ('[^']*')", message)
    (written,) = shlex.split(form)
    assert parse_target(written).columns == ("a name with spaces",)


def test_before_the_table_is_read_only_what_no_column_is_named_is_refused() -> None:
    for name in ("Sales total", "Sub-Total", "votes.total", "class", "price ($)", "log1p", "a - b"):
        check_target(name)
    for expression in ("log1p(", "log1p(a", "votes ** 2", "a" * 1001):
        with pytest.raises(UserError):
            check_target(expression)


@pytest.mark.parametrize("name", ["a", "größe", "two words", "class", "2nd", "a-b", "log1p(x)"])
def test_a_quoted_name_is_that_column_in_an_expression(name: str) -> None:
    assert parse_target(f"log1p({quoted(name)}) / 2").columns == (name,)


def test_a_target_of_the_greatest_length_is_computed() -> None:
    expression = "+".join(["a"] * (MAX_LENGTH // 2)) + " "
    assert len(expression) == MAX_LENGTH
    assert parse_target(expression)({"a": np.array([0.5])}).tolist() == [MAX_LENGTH / 4]


@pytest.mark.parametrize(
    ("expression", "column", "written"),
    [
        ("log1p(a-b)", "a-b", "log1p(`a-b`)"),
        ("abs(class)", "class", "abs(`class`)"),
        ("log(price ($) + 1)", "price ($)", "log(`price ($)` + 1)"),
        ("Sales total * 2", "Sales total", "`Sales total` * 2"),
    ],
)
def test_a_bare_odd_name_in_an_expression_is_shown_in_backticks(
    expression: str, column: str, written: str
) -> None:
    with pytest.raises(UserError) as refused:
        parse_target(expression, ["text", column])
    assert f"write the column in backticks, {written}; in a shell" in str(refused.value)
    assert parse_target(written, ["text", column]).columns == (column,)


def test_columns_of_plain_names_are_no_odd_one() -> None:
    assert parse_target("a-b", ["a", "b"]).columns == ("a", "b")
    assert parse_target("log1p(a-b)", ["a", "b", "a-b"]).columns == ("a", "b")


def test_a_name_with_a_backtick_may_be_a_columns() -> None:
    check_target("a`b")
    assert parse_target("a`b", ["a`b"]).columns == ("a`b",)
