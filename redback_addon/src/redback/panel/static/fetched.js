// Shows an answer of the add-on, or an error with a button to try again.

import { el, replaceIn } from "./dom.js";
import { get } from "./server.js";

/** An element that shows an answer of the add-on. */
export class Fetched {
  /**
   * @param {(answer: object) => Node[]} draw makes the nodes for an answer.
   */
  constructor(draw) {
    this.draw = draw;
    this.element = el("div", { class: "content" }, el("p", { class: "quiet" }, "Loading …"));
    this.latest = 0;
  }

  /** Requests a path below data/ and shows the answer; the old one stays until then. */
  async load(path) {
    const mine = ++this.latest;
    let shown;
    try {
      const answer = await get(path);
      if (mine !== this.latest) return; // a newer request was made meanwhile
      shown = this.draw(answer);
    } catch (error) {
      if (mine !== this.latest) return;
      shown = [this.#failed(error.message, path)];
    }
    replaceIn(this.element, shown);
  }

  #failed(sentence, path) {
    const again = () => this.load(path);
    return el(
      "div",
      { class: "card failed" },
      el("p", { role: "alert" }, sentence),
      el("button", { class: "plain", type: "button", onclick: again }, "Try again"),
    );
  }
}
