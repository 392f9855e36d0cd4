// The card Status, below the pictures: whether everything works, and whether hours are missing.

import { el, say, set } from "./dom.js";
import * as format from "./format.js";
import { icon } from "./icons.js";

const ICONS = { good: "good", bad: "bad", waiting: "waiting" };

class Row {
  constructor(name, href) {
    this.mark = el("span", { class: "mark" });
    this.text = el("span", { class: "text" });
    this.element = el("li", {}, el("a", { href }, this.mark, el("b", {}, name), this.text));
  }

  show(state, text) {
    if (this.mark.dataset.state !== state) {
      set(this.mark, { "data-state": state });
      this.mark.replaceChildren(icon(ICONS[state] ?? "waiting"));
    }
    say(this.text, text);
  }
}

/** How complete the history is, as a state and a sentence. */
export function historyInWords(history) {
  const { is_known: isKnown, is_paused: isPaused, left, failed, rejections } = history;
  if (!isKnown) return ["waiting", "Checking for gaps starts after the first reading."];
  const missing = format.many(left, "hour");
  if (left && isPaused) return ["waiting", `${missing} missing. Filling is paused.`];
  if (left) return ["waiting", `${missing} missing, filling now.`];
  if (isPaused) return ["waiting", "Nothing is missing. Filling is paused."];
  if (failed) return ["bad", `${format.many(failed, "hour")} could not be filled.`];
  if (rejections?.length) return ["bad", rejections[0]];
  return ["good", "Nothing is missing."];
}

/** @returns the card with one row each for the cloud, Core and the history. */
export function glance() {
  const rows = {
    cloud: new Row("Redback cloud", "#health"),
    core: new Row("Home Assistant", "#health"),
    history: new Row("History", "#history"),
  };
  return {
    element: el(
      "article",
      { class: "card glance" },
      el("h3", {}, "Status"),
      el("ul", {}, ...Object.values(rows).map(({ element }) => element)),
    ),
    show({ health, history }) {
      rows.cloud.show(health.cloud.state, health.cloud.text);
      rows.core.show(health.core.state, health.core.text);
      rows.history.show(...historyInWords(history));
    },
  };
}
