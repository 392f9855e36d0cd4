// The section Now: what each inverter is doing, after the total of a site that has several.

import { el, historyLink, say, set, whenChanged } from "./dom.js";
import { energyTiles } from "./energy.js";
import { bySite, called, SHARED_METER, together } from "./flows.js";
import * as format from "./format.js";
import { glance } from "./glance.js";
import { Picture } from "./picture.js";
import { counting } from "./time.js";

const VALUES = [
  ["solar_kw", "Solar"],
  ["load_kw", "House"],
  ["battery_kw", "Battery"],
  ["soc", "Battery SoC"],
  ["grid_kw", "Grid"],
  ["status", "Status"],
];

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
    this.drawToday = whenChanged((today) => this.today.replaceChildren(energyTiles(...today)));
    const facts = [this.read, this.status, this.mode];
    if (inverter.has_battery) facts.push(this.battery);
    this.links = el("p", { class: "under" });
    this.drawLinks = whenChanged((ids) => this.links.replaceChildren(...links(ids)));
    this.beside = el(
      "div",
      { class: "beside" },
      this.links,
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
    say(this.under, inverter.model ?? "");
    this.picture.show(inverter, inverter.is_live);
    counting(this.age, "ago", inverter.read_at);
    set(this.read.value, { class: inverter.is_live ? "live" : "stale" });
    say(this.status.value, format.spelled(inverter.status ?? "unknown"));
    say(this.mode.value, mode(inverter));
    say(this.battery.value, battery(inverter));
    this.drawToday([inverter.today, inverter.entity_ids]);
    this.drawLinks(inverter.entity_ids);
  }
}

function mode({ mode: name, mode_power_w: watts }) {
  if (!name) return "unknown";
  const words = format.spelled(name);
  return watts ? `${words}, ${format.signedPower(watts / 1000)}` : words;
}

function battery({ soc, min_soc: least, capacity_kwh: size }) {
  const whole = size ? `${format.count(size)} kWh` : null;
  const words = [soc == null ? (whole ?? "unknown") : [format.percent(soc), whole].filter(Boolean).join(" of ")];
  if (least != null) words.push(`${format.percent(least)} reserve`);
  return words.join(", ");
}

/** The values that have a history in Home Assistant, with links to it. */
function links(ids) {
  const known = VALUES.filter(([key]) => ids[key]).map(([key, name]) => historyLink(ids[key], name));
  return known.length ? ["In Home Assistant: ", ...known.flatMap((link, index) => (index ? [" · ", link] : [link]))] : [];
}

/** The card of a site's inverters together. */
class Overview {
  constructor(inverters, isOnlySite) {
    const name = called(inverters, isOnlySite);
    this.picture = new Picture(together(inverters), name);
    this.under = el("p", { class: "under" });
    this.beside = el("div", { class: "beside" }, el("p", { class: "under" }, SHARED_METER));
    this.element = el(
      "article",
      { class: "card inverter overview" },
      el("header", {}, el("h3", {}, name), this.under),
      this.picture.element,
      this.beside,
    );
  }

  show(inverters) {
    const live = inverters.filter((inverter) => inverter.is_live);
    this.picture.show(together(live), live.length > 0);
    const all = `Total of ${format.many(inverters.length, "inverter")}`;
    const others = inverters.length - live.length > 1 ? "others" : "other";
    const some = `Total of ${live.length} of ${inverters.length} inverters; no recent reading from the ${others}`;
    say(this.under, live.length === inverters.length ? all : some);
  }
}

/** What determines the set of cards; everything else only changes their content. */
function shape(inverters) {
  return inverters.map(({ serial, name, site, has_battery: battery, has_solar: solar }) => [serial, name, site, battery, solar]);
}

/** @returns the section Now. */
export function now(content) {
  let latest = [];
  let overviews; // by site
  let houses; // by serial number
  const cards = el("div", { class: "houses" });
  const look = glance();
  content.replaceChildren(cards, look.element);

  const rebuild = whenChanged(() => {
    const sites = [...bySite(latest)];
    const several = sites.filter(([, inverters]) => inverters.length > 1);
    overviews = new Map(several.map(([site, inverters]) => [site, new Overview(inverters, sites.length === 1)]));
    houses = new Map(latest.map((inverter) => [inverter.serial, new House(inverter)]));
    const shown = sites.flatMap(([site, inverters]) =>
      [overviews.get(site), ...inverters.map(({ serial }) => houses.get(serial))].filter(Boolean),
    );
    // There is room beside a single inverter, or below the total of the only site.
    (sites.length === 1 ? shown[0].beside : content).append(look.element);
    set(cards, { "data-count": latest.length });
    cards.replaceChildren(...(shown.length ? shown.map(({ element }) => element) : [nothing()]));
  });

  return {
    show(status) {
      latest = status.inverters;
      rebuild(shape(latest));
      const sites = bySite(latest);
      overviews.forEach((overview, site) => overview.show(sites.get(site)));
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
