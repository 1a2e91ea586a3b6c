"use strict";

/** The form of a model: its fields in groups, its values and its problems. */
const form = (() => {
  const { create, button } = browser;

  /**
   * Return the form of a model as {element, read, write, showProblems}.
   *
   * @param {object} model The model.
   * @param {() => void} onchange Called after each change by the user.
   */
  function build(model, onchange) {
    const touched = new Set();
    const cited = engine.citations(model.id);
    const built = engine.parameters(model.id).map((parameter) => fields.build(parameter, {
      onchange() {
        touched.add(parameter.name);
        onchange();
      },
      cites: ({ name, description = "" }) => cited.length > 0 && (name === "prompt" || description.includes("@")),
      listCitations: () => listCitations(cited, read()),
    }));
    const byName = new Map(built.map((field) => [field.parameter.name, field]));
    const ofLevel = (...levels) => built.filter(({ parameter }) => levels.includes(parameter.level));
    const summary = create("p", { class: "summary", "aria-live": "polite", "aria-atomic": "true" });
    let written = {};
    let isStrict = false;
    const element = create("form", { noValidate: true, autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      ...arrange(ofLevel("required", "basic")),
      ...fold("More parameters", ofLevel("optional")),
      ...fold("Hidden parameters", ofLevel("hidden")),
      summary);

    /** Return the values by wire name; omitted parameters are absent. */
    function read() {
      const values = { ...written };
      for (const field of built) {
        const { name } = field.parameter;
        if (!touched.has(name)) continue;
        const value = field.read();
        if (value === undefined) delete values[name];
        else values[name] = value;
      }
      return values;
    }

    /** Replace all values. Those that no field can show are kept until they are edited, so that the check names them. */
    function write(values) {
      touched.clear();
      isStrict = false;
      written = values;
      built.forEach((field) => field.write(values[field.parameter.name]));
      for (const folded of element.querySelectorAll("details")) {
        folded.open = [...folded.querySelectorAll("[data-name]")].some(({ dataset }) => Object.hasOwn(values, dataset.name));
      }
    }

    /** Show the problems of touched fields, of all fields if `isComplete`, and their number. */
    function showProblems(problems, isComplete = false) {
      isStrict ||= isComplete;
      for (const field of built) {
        const { name } = field.parameter;
        const own = problems.filter(({ path }) => path[0] === name);
        const isShown = isStrict || touched.has(name) || Object.hasOwn(written, name);
        field.showProblems(isShown ? own.map(({ path, message }) => ({ path: path.slice(1), message })) : []);
      }
      summary.replaceChildren(...summarize(problems));
    }

    function summarize(problems) {
      if (problems.length === 0) return ["The values are valid."];
      const names = [...new Set(problems.map(({ path }) => path[0]))];
      const links = names.flatMap((name) => [" ", byName.has(name)
        ? button(name, () => focusField(name), { class: "link" })
        : create("span", {}, `${name}: ${problems.find(({ path }) => path[0] === name).message}`)]);
      return [problems.length === 1 ? "1 problem:" : `${problems.length} problems:`, ...links];
    }

    function focusField(name) {
      const field = byName.get(name);
      isStrict = true;
      const folded = field.element.closest("details");
      if (folded) folded.open = true;
      field.focus();
      onchange();
    }

    /** Move the focus to the first field with a problem. */
    function focusProblem(problems) {
      const known = problems.find(({ path }) => byName.has(path[0]));
      if (known) focusField(known.path[0]);
    }

    return { element, read, write, showProblems, focusProblem };
  }

  /** Return the elements of fields; a field that stands next to another shares its row. */
  function arrange(group) {
    const rows = new Map();
    for (const field of group) {
      const { name, nextTo } = field.parameter;
      const neighbour = group.find(({ parameter }) => parameter.name === nextTo || parameter.nextTo === name);
      const row = (neighbour && rows.get(neighbour)) ?? [];
      row.push(field);
      rows.set(field, row);
    }
    return [...new Set(rows.values())].map((row) => (row.length === 1 ? row[0].element
      : create("div", { class: "row" }, ...row.map(({ element }) => element))));
  }

  function fold(title, group) {
    if (group.length === 0) return [];
    const summary = create("summary", {}, title, create("span", { class: "count" }, String(group.length)));
    return [create("details", {}, summary, ...arrange(group))];
  }

  function listCitations(cited, values) {
    return cited.flatMap(({ mark, parameters }) => {
      const counts = parameters.map((name) => (Array.isArray(values[name]) ? values[name].length : 1));
      return Array.from({ length: Math.max(1, ...counts) }, (_, index) => `${mark}${index + 1}`);
    });
  }

  return { build };
})();
