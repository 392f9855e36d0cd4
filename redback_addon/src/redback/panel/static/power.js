// The power of today so far, or of yesterday, which the add-on keeps minute by minute.

import { Chart, holeInWords } from "./chart.js";
import { el, replaceIn, set } from "./dom.js";
import { Fetched } from "./fetched.js";
import { hours } from "./hours.js";

const MOST_HOLES = 4;

/** The times without readings, with a link to where they are filled. */
function holesInWords(day) {
  const { holes } = day;
  if (!holes.length) return [];
  const words = holes.slice(0, MOST_HOLES).map((hole) => holeInWords(hole, day));
  if (holes.length > MOST_HOLES) words.push(`${holes.length - MOST_HOLES} more times without readings`);
  return [...words.flatMap((one) => [one, ". "]), el("a", { href: "#history" }, "See History"), "."];
}

/** The card with the power of a day; `element` is hidden on days of which it is not kept. */
export class Power {
  constructor() {
    this.chart = new Chart();
    this.holes = el("p", { class: "holes" });
    this.table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Hours" });
    this.details = el("details", {}, el("summary", {}, "Show as table"), this.table);
    this.cards = [
      el(
        "article",
        { class: "card powers" },
        el("h3", {}, "Power"),
        this.chart.element,
        this.holes,
        el("p", { class: "under" }, "Above zero: where the power came from. Below: where it went."),
        this.details,
      ),
    ];
    this.answer = new Fetched((day) => this.#draw(day));
    this.element = this.answer.element;
  }

  /** Shows the day of a query; null hides it. */
  load(query) {
    this.element.hidden = query === null;
    if (query !== null) this.answer.load(String(query) ? `day?${query}` : "day");
  }

  #draw(day) {
    replaceIn(this.holes, holesInWords(day));
    set(this.holes, { hidden: day.holes.length ? null : "" });
    this.table.replaceChildren(hours(day));
    // The chart measures its element, so draw it after layout.
    requestAnimationFrame(async () => {
      if (!(await this.chart.show(day))) this.details.open = true;
    });
    return this.cards;
  }
}
