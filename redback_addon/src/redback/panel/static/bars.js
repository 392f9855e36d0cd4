// Draws the energy of a span as stacked bars. Where there is no data, the chart is shaded, and below bars
// that lack hours.

import { inFull, inShort, isHour } from "./dates.js";
import * as format from "./format.js";
import { css, painted, Plot } from "./plot.js";
import { energyColours, stackBars } from "./stack.js";
import { ENERGIES } from "./tiles.js";
import { HOUR } from "./time.js";

const SERIES = ENERGIES.map(([key, title]) => ({ key, title, colours: energyColours(key) }));

const STRIP = 6; // pixels
const WIDTH = [0.8, 64]; // the share of a place that its bar takes, and the most pixels

/** Those energies of which anything is known. */
export const known = ({ kwh }) => SERIES.filter(({ key }) => kwh[key].some((value) => value != null));

/** What a bar is of: "13:00 to 14:00", "Tue 24 Nov", "November 2026". */
export function named(energy, index) {
  const start = energy.bars.start[index];
  return isHour(start) ? `${format.clock(new Date(start))} to ${format.clock(Date.parse(start) + HOUR)}` : inFull(energy.length, start);
}

/** The chart of an Energy. */
export class Bars extends Plot {
  constructor() {
    super("Energy; use the arrow keys to move through the bars");
  }

  /** Shows an Energy; returns whether the chart could be drawn. */
  show(energy) {
    this.energy = energy;
    this.places = energy.bars.start.map((_, index) => index);
    this.series = known(energy.bars);
    return this.draw();
  }

  options(isShown) {
    const { bars, length } = this.energy;
    const areas = stackBars(bars.kwh, isShown);
    const paths = this.uPlot.paths.bars({ size: WIDTH });
    const { axis } = this;
    const label = (index) => (Number.isInteger(index) && index in bars.start ? inShort(length, bars.start[index]) : "");
    return {
      data: [this.places, ...areas.map(({ values }) => values)],
      padding: [16, 12, 0, 0],
      scales: {
        x: { time: false, range: [-0.5, this.places.length - 0.5] },
        y: { range: (_, low, high) => this.range(low, high) },
      },
      axes: [
        { ...axis, size: 34, grid: { show: false }, incrs: [1, 2, 3, 4, 6, 12], space: 40, values: (_, all) => all.map(label) },
        { ...axis, size: 48, values: (_, kwh) => kwh.map((one) => format.count(Math.abs(one))) },
      ],
      series: [{}, ...areas.map(({ colour }) => ({ scale: "y", ...painted(colour), width: 1, paths, points: { show: false } }))],
      hooks: { drawClear: [(plot) => this.#shade(plot)] },
    };
  }

  #shade({ ctx, bbox, valToPos }) {
    ctx.save();
    ctx.fillStyle = css("--divider");
    this.energy.bars.missing.forEach((hours, index) => {
      if (!hours) return;
      const [left, right] = [index - 0.5, index + 0.5].map((at) => valToPos(at, "x", true));
      const isUnknown = Object.values(this.energy.bars.kwh).every((kwh) => kwh[index] == null);
      const height = isUnknown ? bbox.height : STRIP * window.devicePixelRatio;
      ctx.fillRect(left, bbox.top + bbox.height - height, right - left, height);
    });
    ctx.restore();
  }

  /** The values of one bar, or with null those of all together. */
  inWords(index) {
    const { bars, figures } = this.energy;
    const value = ({ key }) => (index == null ? figures[`${key}_kwh`] : bars.kwh[key][index]);
    const title = index == null ? "Together" : named(this.energy, index);
    const gone = index == null ? 0 : bars.missing[index];
    return {
      at: index ?? 0,
      title: gone ? `${title}, ${isHour(bars.start[index]) ? "no data" : `${format.many(gone, "hour")} missing`}` : title,
      spoken: title,
      values: Object.fromEntries(this.series.map((series) => [series.key, format.kwh(value(series))])),
    };
  }
}
