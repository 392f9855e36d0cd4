// Shows a day's power as a table of hours, for people who cannot use the chart.

import { el } from "./dom.js";
import * as format from "./format.js";

const COLUMNS = [
  ["solar", "Solar", format.kilowatts],
  ["load", "House", format.kilowatts],
  ["battery", "Battery", format.kilowatts],
  ["grid", "Grid", format.kilowatts],
  ["soc", "SoC", format.percent],
];
const HOUR = 3600;

function mean(values) {
  const known = values.filter((value) => value != null);
  return known.length ? Math.round((1000 * known.reduce((a, b) => a + b)) / known.length) / 1000 : null;
}

/** The table: one row for each hour with any value, with averages. */
export function hours(day) {
  const start = Date.parse(day.start) / 1000;
  const columns = COLUMNS.filter(([key]) => day[key]?.some((value) => value != null));
  const rows = new Map();
  day.at.forEach((at, index) => {
    const hour = start + Math.floor((at - start) / HOUR) * HOUR;
    if (!rows.has(hour)) rows.set(hour, []);
    rows.get(hour).push(index);
  });
  return el(
    "table",
    { class: "hours" },
    el("caption", {}, "Average power of each hour in kW. Positive: discharging or importing. Negative: charging or exporting."),
    el("thead", {}, el("tr", {}, ["Hour", ...columns.map(([, title]) => title)].map((title) => el("th", { scope: "col" }, title)))),
    el(
      "tbody",
      {},
      [...rows].map(([hour, indices]) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, format.clock(hour * 1000)),
          columns.map(([key, , write]) => el("td", {}, write(mean(indices.map((index) => day[key][index]))))),
        ),
      ),
    ),
  );
}
