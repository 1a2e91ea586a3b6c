"use strict";

/** Programs of a call: those of the reference site, with values of the page in the placeholders. */
const calls = (() => {
  const PLACEHOLDER = /«(\w+)(?::(\d+))?»/g;
  const PATH_IMPORT = "from pathlib import Path\n";
  const PATH_WARNING = "# The API reads no local files: replace each path with a URL or with base64 data.\n";

  const isMedia = (node) =>
    Boolean(node?.media || node?.anyOf?.some(isMedia) || (node?.items && isMedia(node.items)));

  /** Return a value with each path of a file in it replaced by the result of a function. */
  function replacePaths(value, replace) {
    if (Array.isArray(value)) return value.map((item) => replacePaths(item, replace));
    return typeof value === "string" && value !== "" && !validation.isUrl(value) ? replace(value) : value;
  }

  /** Return the parameters with each path of a file replaced by an expression, and whether there is one. */
  function markPaths(model, values) {
    let hasPaths = false;
    const replace = (path) => {
      hasPaths = true;
      return new literals.Expression(`Path(${literals.writePython(path)})`);
    };
    const items = Object.entries(values).map(([name, value]) => {
      const node = Object.hasOwn(model.schema.properties, name) ? model.schema.properties[name] : undefined;
      return [name, isMedia(node) ? replacePaths(value, replace) : value];
    });
    return { items, hasPaths };
  }

  /** Return whether a value is true in Python. */
  const isTrue = (value) =>
    typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);

  function findPath(model, values) {
    const hasImage = model.image_parameters.some((name) => isTrue(values[name]));
    return hasImage ? model.path : (model.path_without_image ?? model.path);
  }

  /** Return the arguments of a Python call, with those of unknown parameters in a dictionary. */
  function writeArguments(data, model, items, indent) {
    const isKnown = ([name]) =>
      Object.hasOwn(model.schema.properties, name) || Object.hasOwn(data.common.properties, name);
    const rename = ([name, value]) => [Object.hasOwn(model.names, name) ? model.names[name] : name, value];
    const unknown = items.filter((item) => !isKnown(item));
    const known = literals.writeArguments(items.filter(isKnown).map(rename), indent);
    if (unknown.length === 0) return known;
    const rest = `${" ".repeat(indent)}**${literals.writePython(Object.fromEntries(unknown), indent, 3)},`;
    return known ? `${known}\n${rest}` : rest;
  }

  function fillFrame(frame, data, model, values, items, transport) {
    const body = { model: model.id, ...values };
    const texts = {
      ...data.programs.families[model.family],
      model: `oxen.${model.family}.${model.module}`,
      verb: model.verb,
      path: transport === "blocking" ? findPath(model, values) : "/queue",
    };
    return frame.replace(PLACEHOLDER, (_, name, indent) => {
      if (name === "arguments") return writeArguments(data, model, items, Number(indent));
      if (name === "body") return literals.writePython(body, Number(indent), 0, true);
      if (name === "shell_json") return literals.writeShellJson(body);
      return String(texts[name]);
    });
  }

  const addImport = (program) =>
    program.startsWith("import ")
      ? program.replace("\n", () => `\n${PATH_IMPORT}`)
      : `${PATH_IMPORT}\n${program}`;

  /**
   * Return the program that sends a request.
   * @param data The data of the page.
   * @param model A model of the data.
   * @param values The parameters by wire name. A file is a URL, or a path of this computer.
   * @param language One of `panel.LANGUAGES`; "json" is the body.
   * @param transport One of `panel.TRANSPORTS`.
   */
  function write(data, model, values, language, transport) {
    if (language === "json") return literals.writeJson({ model: model.id, ...values });
    if (language === "command") {
      return command.write(data, model, values, transport === "queue" ? "submit" : "run");
    }
    const { items, hasPaths } = markPaths(model, values);
    const frame = data.programs.frames[language][transport];
    const program = fillFrame(frame, data, model, values, items, transport);
    if (!hasPaths) return program;
    return language.startsWith("python") ? addImport(program) : `${PATH_WARNING}${program}`;
  }

  return { write };
})();
