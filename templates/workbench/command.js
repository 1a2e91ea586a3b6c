"use strict";

/** The command of a call: `oxen-models run` or `submit`, with an option for each parameter. */
const command = (() => {
  const COMMON_OPTIONS = [
    "base-url", "budget", "confirm-above", "count", "dry-run", "extra-body", "help", "output",
    "target-directory", "target-repo", "yes",
  ];
  /** The options of each command that are no parameters. */
  const OWN_OPTIONS = {
    run: [...COMMON_OPTIONS, "no-show", "out", "show", "sidecar", "timeout"],
    submit: COMMON_OPTIONS,
  };
  const NUMERIC = /\p{Nd}|inf|nan/iu;

  const listMembers = (node) => [
    ...(node.anyOf ?? [node]),
    ...("further" in node ? [{ enum: [node.further] }] : []),
    ...(node.nullable ? [{ type: "null" }] : []),
  ];
  const findArray = (node) => listMembers(node).find((member) => member.type === "array");
  const isFlag = (node) => node.type === "boolean" && listMembers(node).length === 1;
  const asText = (value) => (typeof value === "string" ? value : literals.writeJson(value, null));

  /** Return the types of JSON Schema that a value other than a string has. */
  function nameTypes(value) {
    if (value === null) return ["null"];
    if (typeof value === "number") return ["integer", "number"];
    return Array.isArray(value) ? ["array"] : [typeof value];
  }

  /** Return names and schemas of the parameters in the order of the command's help. */
  function listParameters(data, model) {
    const { properties, required } = model.schema;
    const position = ([name, node]) => {
      if (node["x-hidden"]) return 3;
      return required.includes(name) ? 0 : model.basic.includes(name) ? 1 : 2;
    };
    const own = Object.entries(properties).sort((a, b) => position(a) - position(b));
    return [...own, ...Object.entries(data.common.properties).filter(([name]) => !(name in properties))];
  }

  function nameOption(name, used) {
    const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
    const isFree = (candidate) => !used.has(candidate) && !used.has(`no-${candidate}`);
    if (plain && isFree(plain)) return plain;
    const prefixed = plain ? `param-${plain}` : "param";
    let candidate = prefixed;
    for (let number = 2; !isFree(candidate); number += 1) candidate = `${prefixed}-${number}`;
    return candidate;
  }

  /** Return the option and the schema of each parameter, by wire name. */
  function nameOptions(data, model, own) {
    const used = new Set(own);
    const options = new Map();
    for (const [name, node] of listParameters(data, model)) {
      const option = nameOption(name, used);
      used.add(option);
      if (isFlag(node)) used.add(`no-${option}`);
      options.set(name, { option, node });
    }
    return options;
  }

  function writeString(text, members, types) {
    if (!types.has("string") || (text === "null" && types.has("null"))) return null;
    if (members.some((member) => member.media)) return text === "-" ? null : text;
    if ((types.has("integer") || types.has("number")) && NUMERIC.test(text)) return null;
    if (types.has("boolean") && (text === "true" || text === "false")) return null;
    if (types.has("array") || types.has("object")) return literals.writeJson(text, null);
    if (text === "-") return null; // the standard input
    return text.startsWith("@") ? `@${text}` : text;
  }

  /** Return the text that the command line converts to a value; null if there is none. */
  function writeText(value, node) {
    const members = listMembers(node);
    const choices = members.flatMap((member) => member.enum ?? []);
    const chosen = choices.find((choice) => asText(choice) === asText(value));
    if (chosen !== undefined) return chosen === value ? asText(value) : null;
    if (!members.some((member) => member.type || member.enum)) return literals.writeJson(value, null);
    const types = new Set(members.map((member) => member.type));
    if (typeof value === "string") return writeString(value, members, types);
    const isText = value !== null && members.some((member) => member.media);
    return !isText && nameTypes(value).some((type) => types.has(type)) ? literals.writeJson(value, null) : null;
  }

  const isJsonList = (text) => text.trimStart().startsWith("[");

  /** Return the texts of a repeatable option; null if there are none. */
  function writeTexts(value, node, array) {
    const scalars = listMembers(node).filter(({ type }) => type !== "array" && type !== "null");
    if (!Array.isArray(value)) {
      const text = writeText(value, { anyOf: [...scalars, { type: "null" }] });
      return text === null || isJsonList(text) ? null : [text];
    }
    const texts = value.map((item) => (Array.isArray(item) ? null : writeText(item, array.items)));
    const isAmbiguous = (text) => text === null || isJsonList(text) || text === "null";
    const isAlone = texts.length === 0 || (texts.length === 1 && scalars.length > 0);
    return isAlone || texts.some(isAmbiguous) ? [literals.writeJson(value, null)] : texts;
  }

  /** Return the options of a value; null if none has it. */
  function writeOptions(value, { option, node }) {
    if (isFlag(node)) return typeof value === "boolean" ? [`--${value ? "" : "no-"}${option}`] : null;
    const array = findArray(node);
    const texts = array ? writeTexts(value, node, array) : [writeText(value, node)];
    const words = texts?.map((text) => (text === null ? null : literals.writeShellWord(text))) ?? [null];
    return words.includes(null) ? null : words.map((word) => `--${option} ${word}`);
  }

  /**
   * Return the command of a call.
   * @param values The parameters by wire name. A file is a URL or a path.
   * @param {"run" | "submit"} name The command.
   */
  function write(data, model, values, name) {
    const options = nameOptions(data, model, OWN_OPTIONS[name]);
    const omitted = [];
    const lines = [`oxen-models ${name} ${literals.writeShellWord(model.id)}`];
    for (const [parameter, value] of Object.entries(values)) {
      const found = options.get(parameter);
      const words = found ? writeOptions(value, found) : null;
      if (words) lines.push(...words);
      else omitted.push(parameter);
    }
    const text = lines.join(" \\\n  ");
    if (omitted.length === 0) return text;
    // Other names are not shown, because not all shells ignore comments.
    const names = omitted.map((parameter) => (/^[\w-]+$/.test(parameter) ? parameter : "a parameter"));
    return `# The command line cannot pass the value of ${names.join(", ")}.\n${text}`;
  }

  return { OWN_OPTIONS, write };
})();
