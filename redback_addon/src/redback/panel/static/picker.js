// Lets people choose one of several inverters; where there is only one there is nothing to choose.

import { el, set, whenChanged } from "./dom.js";

/** A choice of an inverter's serial; `value` is null for all of them. */
export class Picker {
  /**
   * @param {string | null} all what stands for all inverters together; null = one must be chosen.
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

  /** Takes the inverters that there are; the choice stays as long as it is among them. */
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
