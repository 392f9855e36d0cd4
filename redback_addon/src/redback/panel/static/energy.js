// Shows a day's energy so far.

import { el } from "./dom.js";
import * as format from "./format.js";
import { energyAndShares } from "./tiles.js";
import { moment } from "./time.js";

/** Tiles with a day's energy, which lead to its entities; without a battery, its tiles are left out. */
export function energyTiles(energy, ids = {}) {
  if (!energy) return el("p", { class: "quiet" }, "No data yet.");
  const isShown = (key) => energy[key] != null || key in ids || !/charge/.test(key);
  const since = energy.since ? `Counted since ${moment(energy.since)}; no earlier data.` : null;
  return el(
    "div",
    {},
    el("dl", { class: "tiles" }, energyAndShares(energy, format.energy, { ids, isShown })),
    since ? el("p", { class: "under below" }, since) : null,
  );
}
