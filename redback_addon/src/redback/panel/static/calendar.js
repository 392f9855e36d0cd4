// Draws the hours of the last days: which are complete, which are missing, and why.

import { el } from "./dom.js";
import * as format from "./format.js";

const CODES = {
  covered: "In Home Assistant",
  waiting: "Missing, will be filled",
  failed: "Could not be filled",
  empty: "No data in the cloud",
  future: "Future",
  before: "Outside your history range",
};
const QUARTERS = [0, 6, 12, 18];

function counted(hours, codes) {
  return hours.filter(({ code }) => codes.includes(code)).length;
}

function summary(hours) {
  const missing = counted(hours, ["waiting"]);
  const lost = counted(hours, ["failed", "empty"]);
  if (missing) return `${missing} missing`;
  if (lost) return `${format.many(lost, "hour")} lost`;
  return counted(hours, ["covered"]) ? "complete" : "";
}

/** A day's hours by the hour of the clock: two of one where clocks are set back, none where forward. */
function byClock(hours) {
  const columns = Array.from({ length: 24 }, () => []);
  for (const hour of hours) columns[Number.parseInt(format.clock(new Date(hour.start)))].push(hour);
  return columns;
}

function cell({ start, code }) {
  const words = `${format.clock(new Date(start))}: ${CODES[code] ?? code}`;
  return el("td", { class: "hour", "data-code": code, title: words, "aria-label": words });
}

function row({ date, hours }, widths, onDay) {
  const name = format.date(date);
  const choose = el("button", { class: "date", type: "button", title: `Select ${name} to make it agree with the inverter`, onclick: () => onDay(date) }, name);
  const cells = byClock(hours).map((some, hour) => Array.from({ length: widths[hour] }, (_, index) => (some[index] ? cell(some[index]) : el("td"))));
  return el("tr", { "data-date": date }, el("th", { scope: "row" }, choose), cells.flat(), el("td", { class: "summary" }, summary(hours)));
}

function heads(widths) {
  const width = (from) => widths.slice(from, from + 6).reduce((a, b) => a + b);
  return el(
    "tr",
    {},
    el("th", { scope: "col" }, el("span", { class: "unseen" }, "Day")),
    QUARTERS.map((from) => el("th", { scope: "colgroup", class: "from", colspan: width(from) }, `${String(from).padStart(2, "0")}:00`)),
    el("th", { scope: "col" }, el("span", { class: "unseen" }, "Summary")),
  );
}

function legend(days) {
  const all = days.flatMap(({ hours }) => hours);
  return el(
    "ul",
    { class: "codes" },
    Object.entries(CODES)
      .map(([code, name]) => [code, name, counted(all, [code])])
      .filter(([, , number]) => number)
      .map(([code, name, number]) =>
        el("li", {}, el("span", { class: "hour", "data-code": code, "aria-hidden": "true" }), `${name}: ${format.many(number, "hour")}`),
      ),
  );
}

/** The calendar of an answer; `onDay` is called with the selected date. */
export function calendar({ name, days }, onDay) {
  const counts = days.map(({ hours }) => byClock(hours).map(({ length }) => length));
  const widths = Array.from({ length: 24 }, (_, hour) => Math.max(1, ...counts.map((each) => each[hour])));
  return el(
    "article",
    { class: "card" },
    el("h3", {}, `Hours of ${name}`),
    legend(days),
    el(
      "table",
      { class: "calendar" },
      el("caption", { class: "unseen" }, `Hours of ${name}, newest day first`),
      el("thead", {}, heads(widths)),
      el("tbody", {}, days.map((day) => row(day, widths, onDay))),
    ),
  );
}
