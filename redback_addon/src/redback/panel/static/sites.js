// The section Sites: what the account can see, with the lines for the options ready to copy.

import { copyButton } from "./clipboard.js";
import { el } from "./dom.js";
import { Fetched } from "./fetched.js";
import * as format from "./format.js";
import { optionsLink } from "./notices.js";

function line(text, what) {
  return el("div", { class: "line" }, el("pre", {}, el("code", {}, text)), copyButton(text, what));
}

function battery({ has_battery: hasBattery, capacity_kwh: size }) {
  if (hasBattery === null) return null; // nobody has told yet
  if (!hasBattery) return "no battery";
  return size ? `battery of ${format.count(size)} kWh` : "battery";
}

function details(seen) {
  const known = [seen.model, battery(seen)].filter(Boolean);
  return known.length ? known : ["details are not known yet"];
}

function inverter(seen) {
  const { serial, in_use: isUsed, name, line: text } = seen;
  return el(
    "li",
    { "data-serial": serial },
    el(
      "div",
      { class: "what" },
      el("h4", {}, name || serial, el("span", { class: "chip", "data-level": isUsed ? "good" : "none" }, isUsed ? "in use" : "not in use")),
      el("p", { class: "under" }, [name ? serial : null, ...details(seen)].filter(Boolean).join(" · ")),
    ),
    line(text, `the line of inverter ${serial}`),
  );
}

function site({ site: id, line: text, inverters }) {
  return el(
    "article",
    { class: "card site" },
    el("h3", {}, id ? `Site ${id}` : "Without a site"),
    text && id ? el("p", { class: "under" }, "All inverters of the site:") : null,
    text && id ? line(text, `the line of site ${id}`) : null,
    el("p", { class: "under" }, "Or single inverters:"),
    el("ul", { class: "inverters" }, inverters.map(inverter)),
  );
}

/** @returns the section Sites. */
export function sites(content) {
  let optionsUrl;
  const link = el("p");
  const answer = new Fetched(({ sites: given }) =>
    given.length ? given.map(site) : [el("p", { class: "card empty" }, "The account can see no inverter.")],
  );
  content.replaceChildren(
    el(
      "div",
      { class: "intro" },
      el("p", {}, "Everything that your account can see. Without any line under Sites in the options all of it is used; to choose, copy the lines of what you want into the options."),
      link,
    ),
    answer.element,
  );
  return {
    show({ options_url: url }) {
      if (url === optionsUrl) return;
      optionsUrl = url;
      link.replaceChildren(...[optionsLink(url)].filter(Boolean));
    },
    open: () => answer.load("sites"),
  };
}
