// Shows the energy of a span as a table, for people who cannot use the chart.

import { known, named } from "./bars.js";
import { el } from "./dom.js";
import * as format from "./format.js";

const HEADS = { day: "Hour", week: "Day", month: "Day", year: "Month", all: "Year" };

/** The table: one row for each bar of which anything is known, or missing. */
export function amounts(energy) {
  const { bars, length } = energy;
  const columns = known(bars);
  const hasMissing = bars.missing.some(Boolean);
  const head = (title) => el("th", { scope: "col" }, title);
  const rows = bars.start.map((_, index) => index).filter((index) => bars.missing[index] || columns.some(({ key }) => bars.kwh[key][index] != null));
  return el(
    "table",
    { class: "hours" },
    el("caption", {}, "Energy in kWh."),
    el("thead", {}, el("tr", {}, head(HEADS[length]), columns.map(({ title }) => head(title)), hasMissing ? head("Missing hours") : null)),
    el(
      "tbody",
      {},
      rows.map((index) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, named(energy, index)),
          columns.map(({ key }) => el("td", {}, format.exactEnergy(bars.kwh[key][index]))),
          hasMissing ? el("td", {}, bars.missing[index]) : null,
        ),
      ),
    ),
  );
}
