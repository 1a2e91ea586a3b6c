"use strict";

/** Elements, messages and the keyboard. Values are set as text or attributes, never as markup. */
const browser = (() => {
  let lastNumber = 0;

  /**
   * Return a new element. Properties that start with "on" are listeners, `class` and names with a hyphen are
   * attributes, all others are properties of the element; undefined ones are omitted.
   */
  function create(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "class" || name === "role" || name === "for" || name.includes("-")) {
        element.setAttribute(name, value);
      } else element[name] = value;
    }
    element.append(...children.filter((child) => child !== undefined));
    return element;
  }

  /** Return a button that submits nothing. */
  function createButton(label, onclick, properties = {}) {
    return create("button", { type: "button", onclick, ...properties }, label);
  }

  /** Return a button whose label is a sign, with a name for assistive technology. */
  function createIconButton(sign, name, onclick, properties = {}) {
    return createButton(sign, onclick, { class: "icon", title: name, "aria-label": name, ...properties });
  }

  /** Return an id that no other element has. */
  function newId(prefix = "e") {
    lastNumber += 1;
    return `${prefix}-${lastNumber}`;
  }

  /** Announce a status to assistive technology. */
  function announce(text) {
    document.getElementById("status").textContent = text;
  }

  /** Show a message at the top of the page until it is closed; "" hides it. */
  function showMessage(text) {
    const message = document.getElementById("message");
    message.hidden = text === "";
    message.firstElementChild.textContent = text;
  }

  /**
   * Move the focus among elements by the arrow keys, Home and End; only one is in the tab order.
   *
   * @param {HTMLElement} container The element that contains the items.
   * @param {string} selector The items.
   * @param {(item: HTMLElement) => void} choose Called with the item that has the focus.
   */
  function moveFocusByKeys(container, selector, choose) {
    container.addEventListener("keydown", (event) => {
      const items = [...container.querySelectorAll(selector)];
      const current = items.indexOf(document.activeElement);
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      let next;
      if (event.key in steps) next = (current + steps[event.key] + items.length) % items.length;
      else if (event.key === "Home") next = 0;
      else if (event.key === "End") next = items.length - 1;
      else return;
      event.preventDefault();
      items[next].focus();
      choose(items[next]);
    });
  }

  /** Return an image, a player of a video or a player of a sound. */
  function createPreview(kind, source, label) {
    if (kind === "video" || kind === "audio") {
      return create(kind, { src: source, controls: true, preload: "metadata", "aria-label": label });
    }
    return create("img", { src: source, alt: label, loading: "lazy" });
  }

  return {
    create, createButton, createIconButton, newId, announce, showMessage, moveFocusByKeys, createPreview,
  };
})();
