// The section Health: connections, the last resolved problem, and counters.

import { el, say, unseen, whenChanged } from "./dom.js";
import * as format from "./format.js";
import { historyInWords } from "./glance.js";
import { icon } from "./icons.js";
import { counting, moment } from "./time.js";

const WORDS = { good: "OK: ", bad: "Problem: ", waiting: "Waiting: " };
const ICONS = { good: "good", bad: "bad", waiting: "waiting" };
const COUNTS = [
  ["requests", "Cloud requests"],
  ["failed_requests", "Failed requests"],
  ["sent", "States and messages sent"],
  ["problems", "Problems"],
];

function part(name, { state, text, since }) {
  return el(
    "li",
    { "data-part": name },
    el("span", { class: "mark", "data-state": state }, icon(ICONS[state] ?? "waiting")),
    el("b", {}, name),
    el("span", { class: "text" }, unseen(WORDS[state] ?? ""), text),
    el("span", { class: "under" }, since ? ["since ", moment(since)] : null),
  );
}

function parts({ cloud, accounts, core, broker, inverters, history: [state, text] }) {
  return [
    ...(accounts.length > 1 ? accounts.map((one) => part(`Cloud: ${one.name}`, one)) : [part("Redback cloud", cloud)]),
    part("Home Assistant", core),
    ...(broker ? [part("MQTT broker", broker)] : []),
    ...inverters.map((inverter) => part(inverter.name, inverter)),
    part("History", { state, text }),
  ];
}

function lastError(error) {
  if (!error) return [el("p", { class: "quiet" }, "None since the add-on started.")];
  return [
    el("p", { class: "headline" }, error.sentence),
    error.advice ? el("p", {}, error.advice) : null,
    el("p", { class: "under" }, moment(error.at), ", ", counting(el("span"), "ago", error.at)),
  ].filter(Boolean);
}

function card(title, ...children) {
  return el("article", { class: "card" }, el("h3", {}, title), ...children);
}

/** @returns the section Health. */
export function health(content) {
  const list = el("ul", { class: "parts" });
  const error = el("div");
  const next = el("b");
  const started = el("b");
  const counts = Object.fromEntries(COUNTS.map(([key]) => [key, el("b")]));
  const tile = (title, value) => el("div", { class: "tile" }, el("dt", {}, title), el("dd", {}, value));
  content.replaceChildren(
    card("Connections", list),
    card("Last resolved problem", error),
    card(
      "Counters",
      el(
        "dl",
        { class: "tiles figures" },
        tile("Next update", next),
        tile("Running since", started),
        ...COUNTS.map(([key, title]) => tile(title, counts[key])),
      ),
    ),
  );
  const drawParts = whenChanged((given) => list.replaceChildren(...parts(given)));
  const drawError = whenChanged((given) => error.replaceChildren(...lastError(given)));

  return {
    show({ health: given, history, started_at: start }) {
      const { cloud, accounts, core, broker, inverters } = given;
      drawParts({ cloud, accounts, core, broker, inverters, history: historyInWords(history) });
      drawError(given.last_error);
      COUNTS.forEach(([key]) => say(counts[key], format.count(given.counts[key])));
      if (given.next_poll) counting(next, "until", given.next_poll);
      else say(next, "–");
      say(started, moment(start));
    },
  };
}
