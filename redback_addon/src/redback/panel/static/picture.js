// Draws the power flows: solar at the top, grid left, house right, battery at the bottom.

import { el, say, set, svg } from "./dom.js";
import { flows, inShort, inWords } from "./flows.js";
import * as format from "./format.js";
import { icon } from "./icons.js";

const RADIUS = 44;
const PLACES = { solar: [180, 72], grid: [52, 196], house: [308, 196], battery: [180, 320] };
const CENTRE = [180, 196];
const TITLES = { solar: "Solar", grid: "Grid", house: "House", battery: "Battery" };
const ICONS = { solar: "sun", grid: "grid", house: "house", battery: "battery" };
const COLOURS = {
  "solar-house": "solar",
  "solar-battery": "battery-in",
  "solar-grid": "grid-out",
  "battery-house": "battery-out",
  "battery-grid": "grid-out",
  "grid-house": "grid-in",
  "grid-battery": "battery-in",
};
const LANE = 19; // distance between curved and straight lines
const THINNEST = 2.5;
const WIDEST = 12;
const LEAST_SCALE = 5; // kW; the widest line shows at least this much

/** The four points of a line's Bézier curve, from the rim of one part to the rim of the other. */
function curve(from, to) {
  const [x1, y1] = PLACES[from];
  const [x2, y2] = PLACES[to];
  const [cx, cy] = CENTRE;
  if (x1 === x2) return [[x1, y1 + RADIUS], [cx, cy - 30], [cx, cy + 30], [x2, y2 - RADIUS]].map(
    ([x, y]) => [x, y1 < y2 ? y : 2 * cy - y]);
  if (y1 === y2) {
    const turn = x1 < x2 ? 1 : -1;
    return [[x1 + turn * RADIUS, y1], [cx - turn * 30, cy], [cx + turn * 30, cy], [x2 - turn * RADIUS, y2]];
  }
  // One end is on the vertical axis, the other on the horizontal one: the line bends before the centre.
  const isUpright = x1 === cx;
  const [ux, uy] = isUpright ? [x1, y1] : [x2, y2];
  const [lx, ly] = isUpright ? [x2, y2] : [x1, y1];
  const aside = lx > cx ? LANE : -LANE;
  const above = uy < cy ? -LANE : LANE;
  const inset = Math.sqrt(RADIUS ** 2 - LANE ** 2);
  const points = [
    [ux + aside, uy + (uy < cy ? inset : -inset)],
    [cx + aside, cy + above * 1.3],
    [cx + aside * 1.3, cy + above],
    [lx + (lx > cx ? -inset : inset), ly + above],
  ];
  return isUpright ? points : points.reverse();
}

function at(points, t) {
  const weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
  return [0, 1].map((axis) => points.reduce((sum, point, i) => sum + point[axis] * weights[i], 0));
}

