"use strict";

/** Exact decimal numbers: `units` times ten to the power of `exponent`, as in Python's `decimal`. */
const decimals = (() => {
  const MAX_DIGITS = 12;
  /** The digits of a product; more are rounded half to even. */
  const PRECISION = 28;
  const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;

  const absolute = (units) => (units < 0n ? -units : units);
  const countDigits = (units) => String(absolute(units)).length;
  const power = (exponent) => 10n ** BigInt(exponent);

  const create = (units, exponent = 0) => ({ units: BigInt(units), exponent });

  /** Return the decimal of a text; null for a text of another form. */
  function read(text) {
    const found = NUMBER.exec(text.trim().replaceAll("_", ""));
    if (!found || !(found[2] || found[3])) return null;
    const [, sign, whole, decimals = "", exponent = "0"] = found;
    const units = BigInt(`${whole}${decimals}`);
    return create(sign === "-" ? -units : units, Number(exponent) - decimals.length);
  }

  /** Return a number, or a text with a number, as a decimal; null for other and for absurd values. */
  function parse(value) {
    const number = typeof value === "number" || typeof value === "string" ? read(String(value)) : null;
    if (number === null) return null;
    const digits = countDigits(number.units);
    const isPlausible = number.units === 0n || Math.abs(digits + number.exponent - 1) <= MAX_DIGITS;
    return isPlausible && digits <= 2 * MAX_DIGITS ? number : null;
  }

  function round({ units, exponent }) {
    const excess = countDigits(units) - PRECISION;
    if (excess <= 0) return { units, exponent };
    const divisor = power(excess);
    const quotient = absolute(units) / divisor;
    const twice = 2n * (absolute(units) % divisor);
    const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n);
    const rounded = quotient + (isUp ? 1n : 0n);
    return round({ units: units < 0n ? -rounded : rounded, exponent: exponent + excess });
  }

  const multiply = (a, b) => round({ units: a.units * b.units, exponent: a.exponent + b.exponent });

  /** Return a negative number if `a` is less than `b`, zero if they are equal, and else a positive number. */
  function compare(a, b) {
    const exponent = Math.min(a.exponent, b.exponent);
    const [left, right] = [a, b].map((number) => number.units * power(number.exponent - exponent));
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** Return a decimal without an exponent; trailing zeros are kept. */
  function format({ units, exponent }) {
    const sign = units < 0n ? "-" : "";
    if (exponent >= 0) return `${sign}${absolute(units) * power(exponent)}`;
    const digits = String(absolute(units)).padStart(1 - exponent, "0");
    return `${sign}${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
  }

  /** Return an amount in dollars, with two decimals at least unless it is a whole number. */
  function formatDollars(amount) {
    const [whole, decimals = ""] = format(amount).replace("-", "").split(".");
    const shown = decimals.replace(/0+$/, "");
    const sign = amount.units < 0n ? "-" : "";
    return sign + "$" + whole + (shown && "." + shown.padEnd(2, "0"));
  }

  const isWhole = ({ units, exponent }) => exponent >= 0 || units % power(-exponent) === 0n;

  /** Return a whole number without decimals. */
  const truncate = ({ units, exponent }) =>
    create(exponent >= 0 ? units * power(exponent) : units / power(-exponent));

  return { create, read, parse, multiply, compare, format, formatDollars, isWhole, truncate };
})();
