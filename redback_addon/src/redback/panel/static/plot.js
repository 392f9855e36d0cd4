// A chart with a legend that shows the values at the pointer, or where the arrow keys are.

import { css as written, mix, rgba } from "./colour.js";
import { el, replaceIn, say, set, svg } from "./dom.js";

const TINT = 0.55; // of an area below its edge: the rest is the card
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: 12, PageDown: -12, Home: -Infinity, End: Infinity };

/** The value of a variable of the style sheets. */
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

let library; // the promise of uPlot, which all charts share

/** Load uPlot and its style; rejects if it was not installed. */
async function load() {
  const { default: uPlot } = await import("./uplot/uPlot.esm.js");
  const style = el("link", { rel: "stylesheet", href: "static/uplot/uPlot.min.css" });
  await new Promise((resolve) => {
    style.addEventListener("load", resolve);
    style.addEventListener("error", resolve);
    document.head.append(style);
  });
  return uPlot;
}

/** A sample of what a value looks like: its areas, the source above the use, or its line. */
function sample({ colours, line }) {
  const shapes = line
    ? [svg("line", { x1: 1, y1: 6, x2: 27, y2: 6, "stroke-width": 2, "stroke-dasharray": "4 4" })]
    : colours.map((_, index, { length }) => svg("rect", { x: 2, y: (12 / length) * index, width: 24, height: 12 / length }));
  shapes.forEach((shape, index) => {
    shape.style[line ? "stroke" : "fill"] = `var(${line ?? colours[index]})`;
  });
  return svg("svg", { class: "sample", viewBox: "0 0 28 12", "aria-hidden": "true" }, shapes);
}

/** The colours of an area; it is opaque, so that those under it do not shine through. */
export function painted(colour) {
  const [ink, ground] = [css(colour), css("--card")].map(rgba);
  return { stroke: written(ink), fill: written(mix(ground, ink.slice(0, 3), TINT)) };
}

/**
 * What both charts share. A chart has `series`, each with a key, a title, and colours or a line; `places`,
 * where its values are on the axis; `options(isShown)`, uPlot's and its data; and `inWords(index)`.
 */
export class Plot {
  /** @param {string} label what the chart shows, for screen readers. */
  constructor(label) {
    this.time = el("p", { class: "pointed" });
    this.values = {};
    this.hidden = new Set();
    this.legend = el("div", { class: "legend", role: "group", "aria-label": "Values" });
    this.field = el("div", {
      class: "chart",
      tabindex: 0,
      role: "slider",
      "aria-label": label,
      "aria-valuemin": 0,
      onkeydown: (event) => this.#onKey(event),
      ontouchmove: (event) => this.#onTouch(event),
    });
    this.element = el("div", {}, this.time, this.legend, this.field);
    new ResizeObserver(() => this.#fit()).observe(this.field);
    for (const event of ["change", "themechange"]) {
      const target = event === "change" ? matchMedia("(prefers-color-scheme: dark)") : document;
      target.addEventListener(event, () => this.series && this.draw());
    }
  }

  /** Draw what the chart has now; returns whether it could be drawn, which needs the library. */
  async draw() {
    const { series } = this;
    this.#drawLegend();
    try {
      this.uPlot = await (library ??= load());
      this.field.hidden = false;
    } catch {
      library = undefined; // another try may succeed
      this.field.hidden = true;
      this.#point(null);
      return false;
    }
    if (this.series === series) this.#plot(); // else something newer arrived meanwhile
    return true;
  }

  #plot() {
    const index = this.plot?.cursor.idx;
    this.plot?.destroy();
    const isShown = (key) => !this.hidden.has(key) && this.series.some((series) => series.key === key);
    const { data, hooks, ...options } = this.options(isShown);
    const whole = {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, points: { size: 8 }, drag: { x: false, y: false } },
      ...options,
      hooks: { ...hooks, setCursor: [(plot) => this.#point(plot.cursor.idx)] },
    };
    this.plot = new this.uPlot(whole, data, this.field);
    set(this.field, { "aria-valuemax": Math.max(this.places.length - 1, 0) });
    if (index != null && document.activeElement === this.field) this.#move(Math.min(index, this.places.length - 1));
    else this.#point(null);
  }

  #drawLegend() {
    const entries = this.series.map((series) => {
      const value = el("b");
      this.values[series.key] = value;
      return el(
        "button",
        {
          class: "series",
          type: "button",
          "aria-pressed": String(!this.hidden.has(series.key)),
          onclick: (event) => this.#toggle(series.key, event.currentTarget),
        },
        sample(series),
        el("span", {}, series.title),
        value,
      );
    });
    replaceIn(this.legend, entries);
  }

  #toggle(key, button) {
    const isShown = this.hidden.delete(key);
    if (!isShown) this.hidden.add(key);
    set(button, { "aria-pressed": String(isShown) });
    if (this.plot) this.#plot();
  }

  /** How both charts draw an axis. */
  get axis() {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return { stroke: css("--text-2"), font, grid: { stroke: css("--divider"), width: 1 }, ticks: { show: false } };
  }

  /** The range of the values, with zero and a margin. */
  range(low, high) {
    return this.uPlot.rangeNum(Math.min(low ?? 0, 0), Math.max(high ?? 1, 1), 0.08, true);
  }

  #size() {
    const width = this.field.clientWidth || 320;
    return { width, height: Math.round(Math.min(420, Math.max(260, width * 0.5))) };
  }

  #fit() {
    if (this.plot && this.field.clientWidth) this.plot.setSize(this.#size());
  }

  #onKey(event) {
    const step = KEYS[event.key];
    if (step === undefined || !this.plot || !this.places.length) return;
    event.preventDefault();
    const last = this.places.length - 1;
    const from = this.plot.cursor.idx ?? last + (step > 0 ? 0 : 1);
    this.#move(Math.min(last, Math.max(0, from + step)));
  }

  #onTouch({ touches: [finger] }) {
    if (!this.plot) return;
    const { left } = this.plot.over.getBoundingClientRect();
    this.plot.setCursor({ left: finger.clientX - left, top: 0 });
  }

  #move(index) {
    const left = this.plot.valToPos(this.places[index], "x");
    this.plot.setCursor({ left, top: 0 });
    this.#point(index);
  }

  /** Shows the values at one index, or with null those that the chart has at rest. */
  #point(index) {
    const { at, title, spoken, values } = this.inWords(index);
    say(this.time, title);
    const words = this.series.map(({ key, title: name }) => {
      say(this.values[key], values[key]);
      return `${name} ${values[key]}`;
    });
    set(this.field, { "aria-valuenow": Math.max(at, 0), "aria-valuetext": [spoken, ...words].filter(Boolean).join(", ") });
  }
}
