// Draws the hours of some days: which are complete, which are missing, and why.

import { moved } from "./dates.js";
import { el } from "./dom.js";
import * as format from "./format.js";
import { calendarDate, HOUR, moment, now } from "./time.js";

const CODES = {
  covered: "In Home Assistant",
  waiting: "Missing",
  fetched: "Fetched, not yet written",
  failed: "Could not be filled",
  empty: "No data in the cloud",
  future: "Future",
  before: "Outside your history range",
};
const MOST_REASONS = 30;
const QUARTERS = [0, 6, 12, 18];

function counted(hours, codes) {
  return hours.filter(({ code }) => codes.includes(code)).length;
}

function summary(hours) {
  const missing = counted(hours, ["waiting", "fetched"]);
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

/** The details of an hour beyond its code. */
function reason({ why, due }) {
  const parts = [why, due ? `next try ${moment(due)}` : null].filter(Boolean);
  return parts.length ? `: ${parts.join("; ")}` : "";
}

/** When an hour begins, by the house's clock. */
const clock = ({ start }) => format.clock(new Date(start));

function cell(hour) {
  const words = `${clock(hour)}: ${CODES[hour.code] ?? hour.code}${reason(hour)}`;
  return el("td", { class: "hour", "data-code": hour.code, title: words, "aria-label": words });
}

function row({ date, hours }, widths, onDay) {
  const name = calendarDate(date);
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

/** Hours in a row with one reason, as lines of text: also for those who cannot point at an hour. */
function reasons(days) {
  const lines = [];
  for (const { date, hours } of days) {
    let open = null;
    hours.forEach((hour, index) => {
      const words = `${CODES[hour.code]}${reason(hour)}`;
      if (words === CODES[hour.code]) open = null;
      else if (open?.words === words) open.until = index;
      else lines.push((open = { words, date, hours, since: index, until: index }));
    });
  }
  return lines.map(({ words, date, hours, since, until }) => {
    const end = format.clock(Date.parse(hours[until].start) + HOUR);
    const when = since === until ? clock(hours[since]) : `${clock(hours[since])} to ${end}`;
    return el("li", {}, el("b", {}, `${calendarDate(date)}, ${when}`), ` ${words}.`);
  });
}

let areAllShown = false; // also after the next answer

function others(lines) {
  const ontoggle = ({ currentTarget: { open } }) => {
    areAllShown = open;
  };
  return el("details", { open: areAllShown, ontoggle }, el("summary", {}, `Show ${format.count(lines.length)} more`), el("ul", {}, lines));
}

function explained(lines) {
  if (!lines.length) return null;
  return el(
    "div",
    { class: "reasons" },
    el("h4", {}, "Why hours are missing"),
    el("p", { class: "under" }, "To fetch them again, choose their day."),
    el("ul", {}, lines.slice(0, MOST_REASONS)),
    lines.length > MOST_REASONS ? others(lines.slice(MOST_REASONS)) : null,
  );
}

/** Buttons to earlier and to newer days; `turn` is called with the last day to show. */
function pages({ days, has_earlier: hasEarlier }, last, turn) {
  const go = (words, date) => el("button", { class: "plain", type: "button", onclick: () => turn(date) }, words);
  const before = moved("day", days[days.length - 1].date, -1);
  const isPast = last && Date.parse(days[0].hours[days[0].hours.length - 1].start) + HOUR <= now();
  return el(
    "div",
    { class: "row" },
    hasEarlier ? go("Earlier days", before) : null,
    isPast ? go("Newer days", moved("day", last, days.length)) : null,
    isPast ? go("Today", "") : null,
  );
}

/** The calendar of an answer; `onDay` is called with the selected date, `turn` with the last one to show. */
export function calendar(answer, onDay, last, turn) {
  const { name } = answer;
  // Of the days before the history begins nothing is to be seen, but that there is a day.
  const known = answer.days.filter(({ hours }) => hours.some(({ code }) => code !== "before"));
  const days = known.length ? known : answer.days.slice(0, 1);
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
    pages(answer, last, turn),
    explained(reasons(days)),
  );
}
