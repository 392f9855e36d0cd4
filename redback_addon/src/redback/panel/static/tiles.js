// The tiles of the six energies and of the two shares that follow from them.

import { el, historyLink } from "./dom.js";
import * as format from "./format.js";

/** The energies: how the data name them, how people do, and the class that colours a tile. */
export const ENERGIES = [
  ["solar", "Solar", "solar"],
  ["load", "House", "house"],
  ["import", "From the grid", "grid-in"],
  ["export", "To the grid", "grid-out"],
  ["charge", "Into the battery", "battery-in"],
  ["discharge", "From the battery", "battery-out"],
];
const SHARES = [
  ["self_consumption", "Self-consumption", "Share of the solar energy that was used at home"],
  ["self_sufficiency", "Self-sufficiency", "Share of the house's energy that did not come from the grid"],
];

/** A tile; `ids` are entities to whose history its name leads, and `meter` whether a bar shows its percent. */
export function tile(key, name, value, { write, colour = "share", meaning, unit, ids, meter = false, below }) {
  return el(
    "div",
    { class: `tile ${colour}`, "data-energy": key },
    el("dt", { title: meaning }, ids ? historyLink(ids, name) : name),
    el("dd", {}, el("b", {}, write(value)), value == null ? null : unit, meter && el("meter", { min: 0, max: 100, value: value ?? 0, "aria-hidden": "true" })),
    below,
  );
}

/**
 * The tiles of energies, which `write` puts into words, and of shares.
 *
 * `isShown` chooses among the energies, `ids` has the entities of each, and `below` returns what stands below a value.
 */
export function energyAndShares(energy, write, { isShown, ids, below = () => null }) {
  const amounts = ENERGIES.map(([key, name, colour]) => ({ key: `${key}_kwh`, name, colour })).filter(({ key }) => isShown(key));
  return [
    ...amounts.map(({ key, name, colour }) =>
      tile(key, name, energy[key], { write, colour, unit: " kWh", ids: ids[key], below: below(key, write, true) }),
    ),
    ...SHARES.map(([key, name, meaning]) =>
      tile(key, name, energy[key], { write: format.percent, meaning, meter: true, below: below(key, format.percent, false) }),
    ),
  ];
}
