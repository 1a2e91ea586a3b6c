"use strict";

/** The menu that inserts a citation of a medium, such as `@Image1`, into a text. */
const citations = (() => {
  const { create, createButton, createIconButton, newId, moveFocusByKeys } = browser;

  /** Return a button with a menu for a text area; `context.listCitations` returns its items. */
  function buildMenu(input, context) {
    const menu = create("div", { class: "menu", role: "menu", id: newId("menu"), hidden: true });
    const opener = createIconButton("@", "Cite a medium", () => (menu.hidden ? open() : close()), {
      "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": menu.id,
    });
    const element = create("div", { class: "citation", onfocusout }, opener, menu);

    function open() {
      menu.replaceChildren(...context.listCitations().map((citation) => createButton(citation, () => {
        input.setRangeText(citation, input.selectionStart, input.selectionEnd, "end");
        close();
        input.focus();
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }, { role: "menuitem", tabIndex: -1 })));
      menu.hidden = false;
      opener.setAttribute("aria-expanded", "true");
      menu.firstElementChild.focus();
    }

    function close() {
      menu.hidden = true;
      opener.setAttribute("aria-expanded", "false");
    }

    function onfocusout(event) {
      if (!element.contains(event.relatedTarget)) close();
    }

    moveFocusByKeys(menu, "[role=menuitem]", () => {});
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      close();
      opener.focus();
    });
    return element;
  }

  return { buildMenu };
})();
