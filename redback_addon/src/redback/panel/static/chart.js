// Draws a day's power as areas. Times without readings are shaded, and no area crosses them.

import * as format from "./format.js";
import { css, painted, Plot } from "./plot.js";
import { powerColours, stack } from "./stack.js";
import { now } from "./time.js";

const LEVEL = "--text-2";
const SERIES = [
  { key: "solar", title: "Solar" },
  { key: "load", title: "House" },
  { key: "battery", title: "Battery", ways: ["discharging", "charging"] },
  { key: "grid", title: "Grid", ways: ["importing", "exporting"] },
  { key: "soc", title: "Battery SoC", line: LEVEL },
].map((series) => ({ ...series, colours: powerColours(series.key) }));

/** A value of a series in words: "2.4 kW charging". */
export function inWords({ line, ways }, value) {
  if (value == null) return "unknown";
  if (line) return format.percent(value);
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

/** A Date whose local fields show the house's time, on a day without a clock change anywhere. */
function inHouse(at) {
  return new Date(2001, 0, 15, ...format.clock(at * 1000).split(":"));
}

/** The chart of a Day. */
export class Chart extends Plot {
  constructor() {
    super("Power over the day; use the arrow keys to move through time");
  }

  /** Shows a Day; returns whether the chart could be drawn. */
  show(day) {
    this.day = day;
    this.places = day.at;
    this.series = SERIES.filter(({ key }) => day[key]?.some((value) => value != null));
    return this.draw();
  }

  options(isShown) {
    const areas = stack(this.day, isShown);
    const drawn = areas.map(({ colour }) => ({ scale: "y", ...painted(colour), width: 1, points: { show: false } }));
    const data = [this.day.at, ...areas.map(({ values }) => values)];
    const { axis } = this;
    const axes = [
      { ...axis, size: 34, values: (_, at) => at.map((one) => format.clock(one * 1000)), incrs: [3600, 7200, 10800, 14400, 21600], space: 52 },
      { ...axis, size: 44, values: (_, kw) => kw.map((one) => String(Math.abs(one))) },
    ];
    const hasLevel = isShown("soc");
    if (hasLevel) {
      drawn.push({ scale: "%", stroke: css(LEVEL), width: 2, dash: [2, 5], points: { show: false } });
      data.push(this.day.soc);
      axes.push({ ...axis, scale: "%", side: 1, size: 44, grid: { show: false }, values: (_, all) => all.map((one) => `${one}%`) });
    }
    return {
      data,
      padding: [16, hasLevel ? 0 : 20, 0, 0],
      tzDate: inHouse,
      scales: {
        x: { range: [Date.parse(this.day.start) / 1000, Date.parse(this.day.end) / 1000] },
        y: { range: (_, low, high) => this.range(low, high) },
        "%": { range: [0, 100] },
      },
      axes,
      series: [{}, ...drawn],
      hooks: {
        drawClear: [(plot) => this.#shade(plot)],
        draw: [(plot) => this.#markNow(plot)],
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

  /** The values at one index, or with null the latest. */
  inWords(index) {
    const { at, holes } = this.day;
    const shown = index ?? at.length - 1;
    const hole = holes.find(([since, until]) => since < at[shown] && at[shown] < until);
    const time = shown < 0 ? null : format.clock(at[shown] * 1000);
    const latest = time ? `Latest values, ${time}` : "No values yet";
    const pointed = hole ? holeInWords(hole, this.day) : `At ${time}`;
    return {
      at: shown,
      title: index == null ? latest : pointed,
      spoken: time,
      values: Object.fromEntries(this.series.map((series) => [series.key, inWords(series, this.day[series.key][shown])])),
    };
  }
}
