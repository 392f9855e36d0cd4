// Downloads the energy of a span: as a CSV file of its hours, days or months, and as a picture of its chart.

import { spanInWords } from "./dates.js";
import { el, replaceIn } from "./dom.js";
import { icon } from "./icons.js";
import { css } from "./plot.js";

/** What a span can be downloaded in. */
const STEPS = { day: ["hour"], week: ["hour", "day"], month: ["hour", "day"], year: ["hour", "day", "month"], all: ["day", "month"] };

/** Links and a button to download what is shown. */
export class Downloads {
  /** @param {import("./bars.js").Bars} chart whose picture is offered. */
  constructor(chart) {
    this.chart = chart;
    this.element = el("div", { class: "row", role: "group", "aria-label": "Download" });
  }

  /**
   * Offers an Energy.
   *
   * @param {object} energy what is shown.
   * @param {string} query what it was asked for with.
   * @param {string} name of the inverter; empty for all.
   */
  show(energy, query, name) {
    const links = STEPS[energy.length].map((by) =>
      el("a", { class: "button plain", href: `energy.csv?${query}&by=${by}`, download: "" }, icon("download"), `CSV by ${by}`),
    );
    const title = [spanInWords(energy.length, energy.first, energy.last), name].filter(Boolean).join(", ");
    const picture = el("button", { class: "plain", type: "button", onclick: () => this.#save(title) }, icon("download"), "Picture");
    replaceIn(this.element, [...links, picture]);
  }

  async #save(title) {
    if (!this.chart.plot) return; // it could not be drawn
    const canvas = picture(this.chart, title);
    const url = URL.createObjectURL(await new Promise((done) => canvas.toBlob(done)));
    el("a", { href: url, download: `Energy ${title}.png` }).click();
    URL.revokeObjectURL(url);
  }
}

/** A chart with a title and its legend as a picture: a canvas. */
function picture(chart, title) {
  const ratio = window.devicePixelRatio;
  const drawn = chart.plot.ctx.canvas;
  const words = chart.series.filter(({ key }) => !chart.hidden.has(key)).map(({ key, title: name, colours }) => [`${name} ${chart.inWords(null).values[key]}`, colours[0]]);
  const canvas = document.createElement("canvas");
  const ctx = canvas.getContext("2d");
  const font = (size) => `${size * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  const [margin, line] = [16 * ratio, 24 * ratio];
  // As many entries of the legend in a row as fit.
  ctx.font = font(13);
  const rows = [[]];
  let left = 0;
  for (const [text, colour] of words) {
    const width = ctx.measureText(text).width + 40 * ratio;
    if (left && left + width > drawn.width) {
      rows.push([]);
      left = 0;
    }
    rows[rows.length - 1].push({ text, colour, left });
    left += width;
  }
  canvas.width = drawn.width + 2 * margin;
  canvas.height = drawn.height + 2 * margin + line * (rows.length + 1.5);
  ctx.fillStyle = css("--card");
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.textBaseline = "middle";
  ctx.fillStyle = css("--text");
  ctx.font = font(18);
  ctx.fillText(title, margin, margin + line / 2);
  ctx.font = font(13);
  rows.forEach((row, index) => {
    const middle = margin + line * (index + 2);
    for (const { text, colour, left: from } of row) {
      ctx.fillStyle = css(colour);
      ctx.fillRect(margin + from, middle - 6 * ratio, 16 * ratio, 12 * ratio);
      ctx.fillStyle = css("--text");
      ctx.fillText(text, margin + from + 22 * ratio, middle);
    }
  });
  ctx.drawImage(drawn, margin, canvas.height - drawn.height - margin);
  return canvas;
}
