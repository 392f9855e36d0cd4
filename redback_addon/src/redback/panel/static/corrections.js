// The corrections of sums in Home Assistant: a list, and a button to take each one back.

import { confirm } from "./confirm.js";
import { breakable, el, set } from "./dom.js";
import { Fetched } from "./fetched.js";
import * as format from "./format.js";
import { post } from "./server.js";
import { moment } from "./time.js";

const QUESTION =
  "From that hour on, this entity's sums go back to what they were. The add-on will not correct this hour again.";

/** The card with all corrections; hidden if there are none. */
export class Corrections {
  /**
   * @param {{element: HTMLElement, show: (answer: object) => void}} result shows the answer.
   */
  constructor(result) {
    this.result = result;
    this.list = new Fetched(({ corrections }) => {
      set(this.element, { hidden: corrections.length ? null : "" });
      return [el("ul", { class: "corrections" }, corrections.map((one) => this.#item(one)))];
    });
    this.element = el(
      "article",
      { class: "card", id: "corrections", hidden: true },
      el("h3", {}, "Corrections of sums"),
      el("p", { class: "under" }, "The add-on added these amounts to an entity's sums, from the given hour on, so that each hour shows its own energy."),
      this.list.element,
      result.element,
    );
  }

  load() {
    return this.list.load("corrections");
  }

  #item({ number, entity_id: id, hour, amount_kwh: amount, why, at, is_undone: isUndone }) {
    const name = `${id}, ${moment(hour)}`;
    const press = (event) => this.#takeBack(event.target, number, `${name}: ${format.change(amount)} kWh`);
    return el(
      "li",
      { "data-number": number },
      el(
        "div",
        {},
        el("h4", {}, el("code", {}, breakable(id))),
        el("p", {}, `${format.change(amount)} kWh from ${moment(hour)} on. ${why}`),
        el("p", { class: "under" }, `Corrected at ${moment(at)}.`),
      ),
      isUndone
        ? el("span", { class: "chip", "data-level": "none" }, "taken back")
        : el("button", { class: "plain", type: "button", "aria-label": `Take back ${name}`, onclick: press }, "Take back"),
    );
  }

  async #takeBack(button, number, title) {
    if (!(await confirm(title, QUESTION, "Take back"))) return;
    set(button, { disabled: "" });
    this.result.show(await post("history/take-back", { number }));
    set(button, { disabled: null });
    await this.load();
  }
}
