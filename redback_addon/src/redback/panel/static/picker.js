// Lets people choose one of several inverters; hidden if there is only one.

import { el, set, whenChanged } from "./dom.js";

/** Choice of an inverter by serial; `value` is null for all inverters. */
export class Picker {
  /**
   * @param {string | null} all the label for all inverters; null = one must be chosen.
   * @param {() => void} onChange called when another is chosen.
   */
  constructor(all, onChange) {
    this.all = all;
    this.select = el("select", { onchange: onChange });
    this.element = el("label", { hidden: true }, "Inverter", this.select);
    this.draw = whenChanged((inverters) => this.#draw(inverters));
  }

  get value() {
    return this.select.value || null;
  }

  /** The name of the inverter; empty if there is only one. */
  get name() {
    return this.element.hidden ? "" : this.select.selectedOptions[0].text;
  }

  /** Updates the list of inverters; keeps the choice if it is still there. */
  show(inverters) {
    this.draw(inverters.map(({ serial, name }) => ({ serial, name })));
  }

  #draw(inverters) {
    const chosen = this.select.value;
    const options = inverters.map(({ serial, name }) => el("option", { value: serial }, name));
    if (this.all) options.unshift(el("option", { value: "" }, this.all));
    this.select.replaceChildren(...options);
    if (inverters.some(({ serial }) => serial === chosen)) this.select.value = chosen;
    set(this.element, { hidden: inverters.length > 1 ? null : "" });
  }
}
