"use strict";

/** Values in messages, as the bindings write them. */
const words = (() => {
  const MAX_VALUE_LENGTH = 120;

  const truncate = (text) => [...text].slice(0, MAX_VALUE_LENGTH).join("");

  /** Return a short representation of a value. */
  function shorten(value) {
    const text = literals.writeRepr(typeof value === "string" ? truncate(value) : value);
    const characters = [...text];
    return characters.length <= MAX_VALUE_LENGTH
      ? text
      : `${characters.slice(0, MAX_VALUE_LENGTH - 1).join("")}…`;
  }

  /** Return a number without an exponent. */
  function writeDecimal(value) {
    const [digits, exponent] = Math.abs(value).toExponential().split("e");
    if (Number.isInteger(value) || Number(exponent) >= -6) return String(value);
    const zeros = "0".repeat(-Number(exponent) - 1);
    return `${value < 0 ? "-" : ""}0.${zeros}${digits.replace(".", "")}`;
  }

  return { MAX_VALUE_LENGTH, shorten, writeDecimal };
})();
