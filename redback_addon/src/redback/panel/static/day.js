// The section Day: today's power and energy so far.

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
  const missing = el("p", { class: "quiet", hidden: true }, "The chart could not be downloaded when this version was installed. The table shows its values. The next update tries again.");
  const details = el("details", {}, el("summary", {}, "Show as table"), table);
  const cards = [
    el(
      "article",
      { class: "card" },
      el("h3", { class: "unseen" }, "Power"),
      chart.element,
      missing,
      el("p", { class: "under" }, "Positive: discharging or importing. Negative: charging or exporting."),
      details,
    ),
    el("article", { class: "card" }, el("h3", {}, "Energy today"), energy),
  ];

  const answer = new Fetched((given) => {
    energy.replaceChildren(energyTiles(given.energy));
    table.replaceChildren(hours(given));
    // The chart measures its element, so draw it after layout.
    requestAnimationFrame(async () => {
      const isDrawn = await chart.show(given);
      missing.hidden = isDrawn;
      if (!isDrawn) details.open = true;
    });
    return cards;
  });
  const load = () => answer.load(picker.value ? `day?serial=${encodeURIComponent(picker.value)}` : "day");
  const picker = new Picker("All inverters", load);
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
