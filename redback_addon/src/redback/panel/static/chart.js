// Draws a day's power as areas, with the values at the pointer or chosen by arrow keys.
// Times without readings are shaded, and no area crosses them.

import { css as written, mix, rgba } from "./colour.js";
import { el, say, set, svg } from "./dom.js";
import * as format from "./format.js";
import { colours, stack } from "./stack.js";
import { now } from "./time.js";

const SERIES = [
  { key: "solar", title: "Solar" },
  { key: "load", title: "House" },
  { key: "battery", title: "Battery", ways: ["discharging", "charging"] },
  { key: "grid", title: "Grid", ways: ["importing", "exporting"] },
  { key: "soc", title: "Battery SoC", isLevel: true },
];
const LEVEL = "--text-2";
const TINT = 0.55; // of an area below its edge: the rest is the card
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: 12, PageDown: -12, Home: -Infinity, End: Infinity };

/** A value of a series in words: "2.4 kW charging". */
export function inWords({ isLevel, ways }, value) {
  if (value == null) return "unknown";
  if (isLevel) return format.percent(value);
  if (!ways) return format.signedPower(value);
  return `${format.power(value)}${value ? ` ${ways[value > 0 ? 0 : 1]}` : ""}`;
}

/** A hole of a day in words: "No readings from 09:00 to 09:45". */
export function holeInWords([since, until], { at, is_total: isTotal }) {
  const time = (one) => format.clock(one * 1000);
  const isFirst = !at.length || until <= at[0];
  const isLast = !at.length || since >= at[at.length - 1];
  const when = isFirst ? `before ${time(until)}` : isLast ? `after ${time(since)}` : `from ${time(since)} to ${time(until)}`;
  const what = isTotal ? "Readings of an inverter are missing" : "No readings";
  return `${what} ${isFirst && isLast ? "so far on this day" : when}`;
}

/** Load uPlot for the first chart; rejects if it was not installed. */
async function library() {
  const { default: uPlot } = await import("./uplot/uPlot.esm.js");
  if (!document.getElementById("uplot-style")) {
    const style = el("link", { id: "uplot-style", rel: "stylesheet", href: "static/uplot/uPlot.min.css" });
    await new Promise((resolve) => {
      style.addEventListener("load", resolve);
      style.addEventListener("error", resolve);
      document.head.append(style);
    });
  }
  return uPlot;
}

