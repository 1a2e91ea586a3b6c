"use strict";

/** A model with its form, its estimate and its call. The page has one pane, or two for a comparison. */
const pane = (() => {
  const { create, createButton } = browser;

  /**
   * Return a pane as {element, open, refresh, showNotes, focus, model, values}.
   *
   * @param {object} settings `data`, the data of the page; `shown`, the language and the transport of all
   *   panes; `title`; `onmodel`, called after the user chose another model; `onchange`, called after each
   *   change; `onshown`, called after another language or transport was chosen; and `tools`, elements beside
   *   the model.
   */
  function build(settings) {
    const choice = chooser.build(settings.title, (id) => {
      settings.onmodel(id);
      choice.focus();
    });
    const facts = create("p", { class: "facts" });
    const description = create("p", { class: "description" });
    const estimate = create("output", { class: "estimate" });
    const notes = create("div", { class: "notes", role: "status", hidden: true });
    const formPlace = create("div");
    const call = panel.build(settings.shown, settings.onshown);
    const controls = runs.buildControls({
      read: () => ({ model, values: current.read() }),
      check,
      onchange: () => refresh(),
      onproblems(problems) {
        current.showProblems(problems, true);
        current.focusProblem(problems);
      },
    });
    const element = create("section", { class: "pane", "aria-label": settings.title },
      create("div", { class: "model" },
        create("div", { class: "line" }, choice.element, ...settings.tools), facts, description),
      notes,
      create("div", { class: "columns" },
        create("div", { class: "inputs" },
          create("div", { class: "head" }, create("h2", {}, "Parameters"), create("span", { class: "space" }),
            createButton("Example", () => replace(model.example), { class: "quiet" }),
            createButton("Clear", () => replace({}), { class: "quiet" })),
          formPlace),
        create("div", { class: "side" }, create("div", { class: "stay" },
          create("div", { class: "bar" }, estimate, controls.element), controls.outcome, call.element))));
    let model;
    let current;
    let pending = 0;

    /** Show a model with values, by default those of its example. */
    function open(id, values) {
      model = engine.find(id);
      current = form.build(model, schedule);
      formPlace.replaceChildren(current.element);
      choice.show(model);
      showFacts();
      showNotes();
      current.write(values ?? model.example ?? {});
      refresh();
    }

    function showFacts() {
      const parts = [model.developer, model.task, model.price ?? "price unknown"].filter(Boolean);
      facts.replaceChildren(create("code", {}, model.id), ` · ${parts.join(" · ")}`, ...linkToReference());
      description.textContent = model.description ?? "";
    }

    function linkToReference() {
      if (!model.reference || session.isServed() || !location.protocol.startsWith("http")) return [];
      return [" · ", create("a", { href: `../models/${model.reference}/` }, "Reference")];
    }

    function replace(values) {
      current.write(values ?? {});
      refresh();
      settings.onchange();
    }

    function schedule() {
      if (pending !== 0) return;
      pending = requestAnimationFrame(() => {
        pending = 0;
        refresh();
        settings.onchange();
      });
    }

    function check() {
      return engine.check(model.id, current.read(), media.files);
    }

    /** Show the problems, the estimate and the call of the values. */
    function refresh() {
      const values = current.read();
      const problems = check();
      current.showProblems(problems);
      const costs = problems.length > 0 ? { reason: "the values are not valid" }
        : estimates.estimate(model, values, controls.count());
      estimate.textContent = estimates.describe(costs);
      estimate.classList.toggle("unknown", "reason" in costs);
      controls.showEstimate(costs);
      call.show(calls.write(settings.data, model, values, settings.shown.language, settings.shown.transport));
    }

    /** List what was omitted or converted when parameters were carried over from another model. */
    function showNotes(carried) {
      const lines = carried ? [
        ...carried.omitted, ...carried.converted,
      ].map((change) => adaptation.describe(model.id, change)) : [];
      notes.hidden = lines.length === 0;
      notes.replaceChildren(create("ul", {}, ...lines.map((line) => create("li", {}, line))));
    }

    return {
      element, open, refresh, showNotes, focus: choice.focus,
      model: () => model, values: () => current.read(),
    };
  }

  return { build };
})();
