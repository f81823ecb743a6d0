"""Draws numbers within bounds, in exact decimal steps."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, log10
from random import Random

from offline_model.prompt import JsonSchema
from offline_model.row_schema.errors import NoValueError

USUAL_WIDTH = 100  # of the range where a bound is missing
DIGITS = 4  # of a number without `multipleOf`, counted from the width of its range
TRIES = 20

Fits = Callable[[object], bool]


def draw_number(schema: JsonSchema, rng: Random, fits: Fits, *, whole: bool) -> int | float:
    """Draw a number for a resolved schema of type integer or number, each step of the range as likely as the others.

    Args:
        fits: Tells whether a number is a multiple to the validator, which divides floats: to it 0.3 is none of 0.1.
        whole: Draw an integer.

    Raises:
        NoValueError: No number lies within the bounds.
    """
    low, high = _find_range(schema)
    step = _find_step(schema, high - low, whole=whole)
    first, last = _count_steps(schema, low, high, step)
    while first > last and not whole and "multipleOf" not in schema and step > Fraction(1, 10**400):
        step /= 1000  # a range narrower than the step
        first, last = _count_steps(schema, low, high, step)
    if first > last:
        raise NoValueError(f"no number lies between {float(low):g} and {float(high):g} as the schema wants it")
    for _ in range(TRIES):
        value = rng.randint(first, last) * step
        number = int(value) if whole else float(value)
        if "multipleOf" not in schema or fits(number):
            return number
    raise NoValueError(f"{TRIES} draws brought no multiple of {schema['multipleOf']}")


def _find_range(schema: JsonSchema) -> tuple[Fraction, Fraction]:
    lows = [_make_exact(schema[key]) for key in ("minimum", "exclusiveMinimum") if key in schema]
    highs = [_make_exact(schema[key]) for key in ("maximum", "exclusiveMaximum") if key in schema]
    usual = Fraction(USUAL_WIDTH)
    low, high = max(lows, default=None), min(highs, default=None)
    if low is None:
        low = Fraction(0) if high is None or high > 0 else high - max(usual, -high)
    return low, low + max(usual, abs(low)) if high is None else high


def _find_step(schema: JsonSchema, width: Fraction, *, whole: bool) -> Fraction:
    if "multipleOf" in schema:
        multiple = _make_exact(schema["multipleOf"])
        return (
            Fraction(multiple.numerator) if whole else multiple
        )  # of p/q in lowest terms every whole multiple is one of p
    if whole:
        return Fraction(1)
    magnitude = 0 if width <= 0 else ceil(log10(width.numerator) - log10(width.denominator))
    return Fraction(10) ** min(magnitude - DIGITS, 0)


def _count_steps(schema: JsonSchema, low: Fraction, high: Fraction, step: Fraction) -> tuple[int, int]:
    first, last = ceil(low / step), floor(high / step)
    if "exclusiveMinimum" in schema and first * step == _make_exact(schema["exclusiveMinimum"]):
        first += 1
    if "exclusiveMaximum" in schema and last * step == _make_exact(schema["exclusiveMaximum"]):
        last -= 1
    return first, last


def _make_exact(number: float) -> Fraction:
    """Make a fraction of a number as it is written: 0.1 is one tenth."""
    return Fraction(repr(number))
