// Shows the figures of a span, each with its difference to the span that it is compared with.

import { known } from "./bars.js";
import { el, historyLink, unseen } from "./dom.js";
import { inFull, spanInWords } from "./dates.js";
import * as format from "./format.js";

const AMOUNTS = [
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
const OF_BATTERY = [
  ["cycles", "Battery cycles", "How often the usable capacity was taken out of the battery", format.two],
  ["efficiency", "Battery efficiency", "Share of the energy put into the battery that came out of it, or is in it", format.percent],
];

const POINTS = new Set(["self_consumption", "self_sufficiency", "efficiency"]);

/** The difference of a figure in words: "+1.20 (+12%)" of an amount, "−3 points" of a share. */
function difference(compared, key, write, isAmount) {
  const change = compared?.change[key];
  if (change == null) return null;
  const words = POINTS.has(key) ? `${format.more(change, format.whole)} points` : format.more(change, write);
  const other = compared.figures[key];
  const share = isAmount && other > 0 ? ` (${format.more((100 * change) / other, format.percent)})` : "";
  return el("dd", { class: "change" }, unseen("Compared: "), /[1-9]/.test(words) ? `${words}${share}` : "no change");
}

function tile(energy, key, name, { colour = "share", meaning, write, unit, ids, meter, isAmount = false }) {
  const value = energy.figures[key];
  return el(
    "div",
    { class: `tile ${colour}`, "data-energy": key },
    el("dt", { title: meaning }, ids ? historyLink(ids, name) : name),
    el(
      "dd",
      {},
      el("b", {}, write(value)),
      unit,
      meter ? el("meter", { min: 0, max: 100, value: value ?? 0, "aria-hidden": "true" }) : null,
    ),
    difference(energy.compared, key, write, isAmount),
  );
}

/** What the figures are compared with, in a sentence. */
function comparedInWords({ length, compared }) {
  if (!compared) return null;
  const name = spanInWords(length, compared.first, compared.last);
  if (!Object.keys(compared.change).length) return `Nothing is known of ${name} to compare with.`;
  const until = compared.until ? ` until ${length === "day" ? "" : `${inFull("month", format.isoDate(Date.parse(compared.until)))}, `}${format.clock(Date.parse(compared.until))}` : "";
  const gone = compared.figures.missing;
  return `Compared with ${name}${until}${gone ? `, of which ${format.many(gone, "hour")} ${gone === 1 ? "is" : "are"} missing` : ""}.`;
}

/** The tiles of an Energy, and what they are compared with; without a battery, its tiles are left out. */
export function figures(energy) {
  const shown = new Set(known(energy.bars).map(({ key }) => key));
  const hasBattery = shown.has("charge") || shown.has("discharge");
  const words = comparedInWords(energy);
  return el(
    "div",
    {},
    el(
      "dl",
      { class: "tiles" },
      AMOUNTS.filter(([key]) => !/charge/.test(key) || hasBattery).map(([key, name, colour]) =>
        tile(energy, `${key}_kwh`, name, { colour, write: format.exactEnergy, unit: " kWh", ids: energy.entity_ids[`${key}_kwh`], isAmount: true }),
      ),
      SHARES.map(([key, name, meaning]) => tile(energy, key, name, { meaning, write: format.percent, meter: true })),
      hasBattery && OF_BATTERY.map(([key, name, meaning, write]) => tile(energy, key, name, { meaning, write })),
    ),
    words ? el("p", { class: "under below" }, words) : null,
  );
}
