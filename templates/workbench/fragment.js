"use strict";

/** The state of the page in the fragment of its address. */
const fragment = (() => {
  const MAX_LENGTH = 60_000;

  /**
   * Return the state of a fragment: {model, values, language, transport, with, with_values}, or a part of it.
   *
   * @throws {Error} if it is no such fragment, with a message for the user.
   */
  function parse(text) {
    const state = {};
    for (const part of text.replace(/^#/, "").split("&").filter(Boolean)) {
      const [name, value] = splitOnce(part);
      if (name === "values" || name === "with_values") state[name] = parseValues(name, value);
      else if (["model", "language", "transport", "with"].includes(name)) state[name] = value;
    }
    return state;
  }

  /** Return the fragment of a state. Values that are too long for an address are omitted. */
  function format(state) {
    const parts = Object.entries(state).filter(([, value]) => value !== undefined).map(([name, value]) => {
      const text = name.endsWith("values") ? JSON.stringify(value) : value;
      return [name, `${name}=${encodeURIComponent(text)}`];
    });
    const length = parts.reduce((sum, [, part]) => sum + part.length, 0);
    const kept = length <= MAX_LENGTH ? parts : parts.filter(([name]) => !name.endsWith("values"));
    return `#${kept.map(([, part]) => part).join("&")}`;
  }

  function splitOnce(part) {
    const [name, ...rest] = part.split("=");
    try {
      return [name, decodeURIComponent(rest.join("="))];
    } catch {
      throw new Error(`${name} in the address is not percent-encoded correctly`);
    }
  }

  function parseValues(name, text) {
    let values;
    try {
      values = JSON.parse(text);
    } catch {
      throw new Error(`${name} in the address is not JSON; expected an object with parameters`);
    }
    if (!literals.isObject(values)) {
      throw new Error(`${name} in the address must be an object with parameters`);
    }
    return values;
  }

  return { parse, format };
})();
