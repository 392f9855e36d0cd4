// A line that shows the result of an action.

import { el, say, set } from "./dom.js";

/** The line; `show` shows an answer of the add-on, `clear` nothing or that one is waited for. */
export function resultLine() {
  const element = el("p", { class: "result", role: "status" });
  return {
    element,
    show({ isDone, text }) {
      set(element, { class: `result ${isDone ? "good" : "bad"}` });
      say(element, text);
    },
    clear(text = "") {
      set(element, { class: "result" });
      say(element, text);
    },
  };
}
