// The card Status, below the pictures: whether everything works, and whether hours are missing.

import { el, say, set } from "./dom.js";
import * as format from "./format.js";
import { icon } from "./icons.js";
import { moment, now } from "./time.js";

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

/** The reason why filling waits: "Waiting until 12:34: the cloud does not answer." */
function held({ why, until }) {
  if (!until) return `Waiting: ${why}.`;
  return Date.parse(until) > now() ? `Waiting until ${moment(until)}: ${why}.` : `Trying again: ${why}.`;
}

/** How complete the history is, as a state and a sentence. */
export function historyInWords(history) {
  const { is_known: isKnown, is_paused: isPaused, left, fetched, failed, failed_lately: lately, hold } = history;
  if (!isKnown && isPaused) return ["waiting", "Filling is paused."];
  if (!isKnown) return ["waiting", "Checking for gaps starts after the first reading."];
  const lost = failed ? ` ${format.many(failed, "hour")} could not be filled.` : "";
  if (!left) {
    const paused = isPaused ? " Filling is paused." : "";
    return [lately ? "bad" : isPaused ? "waiting" : "good", `${lost.trim() || "Nothing is missing."}${paused}`];
  }
  const some = fetched === left ? "fetched" : `${format.count(fetched)} of them fetched`;
  const missing = `${format.many(left, "hour")} missing${fetched ? `, ${some} and not yet written` : ""}.`;
  const doing = isPaused ? "Filling is paused." : hold ? held(hold) : "Filling now.";
  return [lately ? "bad" : "waiting", `${missing} ${doing}${lost}`];
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
