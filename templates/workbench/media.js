"use strict";

/** Fields of images, videos, audio and files: a URL, or a file that is chosen or dropped. */
const media = (() => {
  const { create, createButton, newId, createPreview } = browser;
  const MAX_DATA_BYTES = 32_768;
  const ACCEPTED = { image: "image/*", video: "video/*", audio: "audio/*" };
  const IS_PATH = /^(\/|[a-z]:[\\/])/i;
  /** The paths that are valid as media: all absolute ones, because the server decides which files it reads. */
  const files = { has: (path) => session.isServed() && IS_PATH.test(path) };

  /** Return the field of a medium. */
  function build(parameter, context) {
    const input = create("input", {
      id: newId("field"), type: "text", inputMode: "url", autocomplete: "off", spellcheck: false,
      placeholder: fields.formatValue(parameter.default ?? "https://… or a file"),
      oninput() {
        showPreview();
        context.onchange();
      },
    });
    const shown = create("div", { class: "preview" });
    const problem = create("p", { class: "error", role: "alert", hidden: true });
    const choose = createButton("File…", () => {}, { "aria-label": `Choose a file for ${parameter.label}` });
    const control = create("div", { class: "medium" },
      create("div", { class: "line" }, input, choose), problem, shown);
    acceptFiles(control, choose, context, parameter, (value) => {
      input.value = value;
      showPreview();
      context.onchange();
    }, problem);

    /** Show the medium; one of another host only after a click, because loading it sends a request there. */
    function showPreview() {
      const value = input.value.trim();
      if (/^data:/i.test(value)) showSource(value);
      else if (/^https?:/i.test(value)) {
        shown.replaceChildren(createButton("Show preview", () => showSource(value), { class: "quiet" }));
      } else if (files.has(value)) showSource(`/files/${encodeURIComponent(value.split(/[\\/]/).at(-1))}`);
      else shown.replaceChildren();
    }

    function showSource(source) {
      const element = createPreview(parameter.mediaKind, source, `Preview of ${parameter.label}`);
      element.addEventListener("error", () => shown.replaceChildren("No preview is available."));
      shown.replaceChildren(element);
    }

    return fields.frame(parameter, context, {
      control,
      input,
      read: () => (input.value.trim() === "" ? undefined : input.value.trim()),
      write(value) {
        input.value = value === undefined ? "" : fields.formatValue(value);
        showPreview();
      },
    });
  }

  /**
   * Accept files that are dropped on an element or chosen by a button.
   *
   * @param {HTMLElement} target Where files are dropped.
   * @param {HTMLButtonElement} chooser The button that opens the dialog.
   * @param context The context of the form.
   * @param parameter The parameter of the medium.
   * @param {(value: string) => void} onvalue Called with the value for each file.
   * @param {HTMLElement} problem Shows why a file is not accepted.
   */
  function acceptFiles(target, chooser, context, parameter, onvalue, problem) {
    const input = create("input", {
      type: "file", hidden: true, multiple: true, accept: ACCEPTED[parameter.mediaKind] ?? "",
      onchange: () => acceptAll([...input.files]),
    });
    target.append(input);
    chooser.addEventListener("click", () => {
      input.value = "";
      input.click();
    });
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      target.classList.add("dropping");
    });
    target.addEventListener("dragleave", () => target.classList.remove("dropping"));
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      target.classList.remove("dropping");
      acceptAll([...event.dataTransfer.files]);
    });

    async function acceptAll(chosen) {
      problem.hidden = true;
      for (const file of chosen) {
        try {
          onvalue(await convertFile(file));
        } catch (error) {
          problem.textContent = error.message;
          problem.hidden = false;
        }
      }
    }
  }

  async function convertFile(file) {
    if (session.isServed()) return (await session.upload(file)).path;
    if (file.size > MAX_DATA_BYTES) {
      throw new Error(
        `${file.name} must have at most ${MAX_DATA_BYTES.toLocaleString("en")} bytes; pass a URL,`
        + ' or run "oxen-models workbench"',
      );
    }
    const reader = new FileReader();
    const loaded = new Promise((resolve, reject) => {
      reader.addEventListener("load", resolve);
      reader.addEventListener("error", () => reject(new Error(`${file.name} cannot be read`)));
    });
    reader.readAsDataURL(file);
    await loaded;
    return reader.result;
  }

  return { build, acceptFiles, files };
})();
