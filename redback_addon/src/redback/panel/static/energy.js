// Shows a day's energy so far.

import { el, historyLink } from "./dom.js";
import * as format from "./format.js";
import { moment } from "./time.js";

const AMOUNTS = [
  ["solar_kwh", "Solar", "solar"],
  ["load_kwh", "House", "house"],
  ["import_kwh", "From the grid", "grid-in"],
  ["export_kwh", "To the grid", "grid-out"],
  ["charge_kwh", "Into the battery", "battery-in"],
  ["discharge_kwh", "From the battery", "battery-out"],
];
const SHARES = [
  ["self_consumption", "Self-consumption", "Share of the solar energy that was used at home"],
  ["self_sufficiency", "Self-sufficiency", "Share of the house's energy that did not come from the grid"],
];

function amount(energy, [key, name, colour], id) {
  return el(
    "div",
    { class: `tile ${colour}`, "data-energy": key },
    el("dt", {}, id ? historyLink(id, name) : name),
    el("dd", {}, el("b", {}, format.energy(energy[key])), " kWh"),
  );
}

function share(energy, [key, name, meaning]) {
  return el(
    "div",
    { class: "tile share", "data-energy": key },
    el("dt", { title: meaning }, name),
    el(
      "dd",
      {},
      el("b", {}, format.percent(energy[key])),
      el("meter", { min: 0, max: 100, value: energy[key] ?? 0, "aria-hidden": "true" }),
    ),
  );
}

/** Tiles with a day's energy, which lead to its entities; without a battery, its tiles are left out. */
export function energyTiles(energy, ids = {}) {
  if (!energy) return el("p", { class: "quiet" }, "No data yet.");
  const amounts = AMOUNTS.filter(([key]) => energy[key] != null || !/charge/.test(key));
  const since = energy.since ? `Counted since ${moment(energy.since)}; no earlier data.` : null;
  return el(
    "div",
    {},
    el(
      "dl",
      { class: "tiles" },
      ...amounts.map((row) => amount(energy, row, ids[row[0]])),
      ...SHARES.map((row) => share(energy, row)),
    ),
    since ? el("p", { class: "under below" }, since) : null,
  );
}
