"use strict";

/** Validation of values by their types, in the order and in the words of the request classes. */
const validation = (() => {
  const MAX_JSON_LEVELS = 350;
  const TEXT = "must be a valid string";
  const NO_UNICODE = `${TEXT}, unable to parse raw data as a unicode string`;
  const BOUNDS = [
    ["maximum", "less than or equal to", (value, bound) => value <= bound],
    ["exclusiveMaximum", "less than", (value, bound) => value < bound],
    ["minimum", "greater than or equal to", (value, bound) => value >= bound],
    ["exclusiveMinimum", "greater than", (value, bound) => value > bound],
  ];
  const VALIDATORS = {
    any: validateJson,
    null: (type, place) => (place.value === null ? [] : [fail(place, "must be None")]),
    boolean: (type, place) =>
      typeof place.value === "boolean" ? [] : [fail(place, "must be a valid boolean")],
    string: validateText,
    media: validateMedia,
    integer: (type, place) => validateNumber(type, place, Number.isInteger(place.value), "integer"),
    number: (type, place) => validateNumber(type, place, typeof place.value === "number", "number"),
    literal: validateLiteral,
    enum: validateEnum,
    list: validateList,
    map: validateMap,
    object: validateObject,
    union: validateUnion,
  };

  /**
   * Return the errors of a value: {path, value, exact, expected, kind, choices, isMember}.
   *
   * `exact` is the value as a literal of Python, if that of `value` is another one.
   * `kind` is "choice" for one of several values, "list" for a list, "missing" for a missing property,
   * otherwise undefined. `choices` are known of an enum only. `isMember` is whether one of several types did
   * not accept the value.
   * @param {object} type A type of `types`.
   * @param {*} value A JSON value.
   * @param {Set<string>} files The paths that are accepted as media, beside URLs.
   */
  function validate(type, value, files = new Set()) {
    return check(type, { value, path: [], files, isMember: false });
  }

  function check(type, place) {
    return VALIDATORS[type.kind](type, place);
  }

  function fail(place, expected, details = {}) {
    return { path: place.path, value: place.value, isMember: place.isMember, expected, ...details };
  }

  function enter(place, key, value) {
    return { ...place, value, path: [...place.path, key] };
  }

  function validateText(type, place) {
    if (typeof place.value !== "string") return [fail(place, TEXT)];
    if (!place.value.isWellFormed()) return [fail(place, NO_UNICODE)];
    const length = literals.countCharacters(place.value);
    if (length < (type.minLength ?? 0)) {
      return [fail(place, `must have at least ${formatCount(type.minLength, "character")}`)];
    }
    const isShort = length <= (type.maxLength ?? Infinity);
    return isShort ? [] : [fail(place, `must have at most ${formatCount(type.maxLength, "character")}`)];
  }

  function formatCount(number, noun) {
    return `${number} ${noun}${number === 1 ? "" : "s"}`;
  }

  function validateMedia(type, place) {
    const { value, files } = place;
    if (files.has(value)) return [];
    if (typeof value !== "string" || !isUrl(value)) {
      return [fail(place, "must be an http:, https: or data: URL; for a file, choose or drop it here")];
    }
    if (!value.isWellFormed()) return [fail(place, NO_UNICODE)];
    return validateLength(place, literals.countCharacters(value), type.minLength, type.maxLength, "character");
  }

  /** Return whether a text is a URL of media. */
  function isUrl(text) {
    return /^(https?|data):/i.test(text.trimStart());
  }

  function validateLength(place, length, minimum = 0, maximum = Infinity, noun = "item") {
    if (length >= minimum && length <= maximum) return [];
    const limit = length < minimum ? ["least", minimum] : ["most", maximum];
    return [fail(place, `must have at ${limit[0]} ${formatCount(limit[1], noun)}, got ${length}`)];
  }

  function validateNumber(type, place, isValid, noun) {
    if (!isValid) return [fail(place, `must be a valid ${noun}`)];
    const wrong = BOUNDS.find(([name, , fits]) => name in type && !fits(place.value, type[name]));
    if (!wrong) return [];
    // JSON has 1e21 as a float, which the bindings convert to an integer and write with all its digits.
    const isFloat = noun === "integer" && Math.abs(place.value) >= 1e21;
    const exact = isFloat ? new literals.Expression(String(BigInt(place.value))) : undefined;
    return [fail(place, `must be ${wrong[1]} ${words.writeDecimal(type[wrong[0]])}`, { exact })];
  }

  function validateLiteral(type, place) {
    const { value } = place;
    if (type.rejectsBoolean && typeof value === "boolean") {
      return [fail(place, "must be a number, not a boolean")];
    }
    if (type.values.includes(value)) return [];
    if (isHuge(value) && type.values.some(Number.isInteger)) {
      return [fail(place, "Unable to parse input string as an integer, exceeded maximum size")];
    }
    const isText = typeof value === "string" && type.values.some((option) => typeof option === "string");
    if (isText && !value.isWellFormed()) return [fail(place, NO_UNICODE)];
    const texts = type.values.map(literals.writeRepr);
    const last = texts.pop();
    const expected = `must be ${texts.join(", ")}${texts.length ? " or " : ""}${last}`;
    return [fail(place, expected, { kind: "choice" })];
  }

  /** Return whether a number is an integer in JSON, and of more than 64 bits. */
  function isHuge(value) {
    return Number.isInteger(value) && (value >= 2 ** 63 || value < -(2 ** 63)) && Math.abs(value) < 1e21;
  }

  function validateEnum(type, place) {
    if (type.values.some((choice) => areEqual(choice, place.value))) return [];
    const expected = `must be one of ${type.values.map(literals.writeRepr).join(", ")}`;
    return [fail(place, expected, { kind: "choice", choices: type.values })];
  }

  /** Return whether two JSON values are equal. */
  function areEqual(a, b) {
    if (!isContainer(a) || !isContainer(b)) return a === b;
    const keys = Object.keys(a);
    if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false;
    return keys.every((key) => Object.hasOwn(b, key) && areEqual(a[key], b[key]));
  }

  function isContainer(value) {
    return typeof value === "object" && value !== null;
  }

  function validateList(type, place) {
    const { value } = place;
    if (!Array.isArray(value)) return [fail(place, "must be a valid list", { kind: "list" })];
    const errors = value.flatMap((item, index) => check(type.item, enter(place, index, item)));
    return errors.length ? errors : validateLength(place, value.length, type.minItems, type.maxItems);
  }

  function validateMap(type, place) {
    if (!literals.isObject(place.value)) return [fail(place, "must be a valid dictionary")];
    return Object.entries(place.value).flatMap(([key, item]) => {
      const wrongKey = !key.isWellFormed() ? [fail({ ...place, value: key }, NO_UNICODE)] : [];
      return [...wrongKey, ...check(type.value, enter(place, key, item))];
    });
  }

  function validateObject(type, place) {
    const { value } = place;
    if (!literals.isObject(value)) {
      return [fail(place, `must be a valid dictionary or instance of ${type.className}`)];
    }
    const errors = [];
    for (const [name, property] of type.properties) {
      if (Object.hasOwn(value, name)) errors.push(...check(property, enter(place, name, value[name])));
      else if (type.required.has(name)) errors.push(fail(enter(place, name), "is required", { kind: "missing" }));
    }
    for (const [name, item] of Object.entries(value)) {
      if (!type.properties.has(name)) errors.push(...validateExtra(type, place, name, item));
    }
    return errors;
  }

  function validateExtra(type, place, name, value) {
    if (!name.isWellFormed()) return [fail({ ...place, value: name }, NO_UNICODE)];
    const inner = enter(place, name, value);
    if (type.extra) return check(type.extra, inner);
    const isParameter = inner.path.length === 1;
    return [fail(inner, isParameter ? "is not a parameter of the model" : "is not a property of the object")];
  }

  function validateUnion(type, place) {
    const members = listMembers(type);
    if (place.value === null && type.members.some(isNull)) return [];
    if (members.length === 1) return check(members[0], place);
    const errors = [];
    for (const member of members) {
      const found = check(member, { ...place, isMember: true });
      if (!found.length) return [];
      errors.push(...found);
    }
    return errors;
  }

  /** Return the members of a union, with null as a value of its only enum, whose problems then list it. */
  function listMembers(type) {
    const members = type.members.filter((member) => !isNull(member));
    const isNullable = members.length < type.members.length;
    if (!isNullable || members.filter(({ values }) => values).length !== 1) return members;
    return members.map((member) => (member.values ? { ...member, values: [...member.values, null] } : member));
  }

  function isNull(type) {
    return type.kind === "null";
  }

  /** Validate any JSON value; of several errors, the one that the bindings find first. */
  function validateJson(type, place) {
    const todo = [[place.value, 0]];
    while (todo.length) {
      const [value, level] = todo.pop();
      if (level > MAX_JSON_LEVELS) {
        return [fail(place, `must have at most ${MAX_JSON_LEVELS} levels of nested JSON`)];
      }
      const texts = typeof value === "string" ? [value] : literals.isObject(value) ? Object.keys(value) : [];
      if (texts.some((text) => !text.isWellFormed())) {
        return [fail(place, "must be valid Unicode (no lone surrogates)")];
      }
      if (isContainer(value)) for (const item of Object.values(value)) todo.push([item, level + 1]);
    }
    return [];
  }

  return { areEqual, isUrl, listMembers, validate };
})();
