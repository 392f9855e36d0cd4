// The section Now: what each inverter is doing, after the total if there are several.

import { el, say, set, whenChanged } from "./dom.js";
import { energyTiles } from "./energy.js";
import { together } from "./flows.js";
import * as format from "./format.js";
import { glance } from "./glance.js";
import { Picture } from "./picture.js";
import { counting } from "./time.js";

const MODEL_AND_SERIAL = " · ";

function fact(name) {
  const value = el("dd");
  return { value, rows: [el("dt", {}, name), value] };
}

/** One inverter's card, made once and kept up to date. */
class House {
  constructor(inverter) {
    this.picture = new Picture(inverter, inverter.name);
    this.status = fact("Status");
    this.mode = fact("Mode");
    this.read = fact("Reading");
    this.battery = fact("Battery");
    this.age = counting(el("span", { class: "age" }), "ago", inverter.read_at);
    this.read.value.append(this.age);
    this.title = el("h3");
    this.under = el("p", { class: "under" });
    this.today = el("div", { class: "today" });
    this.drawToday = whenChanged((today) => this.today.replaceChildren(energyTiles(today)));
    const facts = [this.read, this.status, this.mode];
    if (inverter.has_battery) facts.push(this.battery);
    this.beside = el(
      "div",
      { class: "beside" },
      el("dl", { class: "facts" }, ...facts.flatMap(({ rows }) => rows)),
      el("h4", {}, "Today"),
      this.today,
    );
    this.element = el(
      "article",
      { class: "card inverter", "data-serial": inverter.serial },
      el("header", {}, this.title, this.under),
      this.picture.element,
      this.beside,
    );
  }

  show(inverter) {
    say(this.title, inverter.name);
    say(this.under, [inverter.site, inverter.model, inverter.serial].filter(Boolean).join(MODEL_AND_SERIAL));
    this.picture.show(inverter, inverter.is_live);
    counting(this.age, "ago", inverter.read_at);
    set(this.read.value, { class: inverter.is_live ? "live" : "stale" });
    say(this.status.value, inverter.status ?? "unknown");
    say(this.mode.value, mode(inverter));
    say(this.battery.value, battery(inverter));
    this.drawToday(inverter.today);
  }
}

function mode({ mode: name, mode_power_w: watts }) {
  if (!name) return "unknown";
  return watts ? `${name}, ${format.count(watts)} W` : name;
}

function battery({ soc, min_soc: least, capacity_kwh: size }) {
  const words = [size ? `${format.percent(soc)} of ${format.count(size)} kWh` : format.percent(soc)];
  if (least != null) words.push(`${format.percent(least)} reserve`);
  return words.join(", ");
}

/** The card of all inverters together. */
class Overview {
  constructor(inverters) {
    this.picture = new Picture(together(inverters), "All inverters");
    this.under = el("p", { class: "under" });
    this.beside = el("div", { class: "beside" });
    this.element = el(
      "article",
      { class: "card inverter overview" },
      el("header", {}, el("h3", {}, "All inverters"), this.under),
      this.picture.element,
      this.beside,
    );
  }

  show(inverters) {
    const live = inverters.filter((inverter) => inverter.is_live);
    this.picture.show(together(live));
    const all = `Total of ${format.many(inverters.length, "inverter")}`;
    const some = `Total of ${live.length} of ${inverters.length} inverters; no recent reading from the others`;
    say(this.under, live.length === inverters.length ? all : some);
  }
}

/** What determines the set of cards; everything else only changes their content. */
function shape(inverters) {
  return inverters.map(({ serial, has_battery: battery, has_solar: solar }) => [serial, battery, solar]);
}

/** @returns the section Now. */
export function now(content) {
  let latest = [];
  let overview;
  let houses;
  const cards = el("div", { class: "houses" });
  const look = glance();
  content.replaceChildren(cards, look.element);

  const rebuild = whenChanged(() => {
    const inverters = latest;
    houses = new Map(inverters.map((inverter) => [inverter.serial, new House(inverter)]));
    overview = inverters.length > 1 ? new Overview(inverters) : null;
    // There is room beside a single inverter, or below the total.
    const first = overview ?? houses.values().next().value;
    (first?.beside ?? content).append(look.element);
    const shown = [...houses.values()].map(({ element }) => element);
    if (overview) shown.unshift(overview.element);
    set(cards, { "data-count": inverters.length });
    cards.replaceChildren(...(shown.length ? shown : [nothing()]));
  });

  return {
    show(status) {
      latest = status.inverters;
      rebuild(shape(latest));
      overview?.show(latest);
      latest.forEach((inverter) => houses.get(inverter.serial).show(inverter));
      look.show(status);
    },
  };
}

function nothing() {
  return el(
    "p",
    { class: "card empty" },
    "Power flows appear here after the first reading.",
  );
}
