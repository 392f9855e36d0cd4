// The section Energy: what was made and used in any day, week, month or year, and the power of today.

import { amounts } from "./amounts.js";
import { Bars } from "./bars.js";
import { Choice } from "./choice.js";
import { moved, spanInWords } from "./dates.js";
import { el, replaceIn, say, set, whenChanged } from "./dom.js";
import { Downloads } from "./downloads.js";
import { Fetched } from "./fetched.js";
import { figures } from "./figures.js";
import { bySite, called, SHARED_METER } from "./flows.js";
import * as format from "./format.js";
import { Picker } from "./picker.js";
import { Power } from "./power.js";
import { calendarDate, now } from "./time.js";

const FRESH = 60_000; // milliseconds; there is a new value each minute
const LENGTHS = [["day", "Day"], ["week", "Week"], ["month", "Month"], ["year", "Year"], ["all", "All"]];
const ALL = "All inverters";

const today = () => format.isoDate(now());

/** What is missing of an Energy, with a link to where it is filled, and what Home Assistant does not have. */
function missingInWords({ bars, figures: { missing }, unrecorded }) {
  const unknown = unrecorded.map((why) => `${why[0].toUpperCase()}${why.slice(1)}, so this energy is unknown. `);
  if (!missing) return unknown;
  const isKnown = bars.kwh.load.some((kwh) => kwh != null);
  const later = isKnown ? " What was counted meanwhile may be part of the hour after." : "";
  return [...unknown, `${format.missing(missing)}.${later} `, el("a", { href: "#history" }, "See History"), "."];
}

/** The best and the worst day, each with a button that shows it. */
function bestInWords({ best, worst }, show) {
  if (!best) return [];
  const button = ({ day }) => el("button", { class: "inline", type: "button", onclick: () => show(day) }, calendarDate(day));
  const words = ({ solar_kwh: kwh }) => ` with ${format.kwh(kwh)} of solar`;
  return ["Best day: ", button(best), `${words(best)}. Worst: `, button(worst), `${words(worst)}.`];
}

