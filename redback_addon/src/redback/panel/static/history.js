// The section History: which hours are complete, the progress of filling, and what to fill again.

import { calendar } from "./calendar.js";
import { Corrections } from "./corrections.js";
import { moved } from "./dates.js";
import { el, say, set } from "./dom.js";
import { Fetched } from "./fetched.js";
import * as format from "./format.js";
import { historyInWords } from "./glance.js";
import { Picker } from "./picker.js";
import { resultLine } from "./result.js";
import { post } from "./server.js";
import { counting, moment } from "./time.js";

const DAYS = 28; // at once
const PAUSE = 15_000; // milliseconds between two reloads of the calendar while filling

/** The midnight at which a local date ends. */
function nextDay(date) {
  return `${moved("day", date, 1)}T00:00`;
}

/** The card with the progress of filling, and a button to pause or resume it. */
class Progress {
  constructor() {
    this.words = el("p", { class: "headline" });
    this.bar = el("progress", { "aria-label": "Hours filled" });
    this.details = el("p", { class: "under" });
    this.end = el("span");
    this.button = el("button", { class: "plain", type: "button", onclick: () => this.#press() });
    this.again = el("button", { class: "plain", type: "button", onclick: () => this.#retry() }, "Try again now");
    this.unrecorded = el("p");
    this.result = resultLine();
    this.element = el(
      "article",
      { class: "card progress" },
      el("h3", {}, "Filling gaps"),
      this.words,
      this.bar,
      this.details,
      this.unrecorded,
      el("div", { class: "row" }, this.again, this.button, this.result.element),
    );
  }

  show(history) {
    const { is_paused: isPaused, found, done, left, hold, unrecorded } = history;
    this.isPaused = isPaused;
    say(this.words, historyInWords(history)[1]);
    set(this.bar, { max: found || 1, value: found ? done : 1, hidden: left ? null : "" });
    this.#showDetails(history);
    say(this.button, isPaused ? "Resume" : "Pause");
    this.button.hidden = !left && !isPaused;
    this.again.hidden = isPaused || !hold?.may_retry;
    say(this.unrecorded, unrecorded ?? "");
    this.unrecorded.hidden = !unrecorded;
  }

  #showDetails({ is_running: isRunning, found, done, rate, ends_at: end }) {
    const parts = [`${format.count(done)} of ${format.many(found, "hour")} written`];
    if (isRunning && rate) parts.push(`${format.many(rate, "hour")} per minute`);
    say(this.details, found ? `${parts.join(", ")}. ` : "");
    if (!isRunning || !end) return;
    this.details.append(`Finishes at ${moment(end)}, `, counting(this.end, "until", end), ".");
  }

  async #retry() {
    this.again.disabled = true;
    this.result.show(await post("history/retry"));
    this.again.disabled = false;
  }

  async #press() {
    this.button.disabled = true;
    this.result.show(await post(this.isPaused ? "history/resume" : "history/pause"));
    this.button.disabled = false;
  }
}

/** The form to make a range agree with the inverter. */
class Again {
  constructor(onDone) {
    this.onDone = onDone;
    this.picker = new Picker("All inverters", () => {});
    this.since = el("input", { type: "datetime-local", step: 3600, required: true });
    this.until = el("input", { type: "datetime-local", step: 3600, required: true });
    this.button = el("button", { type: "submit" });
    this.result = resultLine();
    this.#label();
    this.element = el(
      "form",
      { class: "card", onsubmit: (event) => this.#submit(event), oninput: () => this.#label() },
      el("h3", {}, "Make days agree with the inverter"),
      el("p", { class: "under" }, "Fetches these hours again, and makes Home Assistant's statistics say what the inverter counted. Correct hours stay unchanged, and so does a sum that you adjusted yourself. Choose a day above, or enter a range of whole hours in your home's local time."),
      el(
        "div",
        { class: "row" },
        this.picker.element,
        el("label", {}, "From", this.since),
        el("label", {}, "To", this.until),
        this.button,
      ),
      this.result.element,
    );
  }

  choose(date, serial) {
    this.since.value = `${date}T00:00`;
    this.until.value = nextDay(date);
    this.picker.select.value = serial ?? "";
    this.#label();
    this.element.scrollIntoView({ block: "nearest" });
    this.since.focus({ preventScroll: true });
  }

  #label() {
    const [since, until] = [this.since.value, this.until.value];
    const isDay = since.endsWith("T00:00") && until === nextDay(since.slice(0, 10));
    say(this.button, `Make ${isDay ? "this day" : "this range"} agree with the inverter`);
  }

  async #submit(event) {
    event.preventDefault();
    const [since, until] = [this.since.value, this.until.value].map((value) => value.slice(0, 13));
    if (since >= until) {
      this.result.show({ isDone: false, text: "The range must end after it starts." });
      return;
    }
    const answer = await post("history/fill", { serial: this.picker.value, since, until });
    this.result.show(answer);
    if (answer.isDone) this.onDone();
  }
}

/** @returns the section History. */
export function history(content) {
  let isOpen = false;
  let loadedAt = 0;
  let serials = "";
  let left;
  const progress = new Progress();
  const corrections = new Corrections(resultLine());
  const again = new Again(() => load());
  let last = ""; // the last day that is shown; empty = today
  const turn = (date) => {
    last = date;
    load();
  };
  const days = new Fetched((answer) => [calendar(answer, (date) => again.choose(date, picker.value), last, turn)]);
  const picker = new Picker(null, () => turn(""));
  const load = () => {
    loadedAt = Date.now();
    corrections.load();
    const until = last ? `&until=${last}` : "";
    if (picker.value) days.load(`calendar?serial=${encodeURIComponent(picker.value)}&days=${DAYS}${until}`);
    else days.element.replaceChildren(el("p", { class: "card empty" }, "Hours appear here once there is an inverter."));
  };
  content.replaceChildren(progress.element, picker.element, days.element, again.element, corrections.element);

  return {
    show({ inverters, history: state }) {
      progress.show(state);
      picker.show(inverters);
      again.picker.show(inverters);
      const now = inverters.map(({ serial }) => serial).join();
      const isLate = state.left !== left && Date.now() - loadedAt > PAUSE;
      const isOther = now !== serials;
      serials = now;
      if (!isOpen || !(isOther || isLate)) return;
      left = state.left;
      load();
    },
    open() {
      isOpen = true;
      if (serials) load();
    },
    close: () => {
      isOpen = false;
    },
  };
}
