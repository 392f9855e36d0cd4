// Follows the status: as events of a stream, or by asking where no event comes.
//
// Home Assistant before 2026.3 compresses the stream, and passes nothing on for minutes.

import { get } from "./server.js";

const LOOK = 1_000; // milliseconds, as all of these
const FIRST_EVENT = 3_000; // the add-on sends the first event at once
const SILENCE = 20_000; // and another one at least every 15 seconds
const PAUSE = 5_000; // between two questions
const ANSWER = 10_000;
const FIRST_DELAY = 1_000; // before the stream is opened again
const LONGEST_DELAY = 60_000;

/** Follows the status for as long as the page is open. */
class Follower {
  constructor(onStatus, onChange) {
    this.onStatus = onStatus;
    this.onChange = onChange;
    this.delay = FIRST_DELAY;
    this.asked = this.taken = 0; // the number of the latest question or event, and of what is shown
    this.lookedAt = Date.now();
    this.#open();
    setInterval(() => this.#look(), LOOK);
    document.addEventListener("visibilitychange", () => this.#look());
  }

  #open() {
    this.source = new EventSource("live");
    this.isHeard = false;
    this.closesAt = Date.now() + FIRST_EVENT;
    this.source.addEventListener("status", ({ data }) => {
      this.isHeard = true;
      this.closesAt = Date.now() + SILENCE;
      this.delay = FIRST_DELAY;
      this.#take(JSON.parse(data), ++this.asked);
    });
    this.source.addEventListener("error", () => this.#close());
  }

  /** Ask instead, and try the stream again later. */
  #close() {
    this.source.close();
    this.source = null;
    this.isHeard = false;
    this.opensAt = Date.now() + this.delay;
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
    this.#ask();
  }

  #look() {
    if (document.hidden) return;
    const now = Date.now();
    // The device has slept, the page was hidden, or the clock was set: no time counts any more.
    const hasSlept = Math.abs(now - this.lookedAt) > PAUSE;
    this.lookedAt = now;
    if (hasSlept) this.#wake();
    else if (this.source && now > this.closesAt) this.#close();
    else if (!this.isHeard && !this.isAsking && now > this.asksAt) this.#ask();
    if (!this.source && now > this.opensAt) this.#open();
  }

  #wake() {
    if (this.source) this.#close();
    else this.#ask();
    this.delay = FIRST_DELAY;
    this.opensAt = 0;
  }

  async #ask() {
    const mine = ++this.asked;
    this.isAsking = true;
    try {
      this.#take(await get("status", ANSWER), mine);
    } catch {
      if (mine > this.taken) this.onChange(false);
    }
    this.isAsking = false;
    this.asksAt = Date.now() + PAUSE;
  }

  /** Show a Status, unless an event or an answer to a later question was faster. */
  #take(status, number) {
    if (number < this.taken) return;
    this.taken = number;
    this.onStatus(status);
    this.onChange(true);
  }
}

/**
 * Follows the status.
 *
 * @param {(status: object) => void} onStatus called with each Status.
 * @param {(isConnected: boolean) => void} onChange called whenever the add-on answers, or does not.
 */
export function follow(onStatus, onChange) {
  return new Follower(onStatus, onChange);
}
