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

/** The hour in the house's local time; on days of 23 or 25 hours, in the browser's time zone. */
function hourName({ start }, index, hours) {
  return hours.length === 24 ? `${String(index).padStart(2, "0")}:00` : format.clock(new Date(start));
}

function cell(hour, index, hours) {
  const words = `${hourName(hour, index, hours)}: ${CODES[hour.code] ?? hour.code}`;
  return el("td", { class: "hour", "data-code": hour.code, title: words, "aria-label": words });
}

function row({ date, hours }, widest, onDay) {
  const name = format.date(date);
  const choose = el("button", { class: "date", type: "button", title: `Select ${name} to make it agree with the inverter`, onclick: () => onDay(date) }, name);
  const rest = Array.from({ length: widest - hours.length }, () => el("td"));
  return el(
    "tr",
    { "data-date": date },
    el("th", { scope: "row" }, choose),
    hours.map(cell),
    rest,
    el("td", { class: "summary" }, summary(hours)),
  );
}

function heads(widest) {
  return el(
    "tr",
    {},
    el("th", { scope: "col" }, el("span", { class: "unseen" }, "Day")),
    QUARTERS.map((from) => el("th", { scope: "colgroup", class: "from", colspan: from === 18 ? widest - 18 : 6 }, `${String(from).padStart(2, "0")}:00`)),
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
  const widest = Math.max(24, ...days.map(({ hours }) => hours.length));
  return el(
    "article",
    { class: "card" },
    el("h3", {}, `Hours of ${name}`),
    legend(days),
    el(
      "table",
      { class: "calendar" },
      el("caption", { class: "unseen" }, `Hours of ${name}, newest day first`),
      el("thead", {}, heads(widest)),
      el("tbody", {}, days.map((day) => row(day, widest, onDay))),
    ),
  );
}
