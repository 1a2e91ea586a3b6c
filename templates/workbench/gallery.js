"use strict";

/** The runs of the session and the results of earlier ones, which can be used again. */
const gallery = (() => {
  const { create, createButton, createPreview, showMessage } = browser;

  /**
   * Return the section as {element, start}.
   *
   * @param {(model: string, values: object) => void} onreuse Puts an earlier request in the form.
   */
  function build(onreuse) {
    const rows = create("tbody");
    const table = create("table", { hidden: true }, create("caption", {}, "Runs of this session"),
      create("thead", {}, create("tr", {}, ...["Model", "Status", "Cost", "Started", ""].map(
        (title) => create("th", { scope: "col" }, title)))), rows);
    const grid = create("ul", { class: "grid" });
    const empty = create("p", { class: "hint" },
      "Results appear here, also those of earlier sessions in the output folder.");
    const budget = document.getElementById("budget");
    const element = create("section", { class: "history", "aria-label": "History" },
      create("div", { class: "scroll" }, table), create("h2", {}, "History"), empty, grid);
    const shown = new Map();

    function showRun(run) {
      const hasEnded = runs.hasEnded(run);
      const row = create("tr", {}, create("td", {}, run.model),
        create("td", { class: run.status }, runs.STATUS[run.status],
          run.error === null ? undefined : create("p", { class: "error" }, run.error)),
        create("td", {}, run.cost === null ? "" : runs.formatAmount(run.cost)),
        create("td", {}, new Date(run.created).toLocaleTimeString()),
        create("td", {}, hasEnded ? undefined : buildCancel(run), buildReuse(run.model, run.values)));
      const previous = shown.get(run.id);
      if (previous) previous.row.replaceWith(row);
      else rows.prepend(row);
      if (hasEnded && previous && !previous.hasEnded) refresh().catch(showError);
      shown.set(run.id, { row, hasEnded });
      table.hidden = false;
    }

    /** Return a button that cancels a run, which the events of the run report. */
    function buildCancel({ id, model }) {
      return createButton("Cancel", () => session.cancel(id).catch(showError), {
        class: "quiet", "aria-label": `Cancel the run of ${model}`,
      });
    }

    const showError = (error) => showMessage(error.message);

    function buildReuse(model, values) {
      return createButton("Use again", () => onreuse(model, values), {
        class: "quiet", "aria-label": `Use the request to ${model} again`,
      });
    }

    async function refresh() {
      const [current, history] = await Promise.all([
        session.send("GET", "/api/session"), session.send("GET", "/api/history"),
      ]);
      showBudget(current);
      empty.hidden = history.items.length > 0;
      grid.replaceChildren(...history.items.map((item) => create("li", {},
        createPreview(item.kind, item.url, `Result of ${item.model ?? item.name}`),
        create("div", { class: "line" },
          create("a", { href: item.url, target: "_blank", rel: "noopener" }, item.model ?? item.name),
          create("span", { class: "space" }), item.cost === null ? undefined : runs.formatAmount(item.cost)),
        item.model ? buildReuse(item.model, item.values) : undefined)));
    }

    function showBudget({ demo, budget: { limit, spent }, has_key: hasKey }) {
      const parts = [demo ? "Demo: nothing is billed" : undefined, hasKey || demo ? undefined : "No API key",
        `spent ${runs.formatAmount(spent)}` + (limit === null ? "" : ` of ${runs.formatAmount(limit)}`)];
      budget.textContent = parts.filter(Boolean).join(" · ");
    }

    /** Show the runs and the files of the server, and each later run. */
    async function start() {
      runs.observe(showRun);
      const response = await session.send("GET", "/api/runs");
      [...response.runs].sort((a, b) => a.created.localeCompare(b.created)).forEach((run) => {
        showRun(run);
        if (!runs.hasEnded(run)) session.follow(run.id, showRun).catch(showError);
      });
      await refresh();
    }

    return { element, start };
  }

  return { build };
})();
