// Shows what people must know or do, most urgent first.

import { el, say, unseen } from "./dom.js";
import * as format from "./format.js";
import { icon } from "./icons.js";
import { post } from "./server.js";
import { moment } from "./time.js";

const ICONS = { error: "bad", warning: "warning", info: "info" };
const WORDS = { error: "Error: ", warning: "Warning: ", info: "" };

/** A link to the add-on's options, if their address is known. */
export function optionsLink(url, words = "Open options") {
  // Only paths within Home Assistant, never another host.
  if (!/^\/(?!\/)/.test(url ?? "")) return null;
  return el("a", { class: "button", href: url, target: "_top" }, words);
}

/** The add-on's documentation and log in Home Assistant, which stand beside its options. */
function more(optionsUrl) {
  if (!optionsLink(optionsUrl)) return null;
  const link = (page, words) => el("a", { href: optionsUrl.replace(/config$/, page), target: "_top" }, words);
  return el("p", { class: "under" }, link("documentation", "Documentation"), " · ", link("logs", "Log"));
}

/** A button that lets the add-on do at once what it waits for, and what came of it. */
function again() {
  const result = el("p", { class: "under", role: "status" });
  const press = async () => {
    button.disabled = true;
    say(result, (await post("history/retry")).text);
    button.disabled = false;
  };
  const button = el("button", { class: "plain", type: "button", onclick: press }, "Try again now");
  return [button, result];
}

function since({ since: begun, count }) {
  const times = count > 1 ? `, ${format.count(count)} times` : "";
  return `Since ${moment(begun)}${times}.`;
}

function card(notice, optionsUrl) {
  const level = notice.level in ICONS ? notice.level : "info";
  return el(
    "article",
    { class: `notice ${level}`, "data-kind": notice.kind },
    icon(ICONS[level]),
    el(
      "div",
      {},
      el("h2", {}, unseen(WORDS[level]), notice.title),
      el("p", {}, notice.text),
      notice.since ? el("p", { class: "under since" }, since(notice)) : null,
      notice.to_options ? optionsLink(optionsUrl) : null,
      notice.to_sites ? el("a", { class: "button plain", href: "#sites" }, "Open Sites") : null,
      notice.to_history ? el("a", { class: "button plain", href: "#history" }, "Open History") : null,
      ...(notice.may_retry ? again() : []),
      level === "info" ? null : more(optionsUrl),
    ),
  );
}

/** @returns a function that shows a Status's notices in the element; a card that says the same stays. */
export function notices(element) {
  let shown = new Map();
  return ({ notices: given, options_url: url }) => {
    const before = shown;
    shown = new Map(
      given.map((notice) => {
        const { since: begun, count, ...rest } = notice;
        const key = JSON.stringify([rest, !begun, url]);
        return [key, before.get(key) ?? card(notice, url)];
      }),
    );
    before.forEach((one, key) => shown.has(key) || one.remove());
    [...shown.values()].forEach((one, index) => {
      if (element.children[index] !== one) element.insertBefore(one, element.children[index] ?? null);
    });
    given.forEach((notice, index) => notice.since && say(element.children[index].querySelector(".since"), since(notice)));
  };
}
