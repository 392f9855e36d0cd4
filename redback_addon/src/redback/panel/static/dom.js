// Creates elements. Text is always inserted as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** An HTML element: `el("a", {href: "#day", onclick: go}, "Day")`; null children are left out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A link to Home Assistant's own history of an entity, or of several. */
export function historyLink(id, words, attributes = {}) {
  return el("a", { href: `/history?entity_id=${id}`, target: "_top", ...attributes }, words);
}

/** A link to Home Assistant's own page of an entity, which not every version has, before its history. */
export function entityLink(id, words, attributes = {}) {
  return historyLink(`${id}&more-info-entity-id=${id}`, words, attributes);
}

/** An entity's id, which may wrap after underscores; copying it gives the plain id. */
export function breakable(id) {
  return id.split(/(_)/).flatMap((part) => (part === "_" ? [part, el("wbr")] : [part]));
}

/** A table of numbers, with the titles of its columns, and rows of which each begins with its own title. */
export function table(caption, titles, rows) {
  return el(
    "table",
    { class: "hours" },
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, titles.map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, rows.map(([title, ...cells]) => el("tr", {}, el("th", { scope: "row" }, title), cells.map((cell) => el("td", {}, cell))))),
  );
}

/** Text for screen readers only. */
export function unseen(text) {
  return el("span", { class: "unseen" }, text);
}

/** Sets attributes of an existing element; null removes one. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/** Sets the text of an element if it differs, so that nothing is announced twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const PRESSABLE = 'a[href], button, input, summary, [tabindex="0"]';

/** Replaces the content of an element and keeps the focus; the same nodes stay where they are. */
export function replaceIn(element, shown) {
  if (element.childNodes.length === shown.length && shown.every((one, index) => one === element.childNodes[index])) return;
  const focused = [...element.querySelectorAll(PRESSABLE)].indexOf(document.activeElement);
  element.replaceChildren(...shown);
  if (focused < 0 || element.contains(document.activeElement)) return;
  element.querySelectorAll(PRESSABLE)[focused]?.focus({ preventScroll: true });
}

/** A function that calls `draw` with a value only if it differs from the last one. */
export function whenChanged(draw) {
  let last;
  return (value) => {
    const written = JSON.stringify(value);
    if (written === last) return;
    last = written;
    draw(value);
  };
}
