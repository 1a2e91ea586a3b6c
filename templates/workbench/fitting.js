"use strict";

/** One value of a parameter in the range of a model. */
const fitting = (() => {
  const SECONDS = /^(\d{1,9}(?:\.\d{1,9})?) ?s?$/;

  /** The model does not accept the value. */
  class UnsuitableValueError extends Error {}

  const isNumber = (value) => typeof value === "number";

  /** Return the types of JSON Schema that a schema accepts. */
  function listTypes(node) {
    const types = (node.anyOf ?? [node]).map((member) => member.type).filter((type) => type !== undefined);
    return new Set(types);
  }

  function hasType(value, type) {
    if (type === "array") return Array.isArray(value);
    return type === "object" ? literals.isObject(value) : typeof value === type;
  }

  /** Return a seconds value as a number; null for a value that is none. */
  function parseSeconds(value) {
    const text = isNumber(value) ? literals.writeNumber(value) : typeof value === "string" ? value : "";
    const found = SECONDS.exec(text);
    return found && Number(found[1]);
  }

  function choose(kind, choices, value, sameFormats) {
    if (typeof value === "string") {
      const lower = value.toLowerCase();
      const other = kind === "format" && Object.hasOwn(sameFormats, lower) ? sameFormats[lower] : lower;
      const texts = choices.filter((choice) => typeof choice === "string");
      const found = texts.find((choice) => [lower, other].includes(choice.toLowerCase()));
      if (found !== undefined) return found;
    }
    const numbers = choices.filter(isNumber);
    if (kind === "number" && numbers.length > 0 && isNumber(value)) {
      return shapes.findLowest(numbers, (choice) => Math.abs(choice - value));
    }
    throw new UnsuitableValueError(`the model accepts ${choices.map(literals.writeRepr).join(", ")}`);
  }

  function limit(node, value, types, isExact) {
    const limited = Math.min(Math.max(value, node.minimum ?? value), node.maximum ?? value);
    if (isExact && limited !== value) {
      const names = ["minimum", "maximum"].filter((name) => name in node);
      const limits = names.map((name) => `${name} ${literals.writeNumber(node[name])}`);
      throw new UnsuitableValueError(`the model accepts numbers with ${limits.join(", ")}`);
    }
    const rounded = types.has("number") ? limited : Math.floor(limited + 0.5);
    if (isExact && rounded !== value) throw new UnsuitableValueError("the model accepts integers");
    return rounded;
  }

  function fitSeconds(node, value, automatic) {
    const choices = node.enum ?? [];
    if (value === -1 || automatic.includes(value)) {
      const known = [...choices, node.default];
      const found = [-1, ...automatic].find((choice) => known.includes(choice));
      if (found !== undefined) return found;
      throw new UnsuitableValueError("the model does not choose the duration itself");
    }
    const seconds = parseSeconds(value);
    if (seconds === null) throw new UnsuitableValueError("it is not a number of seconds");
    const lengths = choices.filter((choice) => parseSeconds(choice) !== null);
    if (lengths.length > 0) {
      return shapes.findLowest(lengths, (choice) => Math.abs(parseSeconds(choice) - seconds));
    }
    const types = listTypes(node);
    const limited = limit(node, seconds, types, false);
    return types.has("string") && value === literals.writeNumber(limited) ? value : limited;
  }

  /**
   * Return a value as a model accepts it, or throw an `UnsuitableValueError`.
   * @param aliases The table of aliases in the data of the page.
   * @param kind The kind of the parameter's alias.
   * @param node The schema of the parameter.
   */
  function fit(aliases, kind, node, value) {
    if (validation.areEqual(value, node.default ?? null)) return value;
    const same = node.enum?.find((choice) => validation.areEqual(choice, value));
    if (same !== undefined) return same;
    if (kind === "seconds") return fitSeconds(node, value, aliases.automatic);
    if (node.enum) return choose(kind, node.enum, value, aliases.same_formats);
    const types = listTypes(node);
    if (isNumber(value) && (types.has("integer") || types.has("number"))) {
      return limit(node, value, types, kind === "exact");
    }
    if (types.size === 0 || [...types].some((type) => hasType(value, type))) return value;
    throw new UnsuitableValueError(`the model expects ${[...types].sort().join(" or ")}`);
  }

  return { UnsuitableValueError, fit };
})();