/** @returns the section Energy. */
export function day(content) {
  let timer;
  let isOpen = false;
  let date = null; // a day in the span that is shown; null = today
  let shown = null; // the Energy that is shown
  let asked = null; // a day in the span that is asked for; null = it is the one that is shown
  let totals = []; // the sites of which there is a total to choose
  let sites = 0;
  const chart = new Bars();
  const downloads = new Downloads(chart);
  const power = new Power();
  const title = el("h3");
  const missing = el("p", { class: "holes" });
  const best = el("p", { class: "under below" });
  const tiles = el("div");
  const shared = el("p", { class: "under below", hidden: true }, SHARED_METER);
  const table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Amounts" });
  const lost = el("p", { class: "quiet", hidden: true }, "The chart could not be downloaded when this version was installed. The table shows its values. The next update tries again.");
  const details = el("details", {}, el("summary", {}, "Show as table"), table);
  const cards = [
    el(
      "article",
      { class: "card energies" },
      title,
      chart.element,
      missing,
      lost,
      el("p", { class: "under" }, "Above zero: where the energy came from. Below: where it went."),
      details,
      downloads.element,
    ),
    el("article", { class: "card" }, el("h3", {}, "Figures"), tiles, best, shared),
  ];

  const answer = new Fetched((given) => {
    shown = given;
    asked = null;
    say(title, spanInWords(given.length, given.first, given.last));
    replaceIn(missing, missingInWords(given));
    set(missing, { hidden: missing.childNodes.length ? null : "" });
    replaceIn(tiles, [figures(given)]);
    replaceIn(best, bestInWords(given, (chosen) => turnTo("day", chosen)));
    set(best, { hidden: given.best ? null : "" });
    set(shared, { hidden: given.is_total ? null : "" });
    table.replaceChildren(amounts(given));
    downloads.show(given, query(), picker.name);
    control();
    // The chart measures its element, so draw it after layout.
    requestAnimationFrame(async () => {
      const isDrawn = await chart.show(given);
      lost.hidden = isDrawn;
      if (!isDrawn) details.open = true;
    });
    return cards;
  });

  const turnTo = (to, chosen) => {
    length.set(to);
    date = chosen === today() ? null : chosen;
    asked = chosen;
    load();
  };
  const move = (by) => {
    const next = moved(length.value, asked ?? shown?.first ?? today(), by);
    const last = moved(length.value, next, 1);
    date = last > today() ? null : next; // the present span stays so when the day ends
    asked = next;
    load();
  };
  const control = () => {
    const kind = length.value;
    const isAll = kind === "all";
    const isPresent = date === null || (asked === null && shown?.is_open && shown.length === kind);
    set(back, { "aria-label": `Previous ${kind}` });
    set(forward, { "aria-label": `Next ${kind}` });
    back.disabled = shown?.has_earlier === false;
    forward.disabled = isPresent;
    present.hidden = isPresent;
    if (picked !== document.activeElement) picked.value = date ?? today();
    set(picked, { max: today() }); // a new one ends what is being typed
    steps.hidden = isAll;
    than.element.hidden = isAll || kind === "year";
    than.name(kind);
  };
  const query = () => {
    const wanted = new URLSearchParams({ period: length.value });
    if (date) wanted.set("date", date);
    if (than.value !== "before") wanted.set("than", than.value);
    return named(wanted);
  };
  const named = (wanted) => {
    if (picker.value) wanted.set(totals.includes(picker.value) ? "site" : "serial", picker.value);
    return wanted;
  };
  /** The query for the power; it is kept of two days, and never added up over sites. */
  const ofPower = () => {
    const isYesterday = date === moved("day", today(), -1);
    if (length.value !== "day" || !(date === null || isYesterday) || (sites > 1 && !picker.value)) return null;
    return named(new URLSearchParams(isYesterday ? { day: "yesterday" } : {}));
  };
  const onPicked = () => {
    // While somebody types a year, it is one of long ago.
    if (picked.value && picked.validity.valid) turnTo(length.value, picked.value);
  };
  const turnLength = () => {
    asked = date ?? today();
    load();
  };
  /** Whether the answer stays as it is; all of the time changes little in a minute, and costs Home Assistant seconds. */
  const isDone = () =>
    length.value === "all" || (asked === null && shown !== null && !shown.is_open && !shown.figures.missing);
  const load = () => {
    control();
    answer.load(`period?${query()}`);
    power.load(ofPower());
  };

  const length = new Choice("Period", LENGTHS, "day", turnLength, "choices lengths");
  const back = el("button", { class: "plain step", type: "button", onclick: () => move(-1) }, "‹");
  const forward = el("button", { class: "plain step", type: "button", onclick: () => move(1) }, "›");
  const present = el("button", { class: "plain", type: "button", onclick: () => turnTo(length.value, today()) }, "Today");
  const picked = el("input", { type: "date", min: "2000-01-01", onchange: () => onPicked(), onblur: () => control() });
  const choose = el("label", {}, "Date", picked);
  const steps = el("div", { class: "row steps" }, back, choose, forward, present);
  const than = new Than(load);
  const picker = new Picker(ALL, load);
  const newDay = whenChanged(() => control());
  const show = ({ inverters }) => {
    const each = [...bySite(inverters)];
    const wasOne = sites < 2;
    sites = each.length;
    totals = sites > 1 ? each.filter(([, members]) => members.length > 1).map(([site]) => site) : [];
    picker.show(
      each.flatMap(([site, members]) =>
        totals.includes(site) ? [{ serial: site, name: called(members, false) }, ...members] : members,
      ),
    );
    if (isOpen && wasOne !== sites < 2) power.load(ofPower());
    newDay(today());
  };
  content.replaceChildren(
    el("div", { class: "row" }, length.element, steps, than.element, picker.element),
    answer.element,
    power.element,
  );

  return {
    show,
    open() {
      isOpen = true;
      load();
      timer = setInterval(() => !isDone() && load(), FRESH);
    },
    close() {
      isOpen = false;
      clearInterval(timer);
    },
  };
}

/** What is compared with: the span before, or the same of last year. */
class Than {
  constructor(onChange) {
    this.options = { before: el("option", { value: "before" }), year: el("option", { value: "year" }) };
    this.select = el("select", { onchange: onChange }, ...Object.values(this.options));
    this.element = el("label", {}, "Compared with", this.select);
  }

  get value() {
    return this.select.value;
  }

  /** Names the choices for a length. */
  name(length) {
    say(this.options.before, `The ${length} before`);
    say(this.options.year, `The same ${length} of last year`);
  }
}
