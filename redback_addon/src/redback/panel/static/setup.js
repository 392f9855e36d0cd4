// The section Set up: the Energy dashboard, a dashboard for the inverters, and devices.

import { confirm } from "./confirm.js";
import { breakable, el, say, set } from "./dom.js";
import { Fetched } from "./fetched.js";
import { icon } from "./icons.js";
import { post } from "./server.js";

const FRESH = 15_000; // milliseconds
const KINDS = { grid: ["Grid", "grid"], solar: ["Solar", "sun"], battery: ["Battery", "battery"] };

/** One source; one in doubt has a button that adds it nevertheless, by `insist`. */
function item({ kind, inverter, entities, is_there: isThere, doubt }, insist) {
  const [title, drawing] = KINDS[kind] ?? [kind, "info"];
  const state = isThere ? "added" : doubt ? "not added" : "will be added";
  return el(
    "li",
    { class: "item", "data-kind": kind },
    icon(drawing),
    el(
      "div",
      {},
      el("h4", {}, `${title}, ${inverter}`, el("span", { class: "chip", "data-level": isThere ? "good" : "none" }, state)),
      el("dl", { class: "facts" }, entities.flatMap(({ role, entity_id: id }) => [el("dt", {}, role), el("dd", {}, el("code", {}, breakable(id)))])),
      doubt ? [el("p", { class: "doubt" }, doubt), el("button", { class: "plain", type: "button", onclick: () => insist(inverter, doubt) }, "Add it anyway")] : null,
    ),
  );
}

/** Sentences under a heading, if there are any. */
function list(heading, sentences) {
  if (!sentences.length) return [];
  return [el("div", { class: "issues" }, el("h4", {}, heading), el("ul", {}, sentences.map((one) => el("li", {}, one))))];
}

/** One thing to set up: its state, a button, and the result. */
class Task {
  /**
   * @param {object} texts title, button, question, page (the label of the link to it).
   * @param {string} path of its data and of its action.
   * @param {(answer: object, insist: Function) => Node[]} draw shows its details; `insist` asks, and
   *   sets up what has a name though it is not set up otherwise.
   */
  constructor({ title, button, question, page }, path, draw) {
    this.path = path;
    this.texts = { button, question, title };
    this.button = el("button", { type: "button", onclick: () => this.#press() }, button);
    this.result = el("p", { class: "result", role: "status" });
    this.link = el("a", { class: "button plain", target: "_top", hidden: true }, page);
    this.answer = new Fetched((given) => {
      if (given.button) {
        Object.assign(this.texts, { button: given.button, question: given.question });
        say(this.button, given.button);
      }
      this.button.disabled = this.isBusy || given.state === "away";
      this.button.hidden = given.state === "done"; // nothing left to do
      this.#showLink(given);
      return [el("p", { class: "headline" }, given.text), ...draw(given, (name, question) => this.#press(question, name))];
    });
    this.element = el(
      "article",
      { class: "card task" },
      el("h3", {}, title),
      this.answer.element,
      el("div", { class: "row" }, this.button, this.link),
      this.result,
    );
  }

  load() {
    return this.answer.load(this.path);
  }

  #showLink({ state, url = this.path === "energy" && state === "done" ? "/energy" : null }) {
    const isOwn = /^\/(?!\/)/.test(url ?? "");
    set(this.link, { href: isOwn ? url : null, hidden: isOwn ? null : "" });
  }

  async #press(question = this.texts.question, name = undefined) {
    if (this.isBusy) return;
    const { title, button } = this.texts;
    if (!(await confirm(title, question, name ? "Add it anyway" : button))) return;
    this.isBusy = this.button.disabled = true;
    say(this.result, "");
    const { isDone, text } = await post(this.path, { name });
    set(this.result, { class: `result ${isDone ? "good" : "bad"}` });
    say(this.result, text);
    this.isBusy = this.button.disabled = false;
    await this.load();
    if (this.button.hidden) this.link.focus(); // keyboard users continue there
  }
}

/** @returns the section Set up. */
export function setup(content) {
  const tasks = [
    new Task(
      {
        title: "Energy dashboard",
        button: "Add to the Energy dashboard",
        question: "The listed items are added to Home Assistant's Energy dashboard. Existing sources stay unchanged.",
        page: "Open Energy dashboard",
      },
      "energy",
      ({ items, notes, issues }, insist) => [
        el("ul", { class: "items" }, items.map((one) => item(one, insist))),
        ...list("Not listed", notes),
        ...list("Home Assistant reports", issues),
      ],
    ),
    new Task(
      {
        title: "Dashboard for your inverters",
        button: "Create dashboard",
        question: "A new dashboard for your inverters is added to Home Assistant's sidebar. You can edit it afterwards.",
        page: "Open dashboard",
      },
      "dashboard",
      () => [],
    ),
    // What its button does depends on what they are now.
    new Task({ title: "Devices", button: "Show as devices" }, "devices", () => []),
  ];
  content.replaceChildren(...tasks.map(({ element }) => element));
  const load = () => tasks.forEach((task) => task.load());
  let timer;
  return {
    open() {
      load();
      timer = setInterval(load, FRESH); // later changes appear by themselves
    },
    close: () => clearInterval(timer),
  };
}
