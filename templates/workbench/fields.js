"use strict";

/**
 * Fields of a form, one for each parameter.
 *
 * A field is {parameter, element, read, write, focus, showProblems}. `read` returns the value, undefined for
 * an omitted parameter. `write` shows a value without a call of `onchange`. `showProblems` takes the problems
 * below the field, [{path, message}], with paths relative to it.
 */
const fields = (() => {
  const { create, createButton, newId } = browser;
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
    if (parameter.kind === "switch") {
      return buildChoice({ ...parameter, options: [true, false, ...(parameter.options ?? [])] }, context);
    }
    if (parameter.kind === "choice") return buildChoice(parameter, context);
    if (parameter.kind === "number" || parameter.kind === "integer") return buildNumber(parameter, context);
    return buildText(parameter, context);
  }

  /** Return a value as the text of a label. */
  function formatValue(value) {
    if (SWITCH_LABELS.has(value)) return SWITCH_LABELS.get(value);
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /**
   * Return a field with label, description and errors around a control.
   *
   * @param parameter The parameter.
   * @param context The context of the form.
   * @param parts `control`, the element; `input`, the element that a label names, undefined for a group;
   *   `tools`, further elements beside the label; `read` and `write` of the field; and `focus` of a group.
   */
  function frame(parameter, context, parts) {
    const { control, input, read, write, focus = () => input.focus() } = parts;
    const isRequired = parameter.level === "required";
    const error = create("p", { class: "error", id: newId("error"), hidden: true });
    const hint = create("p", { class: "hint", id: newId("hint") }, describe(parameter));
    const reset = createButton("Reset", () => {
      write(undefined);
      context.onchange();
      focus();
    }, { class: "quiet", hidden: true, "aria-label": `Reset ${parameter.label}` });
    const label = create(input ? "label" : "span", {
      class: "label", id: newId("label"), for: input?.id,
    }, parameter.label);
    const head = create("div", { class: "head" }, label,
      parameter.label === parameter.name ? undefined : create("code", {}, parameter.name),
      isRequired ? create("span", { class: "required" }, "required") : undefined,
      create("span", { class: "space" }), reset, ...(parts.tools ?? []));
    const element = create("div", { class: "field", "data-name": parameter.name },
      head, control, error, hint);
    const described = input ?? control;
    described.setAttribute("aria-describedby", `${error.id} ${hint.id}`);
    if (!input) {
      control.setAttribute("role", parts.role ?? "group");
      control.setAttribute("aria-labelledby", label.id);
    }
    if (isRequired && (input || parts.role)) described.setAttribute("aria-required", "true");

    function showProblems(problems) {
      reset.hidden = isRequired || read() === undefined;
      const texts = problems.filter((problem) => !parts.showsInside?.(problem)).map(({ message }) => message);
      parts.showProblemsInside?.(problems);
      error.textContent = texts.join("\n");
      error.hidden = texts.length === 0;
      if (error.hidden) described.removeAttribute("aria-invalid");
      else described.setAttribute("aria-invalid", "true");
    }

    return { parameter, element, read, write, focus, showProblems };
  }

  function describe(parameter) {
    const { minimum, maximum } = parameter;
    let range = "";
    if (minimum !== undefined && maximum !== undefined) range = `${minimum} to ${maximum}.`;
    else if (minimum !== undefined) range = `At least ${minimum}.`;
    else if (maximum !== undefined) range = `At most ${maximum}.`;
    const description = parameter.description?.replace(/[^.!?]$/, "$&.");
    return [description, range].filter(Boolean).join(" ");
  }

  function formatPlaceholder(parameter) {
    return parameter.default === undefined ? "" : formatValue(parameter.default);
  }

  function buildText(parameter, context) {
    const cites = context.cites(parameter);
    const isLong = parameter.level === "required" || cites;
    const input = create("textarea", {
      id: newId("field"), rows: isLong ? 3 : 1, placeholder: formatPlaceholder(parameter),
      oninput: context.onchange, spellcheck: false,
    });
    return frame(parameter, context, {
      control: input,
      input,
      tools: cites ? [citations.buildMenu(input, context)] : [],
      read: () => input.value || undefined,
      write(value) {
        input.value = value === undefined ? "" : formatValue(value);
      },
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
    return frame(parameter, context, {
      control: input,
      input,
      read,
      write(value) {
        input.value = value === undefined ? "" : JSON.stringify(value, null, 1);
      },
    });
  }

  function buildChoice(parameter, context) {
    const labels = parameter.options.map(formatValue);
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
      return create("label", { class: "segment" }, input, create("span", {}, labels[index],
        isDefault ? create("span", { class: "default" }, " default") : undefined));
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
    return frame(parameter, context, {
      control,
      role: "radiogroup",
      read,
      write,
      focus: () => (inputs.find((input) => input.checked) ?? inputs[0]).focus(),
    });
  }

  function buildSelect(parameter, context, labels) {
    const empty = parameter.default === undefined ? "Not set" : `${formatValue(parameter.default)} (default)`;
    const input = create("select", { id: newId("field"), onchange: context.onchange },
      create("option", { value: "" }, parameter.level === "required" ? "Choose…" : empty),
      ...labels.map((label, index) => create("option", { value: String(index) }, label)));
    function write(value) {
      const index = findOption(parameter, value);
      input.value = index < 0 ? "" : String(index);
    }
    return frame(parameter, context, {
      control: input,
      input,
      read: () => (input.value === "" ? undefined : parameter.options[Number(input.value)]),
      write,
    });
  }

  function buildNumber(parameter, context) {
    const { minimum, maximum } = parameter;
    const step = parameter.step ?? (parameter.kind === "integer" ? 1 : "any");
    const input = create("input", {
      id: newId("field"), type: "text", inputMode: parameter.kind === "integer" ? "numeric" : "decimal",
      autocomplete: "off", placeholder: formatPlaceholder(parameter), oninput: onchange,
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
    const words = (parameter.options ?? []).map((option) => createButton(formatValue(option), () => {
      input.value = formatValue(option);
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
      input.value = value === undefined ? "" : formatValue(value);
      moveSlider();
    }
    write(undefined);
    return frame(parameter, context, {
      control: create("div", { class: "amount" }, input, ...(hasSlider ? [slider] : []), ...words),
      input,
      read,
      write,
    });
  }

  return { build, frame, formatValue };
})();
