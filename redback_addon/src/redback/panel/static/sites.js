// The section Sites: everything the account can see, with lines to copy into the options.

import { copyButton } from "./clipboard.js";
import { el } from "./dom.js";
import { Fetched } from "./fetched.js";
import * as format from "./format.js";
import { optionsLink } from "./notices.js";

function line(text, what) {
  return el("div", { class: "line" }, el("pre", {}, el("code", {}, text)), copyButton(text, what));
}

function battery({ has_battery: hasBattery, capacity_kwh: size }) {
  if (hasBattery === null) return null; // not known yet
  if (!hasBattery) return "no battery";
  return size ? `${format.count(size)} kWh battery` : "battery";
}

function details(seen) {
  const known = [seen.model, battery(seen)].filter(Boolean);
  return known.length ? known : ["no details yet"];
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
    line(text, `the line for inverter ${serial}`),
  );
}

function site({ site: id, line: text, inverters }) {
  return el(
    "article",
    { class: "card site" },
    el("h3", {}, id ? `Site ${id}` : "No site"),
    text && id ? el("p", { class: "under" }, "All inverters of this site:") : null,
    text && id ? line(text, `the line for site ${id}`) : null,
    el("p", { class: "under" }, "Single inverters:"),
    el("ul", { class: "inverters" }, inverters.map(inverter)),
  );
}

/** @returns the section Sites. */
export function sites(content) {
  let optionsUrl;
  const link = el("p");
  let isOpen = false;
  let serials = "";
  const answer = new Fetched(({ sites: given, is_known: isKnown }) => {
    const none = isKnown ? "Your account has no inverters." : "The cloud has not listed your inverters yet.";
    return given.length ? given.map(site) : [el("p", { class: "card empty" }, none)];
  });
  content.replaceChildren(
    el(
      "div",
      { class: "intro" },
      el("p", {}, "Everything your account can see. If the option Sites is empty, all of it is used. To choose, copy the lines you want into the option Sites."),
      link,
    ),
    answer.element,
  );
  return {
    show({ options_url: url, inverters, notices: given }) {
      // What the cloud lists, or that it lists none, may have come since.
      const now = JSON.stringify([inverters.map(({ serial }) => serial), given.map(({ kind }) => kind)]);
      if (isOpen && now !== serials) answer.load("sites");
      serials = now;
      if (url === optionsUrl) return;
      optionsUrl = url;
      link.replaceChildren(...[optionsLink(url)].filter(Boolean));
    },
    open() {
      isOpen = true;
      answer.load("sites");
    },
    close: () => {
      isOpen = false;
    },
  };
}
