// Draws today and tomorrow: what is scheduled and limited, by whom, and a list of it with what can be deleted.

import { doing, look, maker } from "./doing.js";
import { el, svg } from "./dom.js";
import * as format from "./format.js";
import { icon } from "./icons.js";
import { calendarDate, moment, now } from "./time.js";

const LANE = 22; // pixels
const BAR = 18;
const NARROWEST = 0.8; // percent of a day
const TITLES = ["Today", "Tomorrow"];
const QUARTERS = [0, 1, 2, 3];

const span = ({ start, end }) => [Date.parse(start), Date.parse(end)];

/** Entries in rows, none of which overlaps another in its row; schedules first. */
function lanes(entries) {
  const rows = [];
  for (const isLimit of [false, true]) {
    const own = [];
    for (const entry of entries.filter((one) => one.is_limit === isLimit)) {
      const [start] = span(entry);
      const free = own.find((row) => span(row[row.length - 1])[1] <= start);
      if (free) free.push(entry);
      else own.push([entry]);
    }
    rows.push(...own);
  }
  return rows;
}

/** A day's bar for each entry; for screen readers there is the list. */
function track(day, entries) {
  const [since, until] = span(day);
  const share = (at) => Math.min(Math.max(((at - since) / (until - since)) * 100, 0), 100);
  const rows = lanes(entries);
  const height = Math.max(rows.length, 1) * LANE;
  const bars = rows.flatMap((row, lane) =>
    row.map((entry) => {
      const [from, to] = span(entry).map(share);
      const width = Math.max(to - from, NARROWEST);
      return svg("rect", { class: "bar", "data-look": look(entry), "data-whose": entry.whose, x: `${Math.min(from, 100 - width)}%`, y: lane * LANE + (LANE - BAR) / 2, width: `${width}%`, height: BAR, rx: 4 });
    }),
  );
  const quarters = QUARTERS.slice(1).map((quarter) => svg("line", { class: "quarter", x1: `${quarter * 25}%`, x2: `${quarter * 25}%`, y1: 0, y2: height }));
  const here = share(now().getTime());
  const line = here > 0 && here < 100 ? svg("line", { class: "here", x1: `${here}%`, x2: `${here}%`, y1: 0, y2: height }) : null;
  return el(
    "div",
    { class: "track", "aria-hidden": "true" },
    svg("svg", { height }, ...quarters, ...bars, ...(line ? [line] : [])),
    el("p", { class: "ticks" }, QUARTERS.map((quarter) => el("span", {}, format.clock(since + ((until - since) * quarter) / 4)))),
  );
}

/** "14:00 to 16:30" below the heading of its day, "Until 16:30" while it runs. */
function when({ start, end }, isDated) {
  const day = (written) => moment(written).slice(0, -5);
  const until = isDated || day(start) !== day(end) ? moment(end) : format.clock(new Date(end));
  if (Date.parse(start) <= now()) return `Until ${moment(end)}`;
  return `${isDated ? moment(start) : format.clock(new Date(start))} to ${until}`;
}

/** What runs is ended above, not deleted here; what is somebody else's can only be deleted here. */
const canDelete = (entry) => entry.can_delete && (entry.whose !== "own" || Date.parse(entry.start) > now());

function item(entry, remove, isDated) {
  const words = `${doing(entry)}, ${when(entry, true)}`;
  return el(
    "li",
    { "data-whose": entry.whose },
    el("span", { class: "mark", "data-look": look(entry) }, icon(look(entry))),
    el("div", {}, el("h5", {}, doing(entry)), el("p", { class: "under" }, `${when(entry, isDated)}, ${maker(entry)}`)),
    canDelete(entry)
      ? el("button", { class: "plain", type: "button", "aria-label": `Delete: ${words}`, onclick: () => remove(entry, words) }, icon("bin"), el("span", {}, "Delete"))
      : null,
  );
}

function list(entries, remove, isDated) {
  if (!entries.length) return el("p", { class: "under" }, "Nothing is planned.");
  return el("ul", { class: "entries" }, entries.map((entry) => item(entry, remove, isDated)));
}

/** The days of an answer with their entries, and what comes later, but daily ones; `remove` deletes one. */
export function timeline(days, entries, remove) {
  const inOrder = [...entries].sort((a, b) => span(a)[0] - span(b)[0]);
  const last = Date.parse(days[days.length - 1].end);
  const parts = days.map((day, index) => {
    const [since, until] = span(day);
    const seen = inOrder.filter((entry) => span(entry)[0] < until && span(entry)[1] > since);
    const begun = seen.filter((entry) => index === 0 || span(entry)[0] >= since);
    return el("div", { class: "of-day" }, el("h4", {}, `${TITLES[index]}, ${calendarDate(day.date)}`), track(day, seen), list(begun, remove, false));
  });
  const later = inOrder.filter((entry) => span(entry)[0] >= last && !entry.daily);
  return later.length ? [...parts, el("div", { class: "of-day" }, el("h4", {}, "Later"), list(later, remove, true))] : parts;
}
