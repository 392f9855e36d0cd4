// The section Energy: power and energy of today so far, or of yesterday.

import { Chart, holeInWords } from "./chart.js";
import { Choice } from "./choice.js";
import { el, say, set } from "./dom.js";
import { energyTiles } from "./energy.js";
import { Fetched } from "./fetched.js";
import { bySite, called, SHARED_METER } from "./flows.js";
import { hours } from "./hours.js";
import { Picker } from "./picker.js";
import { calendarDate } from "./time.js";

const FRESH = 60_000; // milliseconds; there is a new value each minute

const [YESTERDAY, TODAY] = ["yesterday", "today"];
const DAYS = [[YESTERDAY, "Yesterday"], [TODAY, "Today"]];
const MOST_HOLES = 4;

/** The times without readings, with a link to where they are filled. */
function holesInWords(day) {
  const { holes } = day;
  if (!holes.length) return [];
  const words = holes.slice(0, MOST_HOLES).map((hole) => holeInWords(hole, day));
  if (holes.length > MOST_HOLES) words.push(`${holes.length - MOST_HOLES} more times without readings`);
  return [...words.flatMap((one) => [one, ". "]), el("a", { href: "#history" }, "See History"), "."];
}

/** @returns the section Energy. */
export function day(content) {
  let timer;
  let totals = []; // the sites of which there is a total to choose
  const chart = new Chart();
  const title = el("h3");
  const holes = el("p", { class: "holes" });
  const energy = el("div");
  const shared = el("p", { class: "under below", hidden: true }, SHARED_METER);
  const table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Hours" });
  const missing = el("p", { class: "quiet", hidden: true }, "The chart could not be downloaded when this version was installed. The table shows its values. The next update tries again.");
  const details = el("details", {}, el("summary", {}, "Show as table"), table);
  const cards = [
    el(
      "article",
      { class: "card" },
      title,
      chart.element,
      holes,
      missing,
      el("p", { class: "under" }, "Above zero: where the power came from. Below: where it went."),
      details,
    ),
    el("article", { class: "card" }, el("h3", {}, "Energy"), energy, shared),
  ];

  const answer = new Fetched((given) => {
    say(title, calendarDate(given.date));
    holes.replaceChildren(...holesInWords(given));
    set(holes, { hidden: given.holes.length ? null : "" });
    energy.replaceChildren(energyTiles(given.energy, given.entity_ids));
    set(shared, { hidden: given.is_total ? null : "" });
    table.replaceChildren(hours(given));
    // The chart measures its element, so draw it after layout.
    requestAnimationFrame(async () => {
      const isDrawn = await chart.show(given);
      missing.hidden = isDrawn;
      if (!isDrawn) details.open = true;
    });
    return cards;
  });
  const load = () => {
    const wanted = new URLSearchParams();
    if (picker.value) wanted.set(totals.includes(picker.value) ? "site" : "serial", picker.value);
    if (choice.value === YESTERDAY) wanted.set("day", "yesterday");
    answer.load([...wanted].length ? `day?${wanted}` : "day");
  };
  const picker = new Picker(null, load);
  const choice = new Choice("Day", DAYS, TODAY, load);
  const show = ({ inverters }) => {
    const sites = [...bySite(inverters)];
    totals = sites.filter(([, members]) => members.length > 1).map(([site]) => site);
    const options = sites.flatMap(([site, members]) =>
      totals.includes(site) ? [{ serial: site, name: called(members, sites.length === 1) }, ...members] : members,
    );
    picker.show(options.length > 1 ? options : []); // the first one is what the add-on shows by itself
  };
  content.replaceChildren(el("div", { class: "row" }, choice.element, picker.element), answer.element);

  return {
    show,
    open() {
      load();
      timer = setInterval(load, FRESH);
    },
    close: () => clearInterval(timer),
  };
}
