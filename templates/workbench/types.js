"use strict";

/**
 * The types of values: what a schema of the page accepts, as the request classes of the bindings express it.
 *
 * A type is one of
 *
 *     {kind: "any"}, {kind: "null"}, {kind: "boolean"}
 *     {kind: "string" | "media", minLength, maxLength, media}
 *     {kind: "integer" | "number", minimum, maximum, exclusiveMinimum, exclusiveMaximum}
 *     {kind: "literal", values, rejectsBoolean}             strings and integers
 *     {kind: "enum", values}                                values of any kind
 *     {kind: "list", item, minItems, maxItems}
 *     {kind: "map", value}                                  an object with any keys
 *     {kind: "object", className, properties: Map, required: Set, extra}    extra is null if there is none
 *     {kind: "union", members}                              null is the last member
 */
const types = (() => {
  const LIMITS = {
    string: ["minLength", "maxLength"],
    integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
    number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
    array: ["minItems", "maxItems"],
  };

  /** Return the type of a schema. */
  function build(schema) {
    const members = listMembers(schema);
    return schema.nullable ? makeUnion([...members, { kind: "null" }]) : makeUnion(members);
  }

  function listMembers(schema) {
    const further = "further" in schema ? [schema.further] : [];
    if (schema.enum) return [buildEnum([...schema.enum, ...further])];
    const members = schema.anyOf ? schema.anyOf.map(build) : [buildValue(schema)];
    return further.length ? [...members, buildEnum(further)] : members;
  }

  function buildValue(schema) {
    const limits = {};
    for (const name of LIMITS[schema.type] ?? []) if (name in schema) limits[name] = schema[name];
    switch (schema.type) {
      case undefined:
        return { kind: "any" };
      case "string":
        return { kind: schema.media ? "media" : "string", media: schema.media, ...limits };
      case "array":
        return { kind: "list", item: build(schema.items), ...limits };
      case "object":
        return buildObject(schema);
      default:
        return { kind: schema.type, ...limits };
    }
  }

  function buildObject(schema) {
    const other = schema.additionalProperties ?? {};
    const names = Object.keys(schema.properties);
    if (!names.length && other !== false) return { kind: "map", value: build(other) };
    return {
      kind: "object",
      className: schema.class,
      properties: new Map(names.map((name) => [name, build(schema.properties[name])])),
      required: new Set(schema.required),
      extra: other === false ? null : build(other),
    };
  }

  function buildEnum(values) {
    const options = values.filter((value) => value !== null);
    const none = options.length < values.length ? [{ kind: "null" }] : [];
    if (!options.length) return none[0];
    const isLiteral = options.every((value) => typeof value === "string" || Number.isInteger(value));
    const rejectsBoolean = options.some((value) => value === 0 || value === 1);
    const type = isLiteral
      ? { kind: "literal", values: options, rejectsBoolean }
      : { kind: "enum", values: options };
    return makeUnion([type, ...none]);
  }

  function makeUnion(members) {
    const distinct = new Map();
    for (const member of members) {
      const parts = member.kind === "union" ? member.members : [member];
      for (const part of parts) distinct.set(makeKey(part), part);
    }
    const parts = [...distinct.values()];
    parts.sort((a, b) => (a.kind === "null") - (b.kind === "null"));
    return parts.length === 1 ? parts[0] : { kind: "union", members: parts };
  }

  function makeKey(type) {
    const list = (_, value) => (value instanceof Map || value instanceof Set ? [...value] : value);
    return JSON.stringify(type, list);
  }

  return { build };
})();
