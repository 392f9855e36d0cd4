// The section Day: power over the day, and its energy so far.

import { Chart } from "./chart.js";
import { el } from "./dom.js";
import { energyTiles } from "./energy.js";
import { Fetched } from "./fetched.js";
import { hours } from "./hours.js";
import { Picker } from "./picker.js";

const FRESH = 60_000; // milliseconds; there is a new value each minute

/** @returns the section Day. */
export function day(content) {
  let timer;
  const chart = new Chart();
  const energy = el("div");
  const table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Hours" });
  const missing = el("p", { class: "quiet", hidden: true }, "The chart could not be downloaded when this version was installed. The table has its values; the next update tries again.");
  const details = el("details", {}, el("summary", {}, "The same as a table"), table);
  const cards = [
    el(
      "article",
      { class: "card" },
      el("h3", { class: "unseen" }, "Power"),
      chart.element,
      missing,
      el("p", { class: "under" }, "Above zero: from the battery or the grid. Below zero: into them."),
      details,
    ),
    el("article", { class: "card" }, el("h3", {}, "Energy so far"), energy),
  ];

  const answer = new Fetched((given) => {
    energy.replaceChildren(energyTiles(given.energy));
    table.replaceChildren(hours(given));
    // The chart measures its place, so it is drawn when it has one.
    requestAnimationFrame(async () => {
      const isDrawn = await chart.show(given);
      missing.hidden = isDrawn;
      if (!isDrawn) details.open = true;
    });
    return cards;
  });
  const load = () => answer.load(picker.value ? `day?serial=${encodeURIComponent(picker.value)}` : "day");
  const picker = new Picker("All together", load);
  content.replaceChildren(picker.element, answer.element);

  return {
    show: ({ inverters }) => picker.show(inverters),
    open() {
      load();
      timer = setInterval(load, FRESH);
    },
    close: () => clearInterval(timer),
  };
}
