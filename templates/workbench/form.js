"use strict";

/** The form of a model: its fields in groups, its values and its problems. */
const form = (() => {
  const { create, createButton } = browser;

  /**
   * Return the form of a model as {element, read, write, showProblems}.
   *
   * @param {object} model The model.
   * @param {() => void} onchange Called after each change by the user.
   */
  function build(model, onchange) {
    const known = engine.listParameters(model.id);
    const names = new Set(known.map(({ name }) => name));
    const cited = engine.listCitations(model.id);
    const built = new Map();
    const groups = [];
    const touched = new Set();
    const summary = create("p", { class: "summary", "aria-live": "polite", "aria-atomic": "true" });
    let written = {};
    let found = [];
    let isStrict = false;
    const element = create("form", {
      noValidate: true, autocomplete: "off", onsubmit: (event) => event.preventDefault(),
    },
      ...buildFields(selectLevels("required", "basic")),
      ...fold("More parameters", selectLevels("optional")),
      ...fold("Hidden parameters", selectLevels("hidden")),
      summary);

    function selectLevels(...levels) {
      return known.filter(({ level }) => levels.includes(level));
    }

    function buildFields(parameters) {
      return arrange(parameters.map((parameter) => {
        const { name } = parameter;
        const field = fields.build(parameter, {
          onchange() {
            touched.add(name);
            onchange();
          },
          cites: (text) => cited.length > 0 && (text.name === "prompt" || text.description?.includes("@")),
          listCitations: () => listCitations(cited, read()),
        });
        field.write(written[name]);
        built.set(name, field);
        return field;
      }));
    }

    /** Return an element with fields that are built when it is opened, so that models switch quickly. */
    function fold(title, parameters) {
      if (parameters.length === 0) return [];
      const details = create("details", { ontoggle: () => details.open && fill() },
        create("summary", {}, title, create("span", { class: "count" }, String(parameters.length))));
      function fill() {
        if (built.has(parameters[0].name)) return;
        details.append(...buildFields(parameters));
        showProblems(found);
      }
      function unfold() {
        details.open = true;
        fill();
      }
      groups.push({ parameters, details, unfold });
      return [details];
    }

    /** Return the values by wire name; omitted parameters are absent. */
    function read() {
      const values = { ...written };
      for (const name of touched) {
        const value = built.get(name).read();
        if (value === undefined) delete values[name];
        else values[name] = value;
      }
      return values;
    }

    /** Replace all values. Those that no field can show are kept until they are edited. */
    function write(values) {
      touched.clear();
      isStrict = false;
      written = values;
      built.forEach((field, name) => field.write(values[name]));
      for (const { parameters, details, unfold } of groups) {
        if (parameters.some(({ name }) => Object.hasOwn(values, name))) unfold();
        else details.open = false;
      }
    }

    /** Show the problems of touched fields, of all fields if `isComplete`, and their number. */
    function showProblems(problems, isComplete = false) {
      found = problems;
      isStrict ||= isComplete;
      built.forEach((field, name) => {
        const own = problems.filter(({ path }) => path[0] === name);
        const isShown = isStrict || touched.has(name) || Object.hasOwn(written, name);
        field.showProblems(isShown ? own.map(({ path, message }) => ({ path: path.slice(1), message })) : []);
      });
      summary.replaceChildren(...summarize(problems));
    }

    function summarize(problems) {
      if (problems.length === 0) return ["The values are valid."];
      const wrong = [...new Set(problems.map(({ path }) => path[0]))];
      const links = wrong.flatMap((name) => [" ", names.has(name)
        ? createButton(name, () => explainField(name), { class: "link" })
        : create("span", {}, `${name}: ${problems.find(({ path }) => path[0] === name).message}`)]);
      return [problems.length === 1 ? "1 problem:" : `${problems.length} problems:`, ...links];
    }

    /** Show all problems, and move the focus to a field. */
    function explainField(name) {
      showProblems(found, true);
      focusField(name);
    }

    function focusField(name) {
      groups.find(({ parameters }) => parameters.some((parameter) => parameter.name === name))?.unfold();
      built.get(name).focus();
    }

    /** Move the focus to the first field with a problem. */
    function focusProblem(problems) {
      const shown = problems.find(({ path }) => names.has(path[0]));
      if (shown) focusField(shown.path[0]);
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

  function listCitations(cited, values) {
    return cited.flatMap(({ mark, parameters }) => {
      const counts = parameters.map((name) => (Array.isArray(values[name]) ? values[name].length : 1));
      return Array.from({ length: Math.max(1, ...counts) }, (_, index) => `${mark}${index + 1}`);
    });
  }

  return { build };
})();