/** A Date whose local fields show the house's time, on a day without a clock change anywhere. */
function inHouse(at) {
  return new Date(2001, 0, 15, ...format.clock(at * 1000).split(":"));
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A sample of what a value looks like: its areas, the source above the use, or its line. */
function sample({ key, isLevel }) {
  const shapes = isLevel
    ? [svg("line", { x1: 1, y1: 6, x2: 27, y2: 6, "stroke-width": 2, "stroke-dasharray": "4 4" })]
    : colours(key).map((_, index, { length }) => svg("rect", { x: 2, y: (12 / length) * index, width: 24, height: 12 / length }));
  shapes.forEach((shape, index) => {
    shape.style[isLevel ? "stroke" : "fill"] = `var(${isLevel ? LEVEL : colours(key)[index]})`;
  });
  return svg("svg", { class: "sample", viewBox: "0 0 28 12", "aria-hidden": "true" }, shapes);
}

/** The chart, its legend with the values at the pointer, and its keyboard control. */
export class Chart {
  constructor() {
    this.time = el("p", { class: "pointed" });
    this.values = {};
    this.hidden = new Set();
    this.legend = el("div", { class: "legend", role: "group", "aria-label": "Values" });
    this.field = el("div", {
      class: "chart",
      tabindex: 0,
      role: "slider",
      "aria-label": "Power over the day; use the arrow keys to move through time",
      "aria-valuemin": 0,
      onkeydown: (event) => this.#onKey(event),
      ontouchmove: (event) => this.#onTouch(event),
    });
    this.element = el("div", {}, this.time, this.legend, this.field);
    new ResizeObserver(() => this.#fit()).observe(this.field);
    for (const event of ["change", "themechange"]) {
      const target = event === "change" ? matchMedia("(prefers-color-scheme: dark)") : document;
      target.addEventListener(event, () => this.day && this.show(this.day));
    }
  }

  /** Shows a Day; returns whether the chart could be drawn, which needs the library. */
  async show(day) {
    this.day = day;
    this.series = SERIES.filter(({ key }) => day[key]?.some((value) => value != null));
    this.#drawLegend();
    try {
      this.uPlot ??= await library();
    } catch {
      this.field.hidden = true;
      this.#point(null);
      return false;
    }
    if (this.day === day) this.#draw(); // else a newer one arrived meanwhile
    return true;
  }

  #draw() {
    const index = this.plot?.cursor.idx;
    this.plot?.destroy();
    const isShown = (key) => !this.hidden.has(key) && this.series.some((series) => series.key === key);
    const areas = stack(this.day, isShown);
    const drawn = areas.map((area) => this.#area(area));
    const data = [this.day.at, ...areas.map(({ values }) => values)];
    if (isShown("soc")) {
      drawn.push({ scale: "%", stroke: css(LEVEL), width: 2, dash: [2, 5], points: { show: false } });
      data.push(this.day.soc);
    }
    this.plot = new this.uPlot(this.#options(drawn), data, this.field);
    set(this.field, { "aria-valuemax": Math.max(this.day.at.length - 1, 0) });
    if (index != null && document.activeElement === this.field) this.#move(index);
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
    this.legend.replaceChildren(...entries);
  }

  #toggle(key, button) {
    const isShown = this.hidden.delete(key);
    if (!isShown) this.hidden.add(key);
    set(button, { "aria-pressed": String(isShown) });
    if (this.plot) this.#draw();
  }

  #options(drawn) {
    const text = css("--text-2");
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: text, font, grid: { stroke: css("--divider"), width: 1 }, ticks: { show: false } };
    const axes = [
      { ...axis, size: 34, values: (_, at) => at.map((one) => format.clock(one * 1000)), incrs: [3600, 7200, 10800, 14400, 21600], space: 52 },
      { ...axis, size: 44, values: (_, kw) => kw.map((one) => String(Math.abs(one))) },
    ];
    const hasLevel = drawn.some(({ scale }) => scale === "%");
    if (hasLevel) axes.push({ ...axis, scale: "%", side: 1, size: 44, grid: { show: false }, values: (_, all) => all.map((one) => `${one}%`) });
    return {
      ...this.#size(),
      padding: [16, hasLevel ? 0 : 12, 0, 0],
      legend: { show: false },
      tzDate: inHouse,
      cursor: { y: false, points: { size: 8 }, drag: { x: false, y: false } },
      scales: {
        x: { range: [Date.parse(this.day.start) / 1000, Date.parse(this.day.end) / 1000] },
        y: { range: (_, low, high) => this.uPlot.rangeNum(Math.min(low ?? 0, 0), Math.max(high ?? 1, 1), 0.08, true) },
        "%": { range: [0, 100] },
      },
      axes,
      series: [{}, ...drawn],
      hooks: {
        drawClear: [(plot) => this.#shade(plot)],
        draw: [(plot) => this.#markNow(plot)],
        setCursor: [(plot) => this.#point(plot.cursor.idx)],
      },
    };
  }

  #shade({ ctx, bbox, valToPos }) {
    ctx.save();
    ctx.fillStyle = css("--divider");
    for (const [since, until] of this.day.holes) {
      const [left, right] = [since, until].map((at) => valToPos(at, "x", true));
      ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    }
    ctx.restore();
  }

  #markNow({ ctx, bbox, valToPos }) {
    const at = now() / 1000;
    if (at < Date.parse(this.day.start) / 1000 || at > Date.parse(this.day.end) / 1000) return;
    ctx.save();
    const ratio = window.devicePixelRatio;
    const x = Math.round(valToPos(at, "x", true)) + ratio / 2; // whole pixels
    ctx.strokeStyle = ctx.fillStyle = css("--text-2");
    ctx.lineWidth = ratio;
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "bottom";
    ctx.fillText("Now", x, bbox.top - ratio);
    ctx.restore();
  }

  /** One area; it is opaque, so that those under it do not shine through. */
  #area({ colour }) {
    const [ink, ground] = [css(colour), css("--card")].map(rgba);
    return {
      scale: "y",
      stroke: written(ink),
      width: 1,
      fill: written(mix(ground, ink.slice(0, 3), TINT)),
      points: { show: false },
    };
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
    if (step === undefined || !this.plot) return;
    event.preventDefault();
    const last = this.day.at.length - 1;
    const from = this.plot.cursor.idx ?? last + (step > 0 ? 0 : 1);
    this.#move(Math.min(last, Math.max(0, from + step)));
  }

  #onTouch({ touches: [finger] }) {
    if (!this.plot) return;
    const { left } = this.plot.over.getBoundingClientRect();
    this.plot.setCursor({ left: finger.clientX - left, top: 0 });
  }

  #move(index) {
    const left = this.plot.valToPos(this.day.at[index], "x");
    this.plot.setCursor({ left, top: 0 });
    this.#point(index);
  }

  /** Shows the values at one index, or with null the latest. */
  #point(index) {
    const { at, holes } = this.day;
    const isPointed = index != null;
    const shown = isPointed ? index : at.length - 1;
    const hole = holes.find(([since, until]) => since < at[shown] && at[shown] < until);
    const time = shown < 0 ? null : format.clock(at[shown] * 1000);
    const latest = time ? `Latest values, ${time}` : "No values yet";
    const pointed = hole ? holeInWords(hole, this.day) : `At ${time}`;
    say(this.time, isPointed ? pointed : latest);
    const words = this.series.map((series) => {
      const value = inWords(series, this.day[series.key][shown]);
      say(this.values[series.key], value);
      return `${series.title} ${value}`;
    });
    set(this.field, { "aria-valuenow": Math.max(shown, 0), "aria-valuetext": [time, ...words].filter(Boolean).join(", ") });
  }
}
