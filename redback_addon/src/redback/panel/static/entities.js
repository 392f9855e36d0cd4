// The section Entities: all published entities, with a search, ids to copy, their history and page.

import { copyButton } from "./clipboard.js";
import { breakable, el, entityLink, historyLink, say } from "./dom.js";
import { Fetched } from "./fetched.js";
import * as format from "./format.js";
import { calendarDate, moment } from "./time.js";

const KINDS = { counter: "Counter", measurement: "Measurement", none: "No statistics" };
const WITHOUT_VALUE = ["unavailable", "unknown"];
const FRESH = 30_000; // milliseconds

/** A state as people read it. */
function inWords({ state, kind, device_class: what }) {
  if (what === "timestamp" && !Number.isNaN(Date.parse(state))) return moment(state);
  if (what === "date" && !Number.isNaN(Date.parse(state))) return calendarDate(state);
  return kind === "none" ? state : format.exact(state);
}

function row(entity, hasPage) {
  const { entity_id: id, name, kind, inverter } = entity;
  const unit = WITHOUT_VALUE.includes(entity.state) ? null : entity.unit;
  const element = el(
    "tr",
    { "data-entity": id },
    el("th", { scope: "row" }, historyLink(id, name, { class: "name" }), el("code", {}, breakable(id)), el("span", { class: "under" }, `${inverter} · ${KINDS[kind]}`, hasPage && [" · ", entityLink(id, "Details", { "aria-label": `Details of ${name}` })])),
    el("td", { class: "state" }, el("b", {}, inWords(entity)), unit === "%" ? unit : unit && ` ${unit}`),
    el("td", { class: "act" }, copyButton(id, id)),
  );
  return { element, text: [id, name, inverter, entity.unit, KINDS[kind]].join(" ").toLowerCase() };
}

/** @returns the section Entities. */
export function entities(content) {
  let rows = [];
  let timer;
  const search = el("input", { type: "search", class: "search", placeholder: "Name, id, unit …", oninput: () => filter() });
  const found = el("p", { class: "under", role: "status" });
  const body = el("tbody");
  const table = el(
    "table",
    { class: "entities" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Entity"), el("th", { scope: "col" }, "Value"), el("th", { scope: "col" }, el("span", { class: "unseen" }, "Copy")))),
    body,
  );
  const card = el("article", { class: "card" }, table);
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = rows.filter(({ text }) => words.every((word) => text.includes(word)));
    rows.forEach((one) => {
      one.element.hidden = !hits.includes(one);
    });
    say(found, words.length ? `${hits.length} of ${rows.length} entities` : `${rows.length} entities`);
    card.hidden = !hits.length;
  };
  const answer = new Fetched(({ entities: given, have_pages: havePages }) => {
    rows = given.map((entity) => row(entity, havePages));
    body.replaceChildren(...rows.map(({ element }) => element));
    filter();
    return [card];
  });
  content.replaceChildren(el("div", { class: "row" }, el("label", { class: "grow" }, "Search", search), found), answer.element);
  return {
    open() {
      answer.load("entities");
      timer = setInterval(() => answer.load("entities"), FRESH);
    },
    close: () => clearInterval(timer),
  };
}
