// The section Control: what runs now, a form to start something, two days, and the last commands.

import { CommandForm } from "./command.js";
import { confirm } from "./confirm.js";
import { asked, doing, door, look, maker, watts } from "./doing.js";
import { el, replaceIn, say, whenChanged } from "./dom.js";
import * as format from "./format.js";
import { icon } from "./icons.js";
import { optionsLink } from "./notices.js";
import { Picker } from "./picker.js";
import { resultLine } from "./result.js";
import { post } from "./server.js";
import { timeline } from "./timeline.js";
import { counting, moment, now } from "./time.js";

const MINUTE = 60_000; // milliseconds
const LEVELS = { started: "good", scheduled: "good", ended: "none", refused: "error", failed: "error" };
const UNSURE = "; not confirmed by Redback's cloud yet";
const SENDING = "Sending it to Redback's cloud …";

const runs = (entry) => Date.parse(entry.start) <= now() && now() < Date.parse(entry.end) && (entry.daily?.is_understood ?? true);

/** One thing that runs now. */
function running(entry, end) {
  const what = doing(entry);
  const isUnsure = entry.whose === "own" && !entry.can_delete;
  return el(
    "li",
    { "data-look": look(entry) },
    el("span", { class: "mark", "data-look": look(entry) }, icon(look(entry))),
    el(
      "div",
      {},
      el("p", { class: "headline" }, `${what} until ${moment(entry.end)}`),
      el("p", { class: "under" }, counting(el("span"), "left", entry.end), `, ${maker(entry)}${isUnsure ? UNSURE : ""}`),
    ),
    entry.whose === "own" ? el("button", { type: "button", disabled: isUnsure, "aria-label": `End now: ${what}`, onclick: () => end(entry) }, icon("stop"), "End now") : null,
  );
}

/** The mode that the inverter reports, if it is known; a notice says whether that follows the command. */
function reported({ mode, mode_power_w: power, is_live: isLive }, { cloud }) {
  if (cloud.state === "bad") return "There is no connection to Redback's cloud: what is shown may be out of date.";
  if (!mode || !isLive) return "";
  return `The inverter reports ${format.spelled(mode)}${power ? `, ${watts(power)}` : ""}.`;
}

/** Why nothing can be started now; null if something can. */
function heldBy(inverter, entries) {
  if (inverter.is_live) return null;
  const isOn = entries.some(runs) ? " Anything running now ends by itself." : "";
  return `There is no reading of the last 10 minutes from ${inverter.name}: nothing can be started now.${isOn}`;
}

function done({ at, by, inverter, result, reason, ...answer }, several) {
  const until = answer.until && result !== "ended" ? `, until ${moment(answer.until)}` : "";
  const where = [moment(at), door(by), several ? inverter : null].filter(Boolean).join(" · ");
  return el(
    "li",
    { "data-result": result },
    el("p", {}, `${asked(answer)}${until}`, el("span", { class: "chip", "data-level": LEVELS[result] ?? "none" }, result)),
    reason ? el("p", {}, reason) : null,
    el("p", { class: "under" }, where),
  );
}

function off(optionsUrl) {
  return el(
    "article",
    { class: "card intro" },
    el("p", {}, "To charge and discharge the battery and to limit the export from here and from automations, switch on the option Controls, save, and restart the add-on."),
    optionsLink(optionsUrl),
  );
}

/** @returns the section Control. */
export function control(content) {
  let latest;
  const picker = new Picker(null, () => show(latest));
  const result = resultLine();
  const list = el("div");
  const reports = el("p", { class: "under below" });
  const days = el("div", { class: "days" });
  const record = el("ul", { class: "record" });
  const form = new CommandForm((fields, words) => send(fields, words));
  const card = (title, ...children) => el("article", { class: "card" }, el("h3", {}, title), ...children);
  const parts = [
    picker.element,
    el(
      "div",
      { class: "halves" },
      el("div", { class: "content" }, card("Now", list, reports, result.element), form.element),
      el("div", { class: "content" }, card("Today and tomorrow", days), card("Last commands", record)),
    ),
  ];
  let isBusy = false;
  const press = async (path, body, words) => {
    if (isBusy) return;
    isBusy = true;
    result.clear(SENDING);
    result.element.scrollIntoView({ block: "nearest" });
    const { isDone, text } = await post(path, body);
    result.show({ isDone, text: isDone ? words : text });
    isBusy = false;
  };
  const send = (fields, words) => press("control", { ...fields, inverter: picker.value }, words);
  const remove = ({ serial, key }, words) => press("control/delete", { serial, key }, words);
  const end = (entry) => remove(entry, `Ended: ${doing(entry)}.`);
  const ask = async (entry, words) => {
    const question =
      entry.whose === "own"
        ? "This add-on made it. It is deleted in Redback's cloud."
        : "Somebody else made it. It is deleted in Redback's cloud, and this add-on cannot bring it back.";
    if (await confirm(`Delete this? ${words}`, question, "Delete")) await remove(entry, "Deleted.");
  };

  const frame = whenChanged(([isOn, isThere, url]) => {
    const nothing = el("p", { class: "card empty" }, "Commands appear here once there is an inverter.");
    content.replaceChildren(...(!isOn ? [off(url)] : isThere ? parts : [nothing]));
  });
  const drawRunning = whenChanged((entries) => {
    const all = entries.map((entry) => running(entry, end));
    const nothing = el("p", { class: "headline" }, "Nothing runs. The inverter decides by itself (auto).");
    replaceIn(list, [all.length ? el("ul", { class: "running" }, all) : nothing]);
  });
  const drawDays = whenChanged(([, given, entries]) => replaceIn(days, timeline(given, entries, ask)));
  const drawRecord = whenChanged(([answers, several]) => {
    const none = el("li", { class: "quiet" }, "No command yet.");
    record.replaceChildren(...(answers.length ? answers.map((one) => done(one, several)) : [none]));
  });

  function show(status) {
    latest = status;
    const { control: given, inverters, health, options_url: url } = status;
    picker.show(inverters);
    const inverter = inverters.find(({ serial }) => serial === picker.value);
    frame([Boolean(given), Boolean(inverter), url]);
    if (!given || !inverter) return;
    const { abilities, why_not: whyNot, entries } = given.inverters.find(({ serial }) => serial === inverter.serial);
    drawRunning(entries.filter(runs));
    say(reports, reported(inverter, health));
    form.show({ inverter, abilities, whyNot, entries, hold: heldBy(inverter, entries) });
    drawDays([Math.floor(now() / MINUTE), given.days, entries]);
    drawRecord([given.record, inverters.length > 1]);
  }
  return { show };
}
