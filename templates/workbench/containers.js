"use strict";

/** Fields that contain fields: lists and objects. */
const containers = (() => {
  const { create, createButton, createIconButton } = browser;

  /** Return the problems below a part of a value, with paths relative to it. */
  function selectProblems(problems, key) {
    return problems.filter(({ path }) => path[0] === key)
      .map(({ path, message }) => ({ path: path.slice(1), message }));
  }

  /** Return a field of a container, with a button for each value that is accepted in place of it. */
  function frame(parameter, context, { read, write, showProblemsInside, ...parts }) {
    const options = parameter.options ?? [];
    let chosen;
    const buttons = options.map((option) => createButton(fields.formatValue(option), () => {
      writeAny(option);
      context.onchange();
    }, { class: "quiet" }));
    const readAny = () => read() ?? chosen;
    function writeAny(value) {
      chosen = options.includes(value) ? value : undefined;
      write(value);
    }
    if (buttons.length > 0) parts.control.prepend(create("div", { class: "line options" }, ...buttons));
    return fields.frame(parameter, context, {
      ...parts,
      read: readAny,
      write: writeAny,
      showProblemsInside(problems) {
        showProblemsInside(problems);
        buttons.forEach((button, index) => {
          button.setAttribute("aria-pressed", String(readAny() === options[index]));
        });
      },
    });
  }

  /** Return the field of an object with known properties. */
  function buildObject(parameter, context) {
    const members = parameter.properties.map((property) => fields.build(property, context));
    const names = new Set(parameter.properties.map(({ name }) => name));
    function read() {
      const entries = members.map((member) => [member.parameter.name, member.read()])
        .filter(([, value]) => value !== undefined);
      return entries.length === 0 ? undefined : Object.fromEntries(entries);
    }
    function write(value) {
      const isObject = literals.isObject(value);
      members.forEach((member) => member.write(isObject ? value[member.parameter.name] : undefined));
    }
    return frame(parameter, context, {
      control: create("div", { class: "nested" }, ...members.map(({ element }) => element)),
      read,
      write,
      focus: () => members[0].focus(),
      showsInside: ({ path }) => names.has(path[0]),
      showProblemsInside: (problems) => members.forEach(
        (member) => member.showProblems(selectProblems(problems, member.parameter.name)),
      ),
    });
  }

  /** Return the field of a list, whose items are added, removed and moved. */
  function buildList(parameter, context) {
    let items = [];
    const rows = create("ol", { class: "rows" });
    const add = createButton(`Add ${nameItem(parameter).toLowerCase()}`, () => {
      const item = insert();
      context.onchange();
      item.focus();
    }, { class: "add" });
    const problem = create("p", { class: "error", role: "alert", hidden: true });
    const control = create("div", { class: "list" }, rows, create("div", { class: "line" }, add), problem);
    if (parameter.item.kind === "media") {
      const choose = createButton("Add files…", () => {});
      add.after(choose);
      media.acceptFiles(control, choose, context, parameter.item, (value) => {
        (items.find((item) => item.read() === undefined) ?? insert()).write(value);
        context.onchange();
      }, problem);
    }

    function insert(value) {
      const shown = { ...parameter.item, label: nameItem(parameter), level: "required" };
      const item = fields.build(shown, context);
      item.write(value);
      items.push(item);
      arrange();
      return item;
    }

    function move(item, offset) {
      const index = items.indexOf(item);
      items.splice(index, 1);
      items.splice(index + offset, 0, item);
      arrange();
      context.onchange();
      rows.children[index + offset].querySelector(offset < 0 ? ".up" : ".down").focus();
    }

    function remove(item) {
      items.splice(items.indexOf(item), 1);
      arrange();
      context.onchange();
      add.focus();
    }

    function arrange() {
      rows.replaceChildren(...items.map((item, index) => {
        const name = `${nameItem(parameter)} ${index + 1}`;
        const label = item.element.querySelector(".label");
        label.textContent = name;
        return create("li", {}, item.element, create("div", { class: "tools" },
          createIconButton("↑", `Move ${name} up`, () => move(item, -1),
            { class: "icon up", disabled: index === 0 }),
          createIconButton("↓", `Move ${name} down`, () => move(item, 1),
            { class: "icon down", disabled: index === items.length - 1 }),
          createIconButton("×", `Remove ${name}`, () => remove(item))));
      }));
      add.disabled = items.length >= (parameter.maxItems ?? Infinity);
    }

    function read() {
      if (items.length === 0) return undefined;
      // An empty text of a list is sent as it is, so that the check names it.
      return items.map((item) => item.read() ?? makeEmptyValue(parameter.item));
    }

    function write(value) {
      items = [];
      arrange();
      if (Array.isArray(value)) value.forEach(insert);
    }

    return frame(parameter, context, {
      control,
      read,
      write,
      focus: () => (items[0] ?? add).focus(),
      showsInside: ({ path }) => path[0] < items.length,
      showProblemsInside: (problems) => items.forEach(
        (item, index) => item.showProblems(selectProblems(problems, index)),
      ),
    });
  }

  function nameItem(parameter) {
    const { kind, mediaKind } = parameter.item;
    if (kind === "media") return { image: "Image", video: "Video", audio: "Audio" }[mediaKind] ?? "File";
    return "Item";
  }

  function makeEmptyValue(parameter) {
    return parameter.properties?.length ? {} : parameter.kind === "list" ? [] : "";
  }

  return { buildObject, buildList };
})();
