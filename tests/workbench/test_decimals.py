"""The exact numbers of the workbench."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from oxen_models._runtime.json_schema.prices import format_amount, parse_amount

from .conftest import Workbench

MULTIPLY = """(a, b) => {
    const product = decimals.multiply(decimals.parse(a), decimals.parse(b));
    const order = decimals.compare(decimals.parse(a), decimals.parse(b));
    return [decimals.format(product), decimals.formatDollars(product), order];
}"""
PARSE = "(value) => { const number = decimals.parse(value); return number && decimals.format(number); }"
TEXTS: tuple[Any, ...] = (
    "0", "-0.00", "1.50", ".5", "5.", "1e3", "-2.5E-3", "1_000", " 7 ", "1e12", "1e13", "1e-12", "1e-13",
    "123456789012.345678901234", "123456789012.3456789012345", "", ".", "e1", "1e", "nan", "inf", "1 0",
    "0x1", 0, 5, -1, 0.1, 1e-7, 2.5e-5, 1e16, True, None, [], {},
)  # fmt: skip
PRODUCTS = 300


def make_number(random: Random) -> str:
    """Return a number of up to 24 digits, some of which end in zeros or are in the middle of two others."""
    digits = "".join(random.choice("0055123456789") for _ in range(random.randint(1, 24)))
    places = random.randint(max(0, len(digits) - 12), min(len(digits), 12))
    number = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}"
    return random.choice(["", "-"]) + (number if places else digits)


def compare(a: Decimal, b: Decimal) -> int:
    return (a > b) - (a < b)


def test_products_equal_those_of_python(workbench: Workbench) -> None:
    """Products are exact up to 28 digits, and rounded half to even beyond them."""
    random = Random(3)
    pairs = [(make_number(random), make_number(random)) for _ in range(PRODUCTS)]
    pairs.append(("5.0000000000000000000005", "100000.1"))
    for (a, b), found in zip(pairs, workbench.call_each(MULTIPLY, pairs), strict=True):
        x, y = Decimal(a), Decimal(b)
        product = abs(x * y) if not x * y else x * y
        assert found == [f"{product:f}", format_amount(product), compare(x, y)], (a, b)


def test_amounts_are_read_as_in_python(workbench: Workbench) -> None:
    """Numbers and texts with numbers are amounts, but not other values or those of too many digits."""
    for value, found in zip(TEXTS, workbench.call_each(PARSE, [[text] for text in TEXTS]), strict=True):
        amount = parse_amount(value)
        expected = None if amount is None else f"{amount:f}"
        assert found == (expected and (expected if amount else expected.removeprefix("-"))), value
