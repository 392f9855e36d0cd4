// The form that starts something: what, how strongly, how long, and in a sentence what it will do.

import { Choice } from "./choice.js";
import { confirm } from "./confirm.js";
import { el, say, set, whenChanged } from "./dom.js";
import { doing, watts } from "./doing.js";
import { forecast, needsQuestion, span } from "./forecast.js";
import * as format from "./format.js";
import { icon } from "./icons.js";
import { atClock, now } from "./time.js";

const ACTIONS = {
  charge: ["Charge battery", "charge"],
  discharge: ["Discharge battery", "discharge"],
  import: ["Import power", "import"],
  export: ["Export power", "export"],
  conserve: ["Conserve", "conserve"],
  limit_export: ["Limit export", "limit"],
};
const STEP = 100; // W
const UNKNOWN_LIMIT = 10_000; // W; the add-on refuses what is too much
const MINUTES = [15, 30, 60, 120, 180, 240, 360, 480, 720, 1440];
const USUAL = 60;
const [AT_ONCE, LATER] = ["now", "later"];
const [LASTS, ENDS] = ["minutes", "until"];
const MINUTE = 60_000; // milliseconds

/** The form; `show` tells it of which inverter, and why nothing can be started, if nothing can. */
export class CommandForm {
  /**
   * @param {(fields: object, words: string) => Promise<void>} send sends a command to the add-on; the
   *   words are what is shown once it runs.
   */
  constructor(send) {
    this.send = send;
    this.powers = {}; // W, by inverter and action
    this.place = el("div");
    this.amount = el("b");
    this.slider = el("input", { type: "range", step: STEP, oninput: () => this.#onPower() });
    this.most = el("span");
    this.least = el("span");
    this.power = el(
      "label",
      { class: "power" },
      el("span", { class: "row" }, "Power", this.amount),
      this.slider,
      el("span", { class: "ends", "aria-hidden": "true" }, this.least, this.most),
    );
    this.when = new Choice("Begin", [[AT_ONCE, "Now"], [LATER, "At"]], AT_ONCE, () => this.draw());
    this.from = el("input", { type: "time", "aria-label": "From when", oninput: () => this.draw() });
    this.how = new Choice("End", [[LASTS, "For"], [ENDS, "Until"]], LASTS, () => this.draw());
    this.minutes = el("select", { "aria-label": "How long", onchange: () => this.draw() }, MINUTES.map((one) => el("option", { value: one, selected: one === USUAL }, format.duration(one * 60))));
    this.time = el("input", { type: "time", "aria-label": "Until when", oninput: () => this.draw() });
    this.forecast = el("p", { class: "forecast", id: "forecast" });
    this.button = el("button", { type: "submit", "aria-describedby": "forecast" }, icon("play"), "Start");
    this.whyNot = el("p", { class: "under" });
    this.fields = el(
      "div",
      { class: "command" },
      this.place,
      this.power,
      el(
        "div",
        { class: "row times" },
        el("div", { class: "row" }, this.when.element, this.from),
        el("div", { class: "row" }, this.how.element, this.minutes, this.time),
      ),
      this.forecast,
      el("div", { class: "row" }, this.button),
    );
    this.element = el(
      "form",
      { class: "card", onsubmit: (event) => this.#submit(event) },
      el("h3", {}, "Start"),
      this.whyNot,
      this.fields,
    );
    this.offer = whenChanged((abilities) => this.#offer(abilities));
  }

  /** Shows what an inverter can do, and why not more; `hold` is why nothing can be started now, or null. */
  show({ inverter, abilities, whyNot, entries, hold }) {
    Object.assign(this, { inverter, entries, hold });
    say(this.whyNot, whyNot ?? "");
    this.whyNot.hidden = !whyNot;
    this.fields.hidden = !abilities.length;
    if (!abilities.length) return;
    this.offer([inverter.serial, abilities]);
    this.draw();
  }

  #offer([, abilities]) {
    this.abilities = Object.fromEntries(abilities.map((one) => [one.action, one]));
    const options = abilities.filter(({ action }) => action in ACTIONS).map(({ action }) => {
      const [words, drawing] = ACTIONS[action];
      return [action, el("span", { class: "mode" }, icon(drawing), words)];
    });
    const before = this.choice?.value;
    const value = before in this.abilities ? before : options[0][0];
    this.choice = new Choice("What to do", options, value, () => this.#onAction(), "modes");
    this.place.replaceChildren(this.choice.element);
    this.#onAction();
  }

  get #key() {
    return `${this.inverter.serial} ${this.choice.value}`;
  }

  #onAction() {
    const { action, most } = this.abilities[this.choice.value];
    const isLimit = action === "limit_export";
    this.top = most ?? UNKNOWN_LIMIT;
    set(this.slider, { min: isLimit ? 0 : STEP, max: Math.ceil(this.top / STEP) * STEP });
    this.slider.value = this.powers[this.#key] ?? (isLimit ? 0 : this.top);
    say(this.least, isLimit ? "0 W" : watts(STEP));
    say(this.most, watts(this.top));
    this.power.hidden = action === "conserve";
    this.draw();
  }

  #onPower() {
    this.powers[this.#key] = Number(this.slider.value);
    this.draw();
  }

  /** The command that is entered; null while a time is missing. */
  get command() {
    const isPlanned = this.when.value === LATER;
    const start = isPlanned ? atClock(this.from.value, now()) : now();
    const end = start && (this.how.value === LASTS ? new Date(start.getTime() + this.minutes.value * MINUTE) : atClock(this.time.value, start));
    if (!end) return null;
    return { action: this.choice.value, power: Math.min(Number(this.slider.value), this.top), start, end, isPlanned };
  }

  draw() {
    const { command, hold } = this;
    const isTimed = this.how.value === ENDS;
    this.minutes.hidden = isTimed;
    this.time.hidden = !isTimed;
    this.from.hidden = this.when.value === AT_ONCE;
    const amount = watts(Math.min(Number(this.slider.value), this.top));
    say(this.amount, amount);
    set(this.slider, { "aria-valuetext": amount });
    say(this.forecast, hold ?? (command ? forecast(command, this.inverter, this.entries) : "Enter the time."));
    set(this.forecast, { class: hold ? "forecast stale" : "forecast" });
    this.button.disabled = this.isBusy || Boolean(hold) || !command;
  }

  async #submit(event) {
    event.preventDefault();
    const { command } = this;
    if (!command || this.isBusy || this.hold) return;
    const { action, power, start, end, isPlanned } = command;
    const [words] = ACTIONS[action];
    if (needsQuestion(action) && !(await confirm(`${words}?`, this.forecast.textContent, words))) return;
    this.isBusy = true;
    this.draw();
    const limits = action === "limit_export" ? { max_export: power } : {};
    await this.send(
      {
        action,
        ...(action === "conserve" ? {} : { power }),
        ...(isPlanned ? { start: start.toISOString() } : {}),
        ...(this.how.value === LASTS ? { minutes: Number(this.minutes.value) } : { until: end.toISOString() }),
      },
      `${isPlanned ? "Scheduled: " : ""}${doing({ action, power, limits })} ${span(command)}.`,
    );
    this.isBusy = false;
    this.draw();
  }
}