function direction(points, t) {
  const [[x1, y1], [x2, y2]] = [at(points, t - 0.02), at(points, t + 0.02)];
  return (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
}

/** Where a line's number goes: outside its bend, or where no line in use at the same time is. */
function besides(from, to) {
  const [cx, cy] = CENTRE;
  if (PLACES[from][0] === PLACES[to][0]) return [cx + 31, cy + 46];
  if (PLACES[from][1] === PLACES[to][1]) return [cx - 46, cy - 15];
  const [[ux, uy], [lx, ly]] = PLACES[from][0] === cx ? [PLACES[from], PLACES[to]] : [PLACES[to], PLACES[from]];
  return [ux + Math.sign(lx - ux) * 54, ly + Math.sign(uy - ly) * 38];
}

function written([start, ...rest]) {
  return `M${start} C${rest.join(" ")}`;
}

/** One line between two parts; `show` sets its width, arrow and number. */
class Line {
  constructor(from, to) {
    this.points = curve(from, to);
    const d = written(this.points);
    const [x, y] = besides(from, to);
    this.rest = svg("path", { class: "rest", d });
    this.stream = svg("path", { class: "stream", d });
    this.dots = svg("path", { class: "dots", d });
    this.arrow = svg("path", { class: "arrow" });
    this.number = svg("text", { class: "amount", x, y, dy: "0.35em" });
    const colour = COLOURS[`${from}-${to}`];
    this.lines = svg("g", { class: `flow ${colour}`, "data-flow": `${from}-${to}` }, this.stream, this.dots, this.arrow);
    this.show(0, LEAST_SCALE);
  }

  show(kw, scale) {
    const width = kw ? THINNEST + (WIDEST - THINNEST) * Math.min(1, kw / scale) : 0;
    set(this.lines, { "data-kw": kw, visibility: kw ? "visible" : "hidden" });
    set(this.number, { visibility: kw ? "visible" : "hidden" });
    say(this.number, kw ? format.power(kw) : "");
    if (!kw) return;
    this.lines.style.setProperty("--width", width.toFixed(1));
    this.lines.style.setProperty("--pace", `${(2.6 - 1.8 * Math.min(1, kw / scale)).toFixed(2)}s`);
    const place = 0.86;
    const [x, y] = at(this.points, place);
    const size = 5 + width * 0.62;
    set(this.arrow, {
      d: `M${-size} ${-size}L${size} 0L${-size} ${size}L${-size * 0.45} 0z`,
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${direction(this.points, place).toFixed(1)})`,
    });
  }
}

/** A ring around a part; its arcs are shares of 100%. */
class Ring {
  constructor([cx, cy]) {
    this.group = svg("g", { transform: `rotate(-90 ${cx} ${cy})` });
    this.circle = { cx, cy, r: RADIUS, pathLength: 100 };
  }

  show(arcs) {
    let start = 0;
    this.group.replaceChildren(
      svg("circle", { ...this.circle, class: "ring" }),
      ...arcs.map(([colour, share]) => {
        const arc = svg("circle", {
          ...this.circle,
          class: `arc ${colour}`,
          "stroke-dasharray": `${share} ${100 - share}`,
          "stroke-dashoffset": -start,
        });
        start += share;
        return arc;
      }),
    );
  }
}

/** Solar, grid, house or battery: its drawing, number and state. */
class Part {
  constructor(name) {
    const [x, y] = PLACES[name];
    this.ring = new Ring(PLACES[name]);
    this.number = svg("text", { class: "number", x, y: y + 15, "data-part": name });
    this.unit = svg("text", { class: "unit", x, y: y + 30 });
    this.title = svg("text", { class: "title", x, y: name === "solar" ? y - RADIUS - 10 : y + RADIUS + 20 }, TITLES[name]);
    this.state = svg("text", { class: "state", x, y: y + RADIUS + 37 });
    this.mark = svg("path", { class: "mark" });
    this.group = svg(
      "g",
      { class: `part ${name}` },
      svg("circle", { class: "disc", cx: x, cy: y, r: RADIUS }),
      this.ring.group,
      this.mark,
      icon(ICONS[name], { x: x - 13, y: y - 32, width: 26, height: 26 }),
      this.number,
      this.unit,
      this.title,
      this.state,
    );
    this.centre = [x, y];
  }

  /** @param level the battery's, percent: then that is the large number. */
  show(kw, arcs, state = "", level = null) {
    // With a state in words the number needs no sign.
    const power = state ? format.power(kw) : format.signedPower(kw);
    const [number, unit = ""] = level == null ? power.split(" ") : [format.percent(level), power];
    say(this.number, number);
    say(this.unit, unit);
    say(this.state, state);
    this.ring.show(arcs);
  }

  /** A mark on the ring, at a percentage of its length. */
  notch(share) {
    if (share == null) return set(this.mark, { d: null });
    const angle = ((share - 25) * 2 * Math.PI) / 100;
    const [cx, cy] = this.centre;
    const on = (radius) => [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)].map((n) => n.toFixed(1));
    set(this.mark, { d: `M${on(RADIUS - 6)}L${on(RADIUS + 6)}` });
  }
}

const whole = (kw, colour) => (kw ? [[colour, 100]] : []);

function sharesOf(found, load) {
  return found
    .filter(({ to }) => to === "house")
    .map(({ from, kw }) => [COLOURS[`${from}-house`], (100 * kw) / load]);
}

function way(kw, positive, negative, none) {
  if (kw == null) return "unknown";
  if (kw === 0) return none;
  return kw > 0 ? positive : negative;
}

function partsInWords(powers, states) {
  const words = [];
  const say = (title, kw, more = "") => words.push(kw == null ? `${title} unknown` : `${title} ${format.power(kw)}${more}`);
  if (powers.has_solar) say("Solar", powers.solar_kw);
  say("House", powers.load_kw);
  if (powers.has_battery) {
    say("Battery", powers.battery_kw, ` ${states.battery}`);
    if (powers.soc != null) words.push(`${format.percent(powers.soc)} full`);
  }
  say("Grid", powers.grid_kw, ` ${states.grid}`);
  return words.join(", ");
}

/** The meaning of the rings that have one of their own. */
function legend({ soc, min_soc: reserve }) {
  const words = ["The house's ring shows where its power comes from."];
  if (soc != null) {
    const mark = reserve == null ? "" : `, with a mark at the ${format.percent(reserve)} reserve`;
    words.push(`The battery's ring shows its level${mark}.`);
  }
  return words.join(" ");
}

/** The picture of one inverter, or of those of one site as one. */
export class Picture {
  /** @param {{has_solar: boolean, has_battery: boolean}} made determines which parts are drawn. */
  constructor(made, name) {
    this.name = name;
    const names = ["grid", "house"];
    if (made.has_solar) names.push("solar");
    if (made.has_battery) names.push("battery");
    this.parts = Object.fromEntries(names.map((part) => [part, new Part(part)]));
    this.lines = Object.fromEntries(
      Object.keys(COLOURS)
        .filter((key) => key.split("-").every((part) => names.includes(part)))
        .map((key) => [key, new Line(...key.split("-"))]),
    );
    const top = made.has_solar ? 0 : 132;
    const bottom = made.has_battery ? 406 : 288;
    const lines = Object.values(this.lines);
    this.svg = svg(
      "svg",
      { class: "flows", viewBox: `0 ${top} 360 ${bottom - top}`, role: "img" },
      ...Object.entries(this.lines).map(([key, line]) => (key === "battery-grid" ? null : line.rest)),
      ...lines.map((line) => line.lines),
      ...Object.values(this.parts).map((part) => part.group),
      ...lines.map((line) => line.number),
    );
    this.sentence = el("p", { class: "sentence" });
    this.legend = el("p", { class: "under below" });
    this.words = el("ul", { class: "unseen" });
    this.element = el("figure", {}, this.sentence, this.svg, el("figcaption", {}, this.legend, this.words));
  }

  /**
   * @param powers as for `flows`, with the battery's state of charge and reserve.
   * @param isLive whether there are current values.
   */
  show(powers, isLive = true) {
    const found = flows(powers);
    const scale = Math.max(LEAST_SCALE, ...found.map(({ kw }) => kw));
    for (const [key, line] of Object.entries(this.lines)) {
      line.show(found.find(({ from, to }) => `${from}-${to}` === key)?.kw ?? 0, scale);
    }
    const states = {
      battery: way(powers.battery_kw, "discharging", "charging", "idle"),
      grid: way(powers.grid_kw, "importing", "exporting", "idle"),
    };
    this.#showParts(powers, found, states);
    set(this.svg, { "aria-label": `${this.name}: ${partsInWords(powers, states)}` });
    this.element.classList.toggle("old", !isLive);
    say(this.sentence, isLive ? inShort(found) : "No recent reading.");
    say(this.legend, legend(powers));
    this.words.replaceChildren(...found.map((flow) => el("li", {}, inWords(flow, format.power))));
  }

  #showParts(powers, found, states) {
    const { solar, grid, house, battery } = this.parts;
    solar?.show(powers.solar_kw, whole(powers.solar_kw, "solar"));
    house.show(powers.load_kw, sharesOf(found, powers.load_kw));
    const toOrFrom = powers.grid_kw && (powers.grid_kw > 0 ? "grid-in" : "grid-out");
    grid.show(powers.grid_kw, whole(powers.grid_kw, toOrFrom), states.grid);
    set(grid.group, { class: `part grid ${toOrFrom || ""}` });
    if (!battery) return;
    battery.show(powers.battery_kw, powers.soc ? [["level", powers.soc]] : [], states.battery, powers.soc);
    battery.notch(powers.soc == null ? null : powers.min_soc);
  }
}
