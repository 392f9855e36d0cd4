// Knows what time it is for the add-on, whose clock may differ from the browser's.

import * as format from "./format.js";
import { say } from "./dom.js";

let ahead = 0;
// Of UTC, in seconds; the page brings it along, because what it asks for may come before a status.
let houseAhead = Number(document.querySelector('meta[name="redback-clock-ahead"]').content);

/** Takes the add-on's time as it was written a moment ago, and how far it is ahead of UTC. */
export function setTime({ at, clock_ahead_s: seconds }) {
  ahead = Date.parse(at) - Date.now();
  houseAhead = seconds;
}

/** A Date whose local fields are those of the house's clock, wherever the browser is. */
function inHouse(date) {
  return new Date(date.getTime() + (houseAhead + date.getTimezoneOffset() * 60) * 1000);
}

/** The add-on's time now. */
export function now() {
  return new Date(Date.now() + ahead);
}

/** A moment as the house's clock tells it. */
export function moment(written) {
  return format.moment(inHouse(new Date(written)), inHouse(now()));
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

/** Makes an element count: `ago` counts up since a time, `until` down to it. */
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

/** Lets all counting elements go on, every second. */
export function startTicking() {
  setInterval(() => {
    if (!document.hidden) document.querySelectorAll("[data-counts]").forEach(tick);
  }, 1000);
}
