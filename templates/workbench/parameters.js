"use strict";

/**
 * The parameters of a model as the fields of a form.
 *
 * @typedef {object} Parameter
 * @property {string} name The wire name.
 * @property {string} label
 * @property {string} description
 * @property {"required"|"basic"|"optional"|"hidden"} level
 * @property {"text"|"choice"|"number"|"integer"|"switch"|"media"|"object"|"list"|"json"} kind
 * @property {"image"|"video"|"audio"|"file"} [mediaKind]
 * @property {Array} [options] All values of a choice; for other kinds, values that are accepted as well.
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [step]
 * @property {number} [minLength]
 * @property {number} [maxLength]
 * @property {*} [default] What the API uses if the parameter is omitted.
 * @property {*} [example]
 * @property {string} [nextTo] The name of the parameter beside which it is shown.
 * @property {Parameter} [item] The items of a list.
 * @property {Parameter[]} [properties] The properties of an object.
 * @property {number} [minItems]
 * @property {number} [maxItems]
 * @property {boolean} citable Whether the prompt can cite its media.
 * @property {string} [mark] How the prompt cites them, without the number, such as `@Image`.
 */
const parameters = (() => {
  const LIMITS = ["minLength", "maxLength", "minItems", "maxItems"];
  const STEPS = [0.01, 0.1, 1];

  /**
   * Return the parameters of a schema.
   * @param {object} model The model, which names the parameters that are shown first, and those to cite.
   * @param {object} schema The schema of its requests.
   * @returns {Parameter[]}
   */
  function list(model, schema) {
    const basic = new Set(model.basic);
    const marks = new Map();
    for (const { mark, parameters: names } of model.citations) {
      for (const name of names) marks.set(name, mark);
    }
    return listProperties(schema, basic).map((parameter) => ({
      ...parameter,
      citable: marks.has(parameter.name),
      mark: marks.get(parameter.name),
    }));
  }

  function listProperties(schema, basic = new Set()) {
    const required = new Set(schema.required);
    return Object.entries(schema.properties).map(([name, property]) => {
      const isRequired = required.has(name);
      const isHidden = property["x-hidden"] === true;
      const level = isHidden ? "hidden" : basic.has(name) ? "basic" : "optional";
      return { ...describe(name, property, isRequired), level: isRequired ? "required" : level };
    });
  }

  function describe(name, property, isRequired) {
    return {
      name,
      label: property.title ?? makeLabel(name),
      description: [property.description, describeUnsupported(property)].filter(Boolean).join(" "),
      default: isRequired ? undefined : property.default,
      example: property.example ?? (isRequired ? property.default : undefined),
      nextTo: property["x-next-to"],
      citable: false,
      ...describeValue(name, property),
    };
  }

  function makeLabel(name) {
    const words = name.replaceAll("_", " ").trim();
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  function describeUnsupported(property) {
    return property.unsupported ? `Validated by the server only: ${property.unsupported.join(", ")}.` : "";
  }

  /** Return what a field of a form depends on; of several types, on the first one that is not a text. */
  function describeValue(name, property) {
    const members = (property.anyOf ?? [property]).filter((member) => member.type !== "null");
    const main = members.find((member) => member.type !== "string") ?? members[0] ?? {};
    const others = members.filter((member) => member !== main);
    if (main.type === "object" && !others.every((member) => member.enum)) return { kind: "json" };
    const further = others.length > 0 && typeof property.default === "string" ? [property.default] : [];
    const options = [main, ...others].flatMap((member) => member.enum ?? [])
      .concat(further, "further" in property ? [property.further] : []);
    const values = [...new Set(options)].filter((option) => option !== null);
    return { ...describeMember(name, main), ...(values.length ? { options: values } : {}) };
  }

  function describeMember(name, member) {
    const limits = Object.fromEntries(LIMITS.filter((key) => key in member).map((key) => [key, member[key]]));
    if (member.enum) return { kind: "choice" };
    switch (member.type) {
      case "string":
        return member.media ? { kind: "media", mediaKind: member.media } : { kind: "text", ...limits };
      case "integer":
      case "number":
        return { kind: member.type, ...describeRange(member) };
      case "boolean":
        return { kind: "switch" };
      case "array":
        return { kind: "list", ...limits, item: describeItem(name, member.items) };
      case "object":
        return { kind: "object", properties: listProperties(member) };
      default:
        return { kind: "json" };
    }
  }

  function describeItem(name, items) {
    return { ...describe(name, items, true), level: "required" };
  }

  /** Return the range of a number and the step of a form, which does not restrict the values. */
  function describeRange(member) {
    const minimum = member.minimum ?? member.exclusiveMinimum;
    const maximum = member.maximum ?? member.exclusiveMaximum;
    if (member.type === "integer") return { minimum, maximum, step: 1 };
    const range = maximum - minimum;
    return { minimum, maximum, step: STEPS.find((step) => !(range > 100 * step)) ?? 1 };
  }

  return { list };
})();
