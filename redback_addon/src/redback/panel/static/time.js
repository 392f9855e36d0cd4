// The add-on's time, which may differ from the browser's.

import * as format from "./format.js";
import { say } from "./dom.js";

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

/** "3 min ago" */
export function ago(written) {
  return `${format.duration((now() - Date.parse(written)) / 1000)} ago`;
}

/** "in 40 s", or "now" when it is due. */
export function until(written) {
  const seconds = (Date.parse(written) - now()) / 1000;
  return seconds < 1 ? "now" : `in ${format.duration(seconds)}`;
}

/** Makes an element count up since a time (`ago`) or down to it (`until`). */
export function counting(element, how, written) {
  element.dataset.counts = how;
  element.dataset.time = written ?? "";
  tick(element);
  return element;
}

function tick(element) {
  const { counts, time } = element.dataset;
  if (!time) say(element, "never");
  else say(element, counts === "until" ? until(time) : ago(time));
}

/** Updates all counting elements every second. */
export function startTicking() {
  setInterval(() => {
    if (!document.hidden) document.querySelectorAll("[data-counts]").forEach(tick);
  }, 1000);
}
