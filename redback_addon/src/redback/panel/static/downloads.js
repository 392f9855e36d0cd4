// Downloads the energy of a span: as a CSV file of its hours, days or months, and as a picture of its chart.

import { spanInWords } from "./dates.js";
import { el, replaceIn } from "./dom.js";
import { icon } from "./icons.js";

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
    const canvas = this.chart.picture(title);
    if (!canvas) return;
    const url = URL.createObjectURL(await new Promise((done) => canvas.toBlob(done)));
    el("a", { href: url, download: `Energy ${title}.png` }).click();
    URL.revokeObjectURL(url);
  }
}
