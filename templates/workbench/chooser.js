"use strict";

/** The chooser of a model: a search with a list, filtered by task and price. */
const chooser = (() => {
  const { create, newId } = browser;
  const MAX_SHOWN = 130;

  /**
   * Return a chooser as {element, show}.
   *
   * @param {string} label Its name.
   * @param {(id: string) => void} onchoose Called with the id of the chosen model.
   */
  function build(label, onchoose) {
    const input = create("input", {
      id: newId("model"), type: "text", role: "combobox", autocomplete: "off", spellcheck: false,
      placeholder: "Search models", "aria-label": label, "aria-autocomplete": "list",
      "aria-expanded": "false",
    });
    const list = create("ul", { id: newId("models"), role: "listbox", "aria-label": "Models" });
    input.setAttribute("aria-controls", list.id);
    const tasks = [...new Set(engine.listModels().flatMap(({ task }) => task.split(", ")))].sort();
    const task = buildSelect("Task", [["", "All tasks"], ...tasks.map((name) => [name, name])]);
    const price = buildSelect("Price", [
      ["", "Any price"], ["known", "With a price"], ["unknown", "Without a price"],
    ]);
    const count = create("span", { class: "count", "aria-live": "polite" });
    const popup = create("div", { class: "popup", hidden: true },
      create("div", { class: "filters" }, task, price, count), list);
    const element = create("div", { class: "chooser", onfocusout }, input, popup);
    let shown = [];
    let active = -1;
    let chosen;

    function showPopup() {
      popup.hidden = false;
      input.setAttribute("aria-expanded", "true");
    }

    function open() {
      if (!popup.hidden) return;
      showPopup();
      input.select();
      filter("");
    }

    function close() {
      popup.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      input.value = chosen?.name ?? "";
      if (document.activeElement === input) input.select();
    }

    function filter(text) {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      shown = engine.listModels().filter((model) => {
        const { id, name, developer, description } = model;
        const searched = [id, name, developer, model.task, description].join(" ").toLowerCase();
        return words.every((word) => searched.includes(word))
          && (task.value === "" || model.task.split(", ").includes(task.value))
          && (price.value === "" || (model.price !== null) === (price.value === "known"));
      }).slice(0, MAX_SHOWN);
      count.textContent = shown.length === 1 ? "1 model" : `${shown.length} models`;
      list.replaceChildren(...shown.map((model) => create("li", {
        id: `${list.id}-${model.module}`, role: "option", "aria-selected": String(model === chosen),
        onpointerdown: (event) => event.preventDefault(), onclick: () => choose(model),
      }, create("strong", {}, model.name), create("code", {}, model.id),
      create("span", {}, [model.task, model.price].filter(Boolean).join(" · ")))));
      activate(words.length > 0 ? 0 : shown.indexOf(chosen));
    }

    function activate(index) {
      list.children[active]?.classList.remove("active");
      active = Math.min(index, shown.length - 1);
      const option = list.children[active];
      option?.classList.add("active");
      option?.scrollIntoView({ block: "nearest" });
      if (option) input.setAttribute("aria-activedescendant", option.id);
      else input.removeAttribute("aria-activedescendant");
    }

    function choose(model) {
      const isNew = model !== chosen;
      chosen = model;
      close();
      if (isNew) onchoose(model.id);
    }

    function onfocusout(event) {
      if (!element.contains(event.relatedTarget)) close();
    }

    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", open);
    input.addEventListener("input", () => {
      showPopup();
      filter(input.value);
    });
    input.addEventListener("keydown", (event) => {
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
      if (event.key in moves) {
        event.preventDefault();
        if (popup.hidden) open();
        else activate(Math.max(0, active + moves[event.key]));
      } else if (event.key === "Enter" && !popup.hidden && active >= 0) {
        event.preventDefault();
        choose(shown[active]);
      } else if (event.key === "Escape") close();
    });
    for (const control of [task, price]) {
      control.addEventListener("change", () => filter(input.value === chosen?.name ? "" : input.value));
    }
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target === input) return;
      input.focus();
      close();
    });

    /** Show a model as the chosen one. */
    function show(model) {
      chosen = model;
      close();
    }

    return { element, show, focus: () => input.focus() };
  }

  function buildSelect(label, options) {
    return create("select", { "aria-label": label },
      ...options.map(([value, text]) => create("option", { value }, text)));
  }

  return { build };
})();
