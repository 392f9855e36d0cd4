// Shows the energy of a span as a table, for people who cannot use the chart.

import { known, named } from "./bars.js";
import { table } from "./dom.js";
import * as format from "./format.js";

const HEADS = { day: "Hour", week: "Day", month: "Day", year: "Month", all: "Year" };

/** The table: one row for each bar of which anything is known, or missing. */
export function amounts(energy) {
  const { bars, length } = energy;
  const columns = known(bars);
  const hasMissing = bars.missing.some(Boolean);
  const rows = bars.start.map((_, index) => index).filter((index) => bars.missing[index] || columns.some(({ key }) => bars.kwh[key][index] != null));
  return table(
    "Energy in kWh.",
    [HEADS[length], ...columns.map(({ title }) => title), ...(hasMissing ? ["Missing hours"] : [])],
    rows.map((index) => [
      named(energy, index),
      ...columns.map(({ key }) => format.exactEnergy(bars.kwh[key][index])),
      ...(hasMissing ? [bars.missing[index]] : []),
    ]),
  );
}
