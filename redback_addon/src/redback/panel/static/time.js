// The add-on's time, which may differ from the browser's.

import * as format from "./format.js";
import { say } from "./dom.js";

const MINUTE = 60_000; // milliseconds, as is the next
export const HOUR = 60 * MINUTE;
let ahead = 0;

/** Takes the add-on's current time. */
export function setTime({ at }) {
  ahead = Date.parse(at) - Date.now();
}

/** The add-on's time now. */
export function now() {
  return new Date(Date.now() + ahead);
}

/** A time in the house's local time. */
export function moment(written) {
  return format.moment(new Date(written), now());
}

/** A calendar date, by the year in the house. */
export function calendarDate(written) {
  return format.date(written, now());
}

const DAY = 24 * 60; // minutes, as here

function sinceMidnight(clock) {
  const [hours, minutes] = clock.split(":").map(Number);
  return hours * 60 + minutes;
}

/** The next moment after another one at which the house's clock shows a time such as "18:00"; null if that is none. */
export function atClock(clock, after) {
  if (!clock) return null;
  const from = new Date(after).setSeconds(0, 0);
  const between = (moment) => (sinceMidnight(clock) - sinceMidnight(format.clock(moment)) + DAY) % DAY;
  const found = from + (between(from) || DAY) * MINUTE;
  // Where clocks are set in the meantime, it is earlier or later.
  const apart = between(found);
  return new Date(found + (apart > DAY / 2 ? apart - DAY : apart) * MINUTE);
}

/** "3 min ago" */
export function ago(written) {
  return `${format.duration((now() - Date.parse(written)) / 1000)} ago`;
}

/** "in 40 s", or "now" when it is due. */
export function until(written) {
  const seconds = (Date.parse(written) - now()) / 1000;
  return seconds < 1 ? "now" : `in ${format.duration(seconds)}`;
}

/** "40 min left" */
function left(written) {
  return `${format.duration((Date.parse(written) - now()) / 1000)} left`;
}

const COUNTS = { ago, until, left };

/** Makes an element count up since a time (`ago`), or down to it (`until`, `left`). */
export function counting(element, how, written) {
  element.dataset.counts = how;
  element.dataset.time = written ?? "";
  tick(element);
  return element;
}

function tick(element) {
  const { counts, time } = element.dataset;
  if (!time) say(element, "never");
  else say(element, COUNTS[counts](time));
}

/** Updates all counting elements every second. */
export function startTicking() {
  setInterval(() => {
    if (!document.hidden) document.querySelectorAll("[data-counts]").forEach(tick);
  }, 1000);
}
