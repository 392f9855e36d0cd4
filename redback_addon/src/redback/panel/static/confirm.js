// Asks for confirmation.

import { el } from "./dom.js";

/** Shows a dialog with two buttons; resolves to whether it was confirmed. */
export function confirm(title, text, words) {
  // Safari before 15.4 has no dialogs of the page's own.
  if (!window.HTMLDialogElement) return Promise.resolve(window.confirm(`${title}\n${text}`));
  return new Promise((resolve) => {
    const close = (value) => () => dialog.close(value);
    const dialog = el(
      "dialog",
      { "aria-labelledby": "question" },
      el("h3", { id: "question" }, title),
      el("p", {}, text),
      el(
        "div",
        { class: "row" },
        el("button", { class: "plain", type: "button", onclick: close("") }, "Cancel"),
        el("button", { type: "button", onclick: close("yes"), autofocus: true }, words),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
