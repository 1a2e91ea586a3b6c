"use strict";

/** Values of the API as literals of Python, as JSON and as words of a shell. */
const literals = (() => {
  const MAX_LINE_LENGTH = 88;
  // Tags in plane 14 are invisible, although some of them are marks.
  const INVISIBLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|[\u{e0000}-\u{e0fff}]/u;
  const PYTHON_ESCAPES = new Map([["\\", "\\\\"], ["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"]]);
  const PLAIN_WORD = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

  /** The source of a Python expression, which is written as it is. */
  class Expression {
    constructor(source) {
      this.source = source;
    }
  }

  const isObject = (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Expression);

  const toHex = (code, length) => code.toString(16).padStart(length, "0");

  /** Return the number of code points of a text. */
  const countCharacters = (text) => [...text].length;

  /** Return a number as Python and its JSON write it. */
  function writeNumber(value) {
    const size = Math.abs(value);
    if (Number.isInteger(value) ? size < 1e21 : size >= 1e-4) return String(value);
    return value.toExponential().replace(/(e[+-])(\d)$/, "$10$2");
  }

  function escapePython(char, quote) {
    if (PYTHON_ESCAPES.has(char)) return PYTHON_ESCAPES.get(char);
    if (char === quote) return `\\${char}`;
    if (!INVISIBLE.test(char)) return char;
    const code = char.codePointAt(0);
    if (code < 0x100) return `\\x${toHex(code, 2)}`;
    return code < 0x10000 ? `\\u${toHex(code, 4)}` : `\\U${toHex(code, 8)}`;
  }

  const quotePython = (text, quote) =>
    quote + [...text].map((char) => escapePython(char, quote)).join("") + quote;

  /** Return a literal on one line; `quote` chooses the quotes of a text. */
  function writeLine(value, quote) {
    if (value instanceof Expression) return value.source;
    if (typeof value === "string") return quotePython(value, quote(value));
    if (typeof value === "number") return writeNumber(value);
    if (typeof value === "boolean") return value ? "True" : "False";
    if (value === null) return "None";
    if (Array.isArray(value)) return `[${value.map((item) => writeLine(item, quote)).join(", ")}]`;
    const items = Object.entries(value);
    const written = items.map(([key, item]) => `${writeLine(key, quote)}: ${writeLine(item, quote)}`);
    return `{${written.join(", ")}}`;
  }

  const writeSourceLine = (value) => writeLine(value, (text) => (text.includes('"') ? "'" : '"'));

  /** Return a value as Python's `repr` does. */
  const writeRepr = (value) =>
    writeLine(value, (text) => (text.includes("'") && !text.includes('"') ? '"' : "'"));

  /**
   * Return a literal of Python, on several lines if it is long.
   * @param value A JSON value, which may contain expressions.
   * @param {number} indent Columns of indentation of the line on which the literal begins.
   * @param {number} used The other columns of that line.
   * @param {boolean} isSplit Whether a list or an object is written on several lines in any case.
   */
  function writePython(value, indent = 0, used = 0, isSplit = false) {
    const line = writeSourceLine(value);
    const fits = indent + used + countCharacters(line) <= MAX_LINE_LENGTH && !isSplit;
    const isContainer = Array.isArray(value) || isObject(value);
    if (fits || !isContainer || Object.keys(value).length === 0) return line;
    const inner = " ".repeat(indent + 4);
    const outer = " ".repeat(indent);
    if (Array.isArray(value)) {
      const items = value.map((item) => `${inner}${writePython(item, indent + 4, 1)},\n`);
      return `[\n${items.join("")}${outer}]`;
    }
    const items = Object.entries(value).map(([name, item]) => {
      const key = writeSourceLine(name);
      return `${inner}${key}: ${writePython(item, indent + 4, countCharacters(key) + 3)},\n`;
    });
    return `{\n${items.join("")}${outer}}`;
  }

  function escapeJson(char) {
    const units = char.split("");
    return units.map((unit) => `\\u${toHex(unit.charCodeAt(0), 4)}`).join("");
  }

  const writeJsonText = (text) =>
    [...JSON.stringify(text)].map((char) => (INVISIBLE.test(char) ? escapeJson(char) : char)).join("");

  /**
   * Return JSON, in which invisible characters are escaped.
   * @param value A JSON value.
   * @param {number | null} indent Columns of indentation of the line on which it begins; null for one line.
   */
  function writeJson(value, indent = 0) {
    if (typeof value === "string") return writeJsonText(value);
    if (typeof value === "number") return writeNumber(value);
    if (typeof value !== "object" || value === null) return String(value);
    const inner = indent === null ? null : indent + 2;
    const items = Array.isArray(value)
      ? value.map((item) => writeJson(item, inner))
      : Object.entries(value).map(([key, item]) => `${writeJsonText(key)}: ${writeJson(item, inner)}`);
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    if (items.length === 0) return open + close;
    if (indent === null) return open + items.join(", ") + close;
    const start = `\n${" ".repeat(inner)}`;
    return open + start + items.join("," + start) + "\n" + " ".repeat(indent) + close;
  }

  const quoteShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

  function escapeShell(char) {
    if (char === "\\" || char === "'") return `\\${char}`;
    if (!INVISIBLE.test(char)) return char;
    const bytes = encodeURIComponent(char).matchAll(/%(..)|(.)/g);
    const codes = [...bytes].map(([, hex, plain]) => (plain ? plain.charCodeAt(0) : parseInt(hex, 16)));
    return codes.map((code) => `\\${code.toString(8).padStart(3, "0")}`).join("");
  }

  /**
   * Return a text as one word of a POSIX shell; null for a text that an argument cannot have.
   *
   * Control characters and invisible characters are escaped, because a terminal interprets them when they are
   * pasted.
   */
  function writeShellWord(text) {
    if (text.includes("\0") || !text.isWellFormed()) return null;
    if (PLAIN_WORD.test(text)) return text;
    const lines = text.split("\n");
    if (!lines.some((line) => INVISIBLE.test(line))) return quoteShell(text);
    return `$'${[...text].map(escapeShell).join("")}'`;
  }

  return {
    Expression,
    isObject,
    countCharacters,
    writeNumber,
    writePython,
    writeRepr,
    writeJson,
    /** Return JSON as one word of a shell. */
    writeShellJson: (value) => quoteShell(writeJson(value)),
    writeShellWord,
    /**
     * Return keyword arguments, each on a line of its own.
     * @param {Array<[string, unknown]>} items Names, which are identifiers, with their values.
     */
    writeArguments: (items, indent) =>
      items
        .map(([name, value]) => `${name}=${writePython(value, indent, name.length + 2)},`)
        .map((argument) => `${" ".repeat(indent)}${argument}`)
        .join("\n"),
  };
})();
