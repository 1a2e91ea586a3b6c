"use strict";

/**
 * Fields of a form, one for each parameter.
 *
 * A field is {parameter, element, read, write, focus, showProblems}. `read` returns the value, undefined for an
 * omitted parameter. `write` shows a value without a call of `onchange`. `showProblems` takes the problems
 * below the field, [{path, message}], with paths relative to it.
 */
const fields = (() => {
  const { create, button, newId } = browser;
  const MAX_BUTTONS = 5;
  const MAX_BUTTON_CHARACTERS = 44;
  const MAX_SLIDER_STEPS = 10_000;
  const SWITCH_LABELS = new Map([[true, "On"], [false, "Off"]]);

  /** Return the field of a parameter; `context` is {onchange, cites, listCitations}. */
  function build(parameter, context) {
    if (parameter.kind === "media") return media.build(parameter, context);
    if (parameter.kind === "list") return containers.buildList(parameter, context);
    if (parameter.kind === "object" && parameter.properties?.length) {
      return containers.buildObject(parameter, context);
    }
    if (parameter.kind === "object" || parameter.kind === "json") return buildJson(parameter, context);
    if (parameter.kind === "switch") return buildChoice({ ...parameter, options: [true, false] }, context);
    if (parameter.kind === "choice") return buildChoice(parameter, context);
    if (parameter.kind === "number" || parameter.kind === "integer") return buildNumber(parameter, context);
    return buildText(parameter, context);
  }

  /** Return a value as the text of a label. */
  function labelOf(value) {
    if (SWITCH_LABELS.has(value)) return SWITCH_LABELS.get(value);
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /**
   * Return a field with label, description and errors around a control.
   *
   * @param parameter The parameter.
   * @param parts `control`, the element; `input`, the element that a label names, undefined for a group; `tools`,
   *   further elements beside the label; and `read`, `write`, `focus` and `onreset` of the field.
   */
  function frame(parameter, parts) {
    const isGroup = parts.input === undefined;
    const hintId = newId("hint");
    const errorId = newId("error");
    const errorElement = create("p", { class: "error", id: errorId, hidden: true });
    const reset = button("Reset", () => {
      parts.onreset();
      update();
      parts.focus();
    }, { class: "reset quiet", hidden: true, "aria-label": `Reset ${parameter.label}` });
    const label = create(isGroup ? "span" : "label", { class: "label", for: parts.input?.id }, parameter.label);
    const head = create("div", { class: "head" }, label,
      parameter.label === parameter.name ? undefined : create("code", {}, parameter.name),
      parameter.level === "required" ? create("span", { class: "required" }, "required") : undefined,
      create("span", { class: "space" }), reset, ...(parts.tools ?? []));
    const hint = create("p", { class: "hint", id: hintId }, describe(parameter));
    hint.hidden = hint.textContent === "";
    const element = create("div", { class: `field ${parameter.kind}`, "data-name": parameter.name },
      head, parts.control, errorElement, hint);
    const described = parts.input ?? parts.control;
    described.setAttribute("aria-describedby", `${errorId} ${hintId}`);
    if (isGroup) {
      label.id = newId("label");
      parts.control.setAttribute("role", parts.role ?? "group");
      parts.control.setAttribute("aria-labelledby", label.id);
    }
    if (parameter.level === "required" && (!isGroup || parts.role === "radiogroup")) {
      described.setAttribute("aria-required", "true");
    }

    function update() {
      reset.hidden = parameter.level === "required" || parts.read() === undefined;
    }

    function showProblems(problems) {
      update();
      const texts = problems.filter((problem) => !parts.showsInside?.(problem)).map(({ message }) => message);
      parts.showProblemsInside?.(problems);
      errorElement.textContent = texts.join("\n");
      errorElement.hidden = texts.length === 0;
      element.classList.toggle("invalid", texts.length > 0);
      if (texts.length > 0) described.setAttribute("aria-invalid", "true");
      else described.removeAttribute("aria-invalid");
    }

    return { parameter, element, read: parts.read, write: parts.write, focus: parts.focus, showProblems };
  }

  function describe(parameter) {
    const { minimum, maximum } = parameter;
    let range = "";
    if (minimum !== undefined && maximum !== undefined) range = `${minimum} to ${maximum}.`;
    else if (minimum !== undefined) range = `At least ${minimum}.`;
    else if (maximum !== undefined) range = `At most ${maximum}.`;
    return [parameter.description, range].filter(Boolean).join(" ");
  }

  function placeholderOf(parameter) {
    return parameter.default === undefined ? "" : labelOf(parameter.default);
  }

  function buildText(parameter, context) {
    const cites = context.cites(parameter);
    const isLong = parameter.level === "required" || cites;
    const input = create("textarea", {
      id: newId("field"), rows: isLong ? 3 : 1, placeholder: placeholderOf(parameter),
      oninput: context.onchange, spellcheck: false,
    });
    return frame(parameter, {
      control: input,
      input,
      tools: cites ? [citations.buildMenu(input, context)] : [],
      read: () => input.value || undefined,
      write(value) {
        input.value = value === undefined ? "" : labelOf(value);
      },
      onreset() {
        input.value = "";
        context.onchange();
      },
      focus: () => input.focus(),
    });
  }

  function buildJson(parameter, context) {
    const input = create("textarea", {
      id: newId("field"), rows: 2, class: "code", spellcheck: false, oninput: context.onchange,
      placeholder: parameter.kind === "object" ? '{"name": "value"}' : "JSON",
    });
    function read() {
      if (input.value.trim() === "") return undefined;
      try {
        return JSON.parse(input.value);
      } catch {
        return input.value;
      }
    }
    return frame(parameter, {
      control: input,
      input,
      read,
      write(value) {
        input.value = value === undefined ? "" : JSON.stringify(value, null, 1);
      },
      onreset() {
        input.value = "";
        context.onchange();
      },
      focus: () => input.focus(),
    });
  }

  function buildChoice(parameter, context) {
    const labels = parameter.options.map(labelOf);
    const isShort = labels.length <= MAX_BUTTONS && labels.join("").length <= MAX_BUTTON_CHARACTERS;
    return isShort ? buildButtons(parameter, context, labels) : buildSelect(parameter, context, labels);
  }

  function findOption(parameter, value) {
    return parameter.options.findIndex((option) => JSON.stringify(option) === JSON.stringify(value));
  }

  function buildButtons(parameter, context, labels) {
    const name = newId("radio");
    const inputs = labels.map((_, index) => create("input", {
      type: "radio", name, id: newId("field"), value: String(index), onchange: context.onchange,
    }));
    const control = create("div", { class: "segments" }, ...inputs.map((input, index) => {
      const isDefault = findOption(parameter, parameter.default) === index;
      const mark = isDefault ? create("span", { class: "default" }, " default") : undefined;
      return create("label", { class: "segment" }, input, create("span", {}, labels[index], ...(mark ? [mark] : [])));
    }));
    function read() {
      return parameter.options[inputs.findIndex((input) => input.checked)];
    }
    function write(value) {
      const index = findOption(parameter, value);
      inputs.forEach((input, position) => {
        input.checked = position === index;
      });
    }
    return frame(parameter, {
      control,
      role: "radiogroup",
      read,
      write,
      onreset() {
        write(undefined);
        context.onchange();
      },
      focus: () => (inputs.find((input) => input.checked) ?? inputs[0]).focus(),
    });
  }

  function buildSelect(parameter, context, labels) {
    const empty = parameter.default === undefined ? "Not set" : `${labelOf(parameter.default)} (default)`;
    const input = create("select", { id: newId("field"), onchange: context.onchange },
      create("option", { value: "" }, parameter.level === "required" ? "Choose…" : empty),
      ...labels.map((label, index) => create("option", { value: String(index) }, label)));
    function write(value) {
      const index = findOption(parameter, value);
      input.value = index < 0 ? "" : String(index);
    }
    return frame(parameter, {
      control: input,
      input,
      read: () => (input.value === "" ? undefined : parameter.options[Number(input.value)]),
      write,
      onreset() {
        write(undefined);
        context.onchange();
      },
      focus: () => input.focus(),
    });
  }

  function buildNumber(parameter, context) {
    const { minimum, maximum } = parameter;
    const step = parameter.step ?? (parameter.kind === "integer" ? 1 : "any");
    const input = create("input", {
      id: newId("field"), type: "text", inputMode: parameter.kind === "integer" ? "numeric" : "decimal",
      autocomplete: "off", placeholder: placeholderOf(parameter), oninput: onchange,
    });
    const hasSlider = minimum !== undefined && maximum !== undefined
      && (maximum - minimum) / (step === "any" ? 1 : step) <= MAX_SLIDER_STEPS;
    const slider = create("input", {
      type: "range", min: minimum, max: maximum, step: step === "any" ? (maximum - minimum) / 100 : step,
      "aria-label": `${parameter.label}, range`, oninput() {
        input.value = String(Number(slider.valueAsNumber.toPrecision(6)));
        onchange();
      },
    });
    const words = (parameter.options ?? []).map((option) => button(labelOf(option), () => {
      input.value = labelOf(option);
      onchange();
    }, { class: "quiet" }));
    function read() {
      const text = input.value.trim();
      if (text === "") return undefined;
      const number = Number(text);
      return Number.isFinite(number) && !/^0[xob]/i.test(text) ? number : text;
    }
    function moveSlider() {
      const value = read() ?? parameter.default;
      slider.value = typeof value === "number" ? value : minimum;
      slider.classList.toggle("omitted", read() === undefined);
    }
    function onchange() {
      moveSlider();
      context.onchange();
    }
    function write(value) {
      input.value = value === undefined ? "" : labelOf(value);
      moveSlider();
    }
    write(undefined);
    return frame(parameter, {
      control: create("div", { class: "amount" }, input, ...(hasSlider ? [slider] : []), ...words),
      input,
      read,
      write,
      onreset() {
        write(undefined);
        context.onchange();
      },
      focus: () => input.focus(),
    });
  }

  return { build, frame, labelOf };
})();
