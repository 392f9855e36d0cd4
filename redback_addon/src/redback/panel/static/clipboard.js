// Copies text, even in an insecure context such as plain HTTP.

import { el, say } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN = 2_000; // milliseconds for which a button shows the result

function copyBySelection(text) {
  const field = el("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
  field.value = text;
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isDone;
}

/** Copies a text; resolves to whether it worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** A button that copies a text; `what` names the text for screen readers, and begins with `noun`. */
export function copyButton(text, what, noun = "") {
  const name = `Copy ${noun}`.trim();
  const label = el("span", {}, name);
  const press = async () => {
    const words = (await copy(text)) ? "Copied" : "Not copied";
    say(label, words);
    say(document.getElementById("announcer"), `${words}: ${what}`);
    setTimeout(() => say(label, name), SHOWN);
  };
  return el(
    "button",
    { class: "plain copy", type: "button", "aria-label": `Copy ${what}`, onclick: press },
    icon("copy"),
    label,
  );
}
