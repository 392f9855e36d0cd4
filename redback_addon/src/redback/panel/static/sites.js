// The section Sites: everything the account can see, with lines to copy into the options.

import { copyButton } from "./clipboard.js";
import { confirm } from "./confirm.js";
import { el, say } from "./dom.js";
import { Fetched } from "./fetched.js";
import * as format from "./format.js";
import { optionsLink } from "./notices.js";
import { post } from "./server.js";
import { moment } from "./time.js";

const FORGET = "Another inverter may then get its name. Its history in Home Assistant stays.";

/** The lines of a site or an inverter, for the YAML of the options, and its ID alone for their form. */
function line(text, id, whose) {
  return el(
    "div",
    { class: "line" },
    el("pre", {}, el("code", {}, text)),
    el("div", { class: "row" }, copyButton(id, `ID of ${whose}`, "ID"), copyButton(text, `lines of ${whose}`, "lines")),
  );
}

function battery({ has_battery: hasBattery, capacity_kwh: size }) {
  if (hasBattery === null) return null; // not known yet
  if (!hasBattery) return "no battery";
  return size ? `${format.count(size)}\u00a0kWh battery` : "battery";
}

function details(seen) {
  const known = [seen.model, battery(seen)].filter(Boolean);
  return known.length ? known : ["no details yet"];
}

function inverter(seen) {
  const { serial, in_use: isUsed, name, line: text, will_be: willBe } = seen;
  return el(
    "li",
    { "data-serial": serial },
    el(
      "div",
      { class: "what" },
      el("h4", {}, name || serial, el("span", { class: "chip", "data-level": isUsed ? "good" : "none" }, isUsed ? "in use" : "not in use")),
      el("p", { class: "under" }, [name ? serial : null, ...details(seen)].filter(Boolean).join(" · ")),
      isUsed ? null : el("p", { class: "under" }, `With these lines it will be called ${willBe}.`),
    ),
    line(text, serial, `inverter ${serial}`),
  );
}

function site({ site: id, line: text, will_be: willBe, inverters }) {
  return el(
    "article",
    { class: "card site" },
    el("h3", {}, id ? `Site ${id}` : "No site"),
    text && id ? el("p", { class: "under" }, `All inverters of this site, called ${willBe.join(", ")}:`) : null,
    text && id ? line(text, id, `site ${id}`) : null,
    el("p", { class: "under" }, "Single inverters:"),
    el("ul", { class: "inverters" }, inverters.map(inverter)),
  );
}

/** An account's sites, or that there are none, below the account's name if there are several. */
function account({ name, is_listed: isListed, sites: given }, isOne) {
  const none = isListed ? `${name || "Your account"} has no inverters${isOne ? "" : " of its own"}.` : "The cloud has not listed your inverters yet.";
  const listed = given.length ? given.map(site) : [el("p", { class: "card empty" }, none)];
  return isOne ? listed : [el("h3", { class: "account" }, name), ...listed];
}

/** A card for the entries of the option Sites that match nothing. */
function unknown(missing, isOne) {
  if (!missing.length) return [];
  const where = isOne ? "not in your account" : "in none of your accounts";
  return [el("article", { class: "card", "data-missing": "" }, el("p", {}, `In the option Sites, but ${where}: ${missing.join(", ")}.`))];
}

/** A card for an inverter that the cloud lists no longer; `reload` shows the rest anew. */
function lost({ serial, name, since }, isOne, reload) {
  const title = name === serial ? serial : `${name} (${serial})`;
  const result = el("p", { class: "result bad", role: "status" });
  const press = async () => {
    if (!(await confirm(`Forget ${title}?`, FORGET, "Forget it"))) return;
    const { isDone, text } = await post("forget", { serial });
    if (isDone) reload();
    else say(result, text);
  };
  return el(
    "article",
    { class: "card", "data-gone": serial },
    el("p", {}, `${title} has not been in ${isOne ? "your account" : "any of your accounts"} since ${moment(since)}. It is no longer read, and its entities are unavailable.`),
    el("div", { class: "row" }, el("button", { class: "plain", type: "button", "aria-label": `Forget ${title}`, onclick: press }, "Forget it")),
    result,
  );
}

/** @returns the section Sites. */
export function sites(content) {
  let optionsUrl;
  const link = el("p");
  let isOpen = false;
  let serials = "";
  const reload = () => answer.load("sites");
  const answer = new Fetched(({ accounts, gone, missing }) => {
    const isOne = accounts.length === 1;
    return [...unknown(missing, isOne), ...gone.map((one) => lost(one, isOne, reload)), ...accounts.flatMap((one) => account(one, isOne))];
  });
  content.replaceChildren(
    el(
      "div",
      { class: "intro" },
      el("p", {}, "Everything your accounts can see. If the option Sites is empty, all of it is used. To choose, add an entry to the option Sites with an ID from here, and a name if you like; or paste the lines where you edit the options in YAML. No line changes the name of an inverter that is in use."),
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
      reload();
    },
    close: () => {
      isOpen = false;
    },
  };
}
