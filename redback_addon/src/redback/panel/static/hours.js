// Shows a day's power as a table of hours, for people who cannot use the chart.

import { table } from "./dom.js";
import * as format from "./format.js";
import { HOUR } from "./time.js";

const COLUMNS = [
  ["solar", "Solar", format.kilowatts],
  ["load", "House", format.kilowatts],
  ["battery", "Battery", format.kilowatts],
  ["grid", "Grid", format.kilowatts],
  ["soc", "SoC", format.percent],
];

function mean(values) {
  const known = values.filter((value) => value != null);
  return known.length ? Math.round((1000 * known.reduce((a, b) => a + b)) / known.length) / 1000 : null;
}

/** The table: one row for each hour with any value, with averages. */
export function hours(day) {
  const start = Date.parse(day.start);
  const columns = COLUMNS.filter(([key]) => day[key]?.some((value) => value != null));
  const rows = new Map();
  day.at.forEach((at, index) => {
    const hour = start + Math.floor((at * 1000 - start) / HOUR) * HOUR;
    if (!rows.has(hour)) rows.set(hour, []);
    rows.get(hour).push(index);
  });
  return table(
    "Average power of each hour in kW. Positive: discharging or importing. Negative: charging or exporting.",
    ["Hour", ...columns.map(([, title]) => title)],
    [...rows].map(([hour, indices]) => [
      format.clock(hour),
      ...columns.map(([key, , write]) => write(mean(indices.map((index) => day[key][index])))),
    ]),
  );
}
