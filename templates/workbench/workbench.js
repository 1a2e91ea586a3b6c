"use strict";

/** The page: one model or two, the state in the address, and the server if there is one. */
(() => {
  const { createButton, create, announce, showMessage } = browser;
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("panes");
  const shown = { language: "python", transport: "blocking" };
  const SAVE_INTERVAL = 300;
  let timer = 0;
  let first;
  let second;

  function start() {
    engine.load(data);
    session.load(JSON.parse(document.getElementById("session").textContent));
    document.getElementById("close-message").addEventListener("click", () => showMessage(""));
    first = pane.build({
      data, shown, title: "Model", tools: [createButton("Compare with…", openComparison, { id: "compare" })],
      onmodel: (id) => {
        saveNow();
        first.open(id);
        if (second) carry(second.model().id);
        save(true);
      },
      onchange: () => save(false), onshown,
    });
    main.append(first.element);
    restore();
    addEventListener("hashchange", restore);
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    if (session.isServed()) startServed();
  }

  async function startServed() {
    const history = gallery.build((model, values) => {
      if (!engine.find(model)) {
        showMessage(`this page has no model ${model}`);
        return;
      }
      first.open(model, values);
      save(true);
      announce("The request is in the form.");
      scrollTo({ top: 0 });
    });
    main.after(history.element);
    try {
      await history.start();
    } catch (error) {
      showMessage(error.message);
    }
  }

  function buildSecond() {
    second = pane.build({
      data, shown, title: "Second model", tools: [createButton("Close", closeComparison)],
      onmodel: (id) => {
        carry(id);
        save(true);
      },
      onchange: () => save(false), onshown,
    });
    main.append(second.element);
    main.classList.add("compared");
    document.getElementById("compare").hidden = true;
  }

  function openComparison() {
    buildSecond();
    const { id, task } = first.model();
    const others = engine.listModels().filter((model) => model.id !== id);
    carry((others.find((model) => model.task === task) ?? others[0]).id);
    second.focus();
    save(true);
  }

  function closeComparison() {
    removeSecond();
    document.getElementById("compare").focus();
    save(true);
  }

  function removeSecond() {
    second?.element.remove();
    second = undefined;
    main.classList.remove("compared");
    document.getElementById("compare").hidden = false;
  }

  /** Open a model in the second pane, with the parameters of the first one. */
  function carry(id) {
    try {
      const carried = adaptation.carry(data, engine.find(id), first.values());
      second.open(id, carried.values);
      second.showNotes(carried);
    } catch (error) {
      second.open(id);
      showMessage(error.message);
    }
  }

  function onshown() {
    first.refresh();
    second?.refresh();
    save(false);
  }

  /** Write the state to the address; a new entry of the history if another model was chosen. */
  function save(isNew) {
    clearTimeout(timer);
    if (isNew) {
      history.pushState(null, "", readState());
      document.title = `${first.model().name} – Workbench`;
    } else timer = setTimeout(saveNow, SAVE_INTERVAL);
  }

  function saveNow() {
    clearTimeout(timer);
    history.replaceState(null, "", readState());
  }

  function readState() {
    return fragment.format({
      model: first.model().id, values: first.values(), language: shown.language, transport: shown.transport,
      with: second?.model().id, with_values: second?.values(),
    });
  }

  /** Show the state of the address, with a message for what is wrong in it. */
  function restore() {
    clearTimeout(timer);
    const problems = [];
    let state = {};
    try {
      state = fragment.parse(location.hash);
    } catch (error) {
      problems.push(error.message);
    }
    for (const [name, choices] of [["language", panel.LANGUAGES], ["transport", panel.TRANSPORTS]]) {
      if (choices.has(state[name])) shown[name] = state[name];
      else if (state[name] !== undefined) problems.push(`the address has an unknown ${name}: ${state[name]}`);
    }
    const model = find(state.model, problems);
    openValues(first, model ?? engine.listModels()[0], model && state.values, problems);
    removeSecond();
    const other = find(state.with, problems);
    if (other) {
      buildSecond();
      if (state.with_values) openValues(second, other, state.with_values, problems);
      else carry(other.id);
    }
    document.title = `${first.model().name} – Workbench`;
    showMessage(problems.join("; "));
  }

  function openValues(target, { id }, values, problems) {
    try {
      target.open(id, values);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push("values in the address have too many levels");
      target.open(id);
    }
  }

  function find(id, problems) {
    if (id === undefined) return undefined;
    const model = engine.find(id);
    if (!model) problems.push(`this page has no model ${id}`);
    return model;
  }

  start();
})();
