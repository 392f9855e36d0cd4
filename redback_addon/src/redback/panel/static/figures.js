// Shows the figures of a span, each with its difference to the span that it is compared with.

import { known } from "./bars.js";
import { el, unseen } from "./dom.js";
import { inFull, spanInWords } from "./dates.js";
import { called } from "./flows.js";
import * as format from "./format.js";
import { energyAndShares, tile } from "./tiles.js";

const OF_BATTERY = [
  ["cycles", "Battery cycles", "How often the usable capacity was taken out of the battery", format.two],
  ["efficiency", "Battery efficiency", "Share of the energy put into the battery that came out of it, or is in it", format.percent],
];

const OF_MONEY = [
  ["cost", "Cost of the grid", "What the energy from the grid cost"],
  ["compensation", "Paid for export", "What you got for the energy to the grid"],
  ["net", "Net cost", "What the energy from the grid cost, less what you got for the energy to the grid"],
];

const POINTS = new Set(["self_consumption", "self_sufficiency", "efficiency"]);

/** The difference of a figure in words: "+1.20 (+12%)" of an amount, "−3 points" of a share. */
function difference(compared, key, write, isAmount) {
  const change = compared?.change[key];
  if (change == null) return null;
  const words = format.more(change, POINTS.has(key) ? (points) => format.many(Math.round(points), "point") : write);
  const other = compared.figures[key];
  const share = isAmount && other > 0 ? ` (${format.more((100 * change) / other, format.percent)})` : "";
  return el("dd", { class: "change" }, unseen("Compared: "), /[1-9]/.test(words) ? `${words}${share}` : "no change");
}

/** What the figures are compared with, in a sentence. */
function comparedInWords({ length, compared }) {
  if (!compared) return null;
  const name = spanInWords(length, compared.first, compared.last);
  if (!Object.keys(compared.change).length) return `Nothing is known of ${name} to compare with.`;
  const until = compared.until ? ` until ${length === "day" ? "" : `${inFull("month", format.isoDate(Date.parse(compared.until)))}, `}${format.clock(Date.parse(compared.until))}` : "";
  const gone = compared.figures.missing;
  return `Compared with ${name}${until}${gone ? `, of which ${format.missing(gone)}` : ""}.`;
}

/** Where the money comes from, and of what there is none, in words. */
function moneyInWords({ since, without }) {
  const before = Object.keys(since).length ? " What was before the time below an amount is not known." : "";
  const left = Object.entries(without).map(
    ([key, names]) => ` It has no price for the energy ${key === "cost" ? "from" : "to"} the grid of ${called(names.map((name) => ({ name })), false)}, which is left out.`,
  );
  return `Money is what Home Assistant's Energy dashboard has worked out.${left.join("")}${before}`;
}

/** Since when an amount of money is known: "since Fri 20 Nov 2026", or "since 14:00" of a day. */
function sinceInWords(length, since) {
  const moment = Date.parse(since);
  return el("dd", { class: "change" }, `since ${length === "day" ? format.clock(moment) : inFull("month", format.isoDate(moment))}`);
}

/** The tiles of an Energy, and what they are compared with; without a battery, its tiles are left out. */
export function figures(energy) {
  const shown = new Set(known(energy.bars).map(({ key }) => key));
  const hasBattery = shown.has("charge") || shown.has("discharge") || "charge_kwh" in energy.entity_ids;
  const isShown = (key) => hasBattery || !/charge/.test(key);
  const below = (key, write, isAmount) => difference(energy.compared, key, write, isAmount);
  const words = [comparedInWords(energy), energy.money && moneyInWords(energy.money)].filter(Boolean).join(" ");
  const write = energy.money && format.money(energy.money.currency);
  const ofMoney = OF_MONEY.filter(([key]) => key in (energy.money?.amounts ?? {}));
  const belowMoney = (key) => {
    const since = energy.money.since[key];
    return since ? sinceInWords(energy.length, since) : below(key, write, false);
  };
  return el(
    "div",
    {},
    el(
      "dl",
      { class: "tiles" },
      energyAndShares(energy.figures, format.exactEnergy, { ids: energy.entity_ids, isShown, below }),
      hasBattery && OF_BATTERY.map(([key, name, meaning, write]) => tile(key, name, energy.figures[key], { write, meaning, below: below(key, write, false) })),
      ofMoney.map(([key, name, meaning]) => tile(key, name, energy.money.amounts[key], { write, meaning, below: belowMoney(key) })),
    ),
    words ? el("p", { class: "under below" }, words) : null,
  );
}
