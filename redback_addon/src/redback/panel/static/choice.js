// Buttons of which one is pressed.

import { el, set } from "./dom.js";

/** A choice; `value` is the value of the button that is pressed. */
export class Choice {
  /**
   * @param {string} name for screen readers.
   * @param {[string, (string | Node)[]][]} options each value with what its button shows.
   * @param {string} value what is pressed at first.
   * @param {() => void} onChange called when another one is pressed.
   * @param {string} look the class of the group; by default the buttons touch each other.
   */
  constructor(name, options, value, onChange, look = "choices") {
    this.onChange = onChange;
    this.value = value;
    this.buttons = new Map(
      options.map(([value, shown]) => [
        value,
        el("button", { class: "plain choice", type: "button", onclick: () => this.#press(value) }, shown),
      ]),
    );
    this.element = el("div", { class: look, role: "group", "aria-label": name }, ...this.buttons.values());
    this.#show();
  }

  #press(value) {
    if (this.value === value) return;
    this.set(value);
    this.onChange();
  }

  /** Presses another button, which changes nothing else. */
  set(value) {
    this.value = value;
    this.#show();
  }

  #show() {
    this.buttons.forEach((button, value) => set(button, { "aria-pressed": value === this.value }));
  }
}
