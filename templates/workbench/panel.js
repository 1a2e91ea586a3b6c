"use strict";

/** The panel with the call of a model: a program in a language for a transport. */
const panel = (() => {
  const { create, createButton, newId, announce, moveFocusByKeys } = browser;
  const LANGUAGES = new Map([
    ["python", "Python"], ["python_async", "Python (async)"], ["httpx", "httpx"], ["curl", "cURL"],
    ["command", "Command line"], ["json", "JSON"],
  ]);
  const TRANSPORTS = new Map([["blocking", "Blocking"], ["queue", "Queue"], ["events", "Events"]]);
  const TEXT = /"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/;
  const KEYWORD = /from|import|as|with|async|await|for|in|if|else|while|def|return|raise|not|break|do|done|then|fi/;
  const CONSTANT = /True|False|None|true|false|null/;
  const TOKENS = new RegExp(`(${TEXT.source})|(#[^\\n]*)|\\b(?:${KEYWORD.source}|${CONSTANT.source})\\b`, "g");

  /**
   * Return a panel as {element, show}.
   *
   * @param {{language: string, transport: string}} shown What is shown, shared by all panels.
   * @param {() => void} onchoose Called after another language or transport was chosen.
   */
  function build(shown, onchoose) {
    const code = create("code");
    const output = create("pre", { id: newId("program"), role: "tabpanel", tabIndex: 0 }, code);
    const languages = buildTabs("Language", LANGUAGES, "language");
    const transports = buildTabs("Transport", TRANSPORTS, "transport");
    const copy = createButton("Copy", copyProgram);
    const element = create("section", { class: "call", "aria-label": "Call" },
      languages,
      create("div", { class: "line" }, transports, create("span", { class: "space" }), copy),
      output);
    let text = "";

    function buildTabs(label, choices, name) {
      const list = create("div", { class: `tabs ${name}`, role: "tablist", "aria-label": label },
        ...[...choices].map(([id, title]) => createButton(title, () => choose(name, id), {
          role: "tab", "data-id": id, "aria-controls": output.id, id: newId("tab"),
        })));
      moveFocusByKeys(list, "[role=tab]", (tab) => choose(name, tab.dataset.id));
      return list;
    }

    function choose(name, id) {
      shown[name] = id;
      onchoose();
    }

    function mark(list, chosen) {
      for (const tab of list.children) {
        const isChosen = tab.dataset.id === chosen;
        tab.setAttribute("aria-selected", String(isChosen));
        tab.tabIndex = isChosen ? 0 : -1;
        if (isChosen && list === languages) output.setAttribute("aria-labelledby", tab.id);
      }
    }

    async function copyProgram() {
      try {
        await navigator.clipboard.writeText(text);
        announce("The call is copied.");
        copy.textContent = "Copied";
        setTimeout(() => {
          copy.textContent = "Copy";
        }, 1500);
      } catch {
        getSelection().selectAllChildren(code);
        announce("The browser does not allow copying; the call is selected.");
      }
    }

    /** Show a program and which language and transport it has. */
    function show(program) {
      mark(languages, shown.language);
      mark(transports, shown.transport);
      transports.classList.toggle("unused", shown.language === "json");
      if (program === text) return;
      text = program;
      code.replaceChildren(...highlight(program, shown.language));
    }

    return { element, show };
  }

  function highlight(program, language) {
    const parts = [];
    let end = 0;
    for (const match of program.matchAll(TOKENS)) {
      const kind = match[1] ? "string" : match[2] ? "comment" : "keyword";
      if (kind === "comment" && language === "json") continue;
      parts.push(program.slice(end, match.index), create("span", { class: kind }, match[0]));
      end = match.index + match[0].length;
    }
    return [...parts, program.slice(end)];
  }

  return { build, LANGUAGES, TRANSPORTS };
})();
