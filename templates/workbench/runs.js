"use strict";

/** Runs of requests by the server: the button, the confirmation, the progress and the result. */
const runs = (() => {
  const { create, createButton, newId, announce, createPreview } = browser;
  const ENDED = new Set(["succeeded", "failed", "cancelled", "unknown"]);
  const STATUS = {
    queued: "Queued", running: "Running", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
    unknown: "Outcome unknown",
  };
  const MAX_COUNT = 4;
  let onrun = () => {};

  /**
   * Return the button that runs a request as {element, outcome, count, showEstimate}.
   *
   * @param {object} source `read` returns {model, values}, `check` their problems; `onproblems` shows
   *   problems, and `onchange` is called after a change of the number of results.
   */
  function buildControls(source) {
    const outcome = create("div", { class: "outcome" });
    if (!session.isServed()) {
      const command = create("code", {}, "oxen-models workbench");
      const hint = create("p", { class: "hint" }, "To run requests here: ", command);
      return { element: hint, outcome, count: () => 1, showEstimate: () => {} };
    }
    const count = create("input", {
      id: newId("count"), type: "number", min: 1, max: MAX_COUNT, value: "1", oninput: source.onchange,
      onchange: () => {
        count.value = readCount();
      },
    });
    const price = create("span");
    const run = createButton("Run", () => start(false), { class: "primary" });
    run.append(price);
    const element = create("div", { class: "line" },
      create("label", { for: count.id }, "Results"), count, run);

    async function start(isConfirmed) {
      const problems = source.check();
      if (problems.length > 0) {
        source.onproblems(problems);
        return;
      }
      const { model, values } = source.read();
      const body = { model: model.id, values, count: readCount(), is_confirmed: isConfirmed };
      run.disabled = true;
      try {
        const response = await session.send("POST", "/api/runs", body);
        const card = buildCard(response.run);
        outcome.replaceChildren(card.element);
        announce("The request is sent.");
        await card.follow();
      } catch (error) {
        if (error.details?.kind === "confirm") confirm(error);
        else showError(error, model.id);
      } finally {
        run.disabled = false;
      }
    }

    function confirm(error) {
      const dialog = document.getElementById("confirmation");
      dialog.querySelector("p").textContent = estimates.describe(error.details.estimate);
      dialog.returnValue = "";
      dialog.addEventListener("close", () => {
        run.focus();
        if (dialog.returnValue === "confirmed") start(true);
      }, { once: true });
      dialog.showModal();
    }

    function showError(error, id) {
      const problems = (error.details?.problems ?? [])
        .map(({ parameter, message }) => ({ path: [engine.findWireName(id, parameter)], message }));
      if (problems.length > 0) source.onproblems(problems);
      outcome.replaceChildren(create("p", { class: "error", role: "alert" }, error.message));
    }

    function readCount() {
      return Math.min(MAX_COUNT, Math.max(1, Math.trunc(Number(count.value)) || 1));
    }

    function showEstimate(estimate) {
      price.textContent = "reason" in estimate ? "" : ` · ${estimates.formatCost(estimate)}`;
    }

    return { element, outcome, count: readCount, showEstimate };
  }

  /** Return an amount of money as text. */
  const formatAmount = (amount) => decimals.formatDollars(decimals.read(amount));

  const hasEnded = ({ status }) => ENDED.has(status);

  /** Return the card of a run as {element, follow}; `follow` ends with the run. */
  function buildCard(run) {
    const state = create("strong", { class: "state" });
    const elapsed = create("span", { class: "elapsed" });
    const cost = create("span", { class: "cost" });
    const cancel = createButton("Cancel", async () => {
      cancel.disabled = true;
      try {
        show((await session.cancel(run.id)).run);
      } catch (failure) {
        cancel.disabled = false;
        error.textContent = failure.message;
        error.hidden = false;
      }
    }, { class: "quiet" });
    const error = create("p", { class: "error", role: "alert", hidden: true });
    const files = create("div", { class: "files" });
    const bar = create("progress", { "aria-label": "Progress of the run" });
    const element = create("article", { class: "run", "aria-label": `Run of ${run.model}` },
      create("div", { class: "line" }, state, elapsed, cost, create("span", { class: "space" }), cancel),
      bar, error, files);
    const started = Date.now();

    function show(next) {
      // The response to a cancellation may arrive before an event of an earlier state.
      if (hasEnded(element.dataset) && !hasEnded(next)) return;
      const isNew = next.status !== element.dataset.status;
      element.dataset.status = next.status;
      state.textContent = STATUS[next.status];
      cost.textContent = next.cost === null ? "" : formatAmount(next.cost);
      cancel.hidden = hasEnded(next);
      bar.hidden = hasEnded(next);
      error.hidden = !next.error;
      error.textContent = next.error ?? "";
      if (files.childElementCount !== next.files.length) {
        files.replaceChildren(...next.files.map((file) => create("figure", {},
          createPreview(file.kind, file.url, `Result ${file.name}`),
          create("figcaption", {},
            create("a", { href: file.url, target: "_blank", rel: "noopener" }, file.name)))));
      }
      if (isNew) announce(state.textContent + (next.error ? `: ${next.error}` : ""));
      onrun(next);
    }

    async function follow() {
      const timer = setInterval(showElapsed, 1000);
      showElapsed();
      try {
        await session.follow(run.id, show);
        if (!hasEnded(element.dataset)) throw new Error("the server has ended; the job may continue");
      } finally {
        clearInterval(timer);
        showElapsed();
      }
    }

    function showElapsed() {
      elapsed.textContent = `${Math.round((Date.now() - started) / 1000)} s`;
    }

    show(run);
    return { element, follow };
  }

  /** Call a function with each state of each run. */
  function observe(observer) {
    onrun = observer;
  }

  return { buildControls, formatAmount, hasEnded, observe, STATUS };
})();
