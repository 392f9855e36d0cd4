// Works out what a command will do, as far as battery and time tell; nobody knows the sun and the house.

import * as format from "./format.js";
import { doing, watts } from "./doing.js";
import { HOUR, moment } from "./time.js";

const KILO = 1000;
const NEEDS_QUESTION = ["discharge", "export"];

/** Whether people are asked before a command. */
export const needsQuestion = (action) => NEEDS_QUESTION.includes(action);

/** "until 18:00", "from 14:00 until 18:00" */
export function span({ start, end, isPlanned }) {
  const until = `until ${moment(end.toISOString())}`;
  return isPlanned ? `from ${moment(start.toISOString())} ${until}` : until;
}

/** How much energy goes into the battery or out of it until it is full or at its reserve, kWh; null if unknown. */
function room(action, { soc, min_soc: least, capacity_kwh: size }) {
  if (soc == null || !size) return null;
  const share = action === "charge" ? 100 - soc : soc - (least ?? 0);
  return (Math.max(share, 0) * size) / 100;
}

const kwh = (energy) => `about ${format.energy(energy)}\u00a0kWh`;

/** The battery's side: how far, and whether its end comes before the command's. */
function ofBattery(action, kw, hours, inverter, start) {
  const most = room(action, inverter);
  const wanted = kw * hours;
  if (most == null) return `${kwh(wanted)} at most`;
  const moved = Math.min(wanted, most);
  const { soc, min_soc: least, capacity_kwh: size } = inverter;
  const level = format.percent(soc + ((action === "charge" ? moved : -moved) / size) * 100);
  if (wanted <= most) return `${kwh(moved)}, ${action === "charge" ? "up" : "down"} to ${level}`;
  const at = moment(new Date(start + (most / kw) * HOUR).toISOString());
  const end = action === "charge" ? "full" : least == null ? "empty" : `at its reserve of ${level}`;
  return most ? `${kwh(moved)}, ${end} at about ${at}` : `it is ${end} already`;
}

function sentence(command, inverter) {
  const { action, power, start, end, isPlanned } = command;
  const hasBattery = inverter.has_battery;
  const [kw, hours, until] = [power / KILO, (end - start) / HOUR, span(command)];
  // How full the battery will be then, nobody knows.
  const known = isPlanned ? { ...inverter, soc: null } : inverter;
  const battery = (direction) => ofBattery(direction, kw, hours, known, start.getTime());
  switch (action) {
    case "charge":
      return `Charges the battery with ${watts(power)} ${until}: ${battery("charge")}.`;
    case "discharge":
      return `Discharges the battery with ${watts(power)} ${until}: ${battery("discharge")}.`;
    case "import":
      return `Imports ${watts(power)} from the grid ${until}: ${kwh(kw * hours)}.${hasBattery ? " The battery takes the power that the house does not use." : ""}`;
    case "export":
      return `Exports ${watts(power)} to the grid ${until}: ${kwh(kw * hours)}${hasBattery ? `. The battery adds what the sun lacks, without sun ${battery("discharge")}.` : ", as far as the sun gives it."}`;
    case "conserve":
      return `Keeps the battery's charge ${until}. The house runs on sun and grid.`;
    default:
      return power
        ? `Lets at most ${watts(power)} out to the grid ${until}, for the whole site.`
        : `Lets nothing out to the grid ${until}, for the whole site.`;
  }
}

const lower = (words) => words[0].toLowerCase() + words.slice(1);
const overlaps = (one, { start, end }) => Date.parse(one.start) < end && start < Date.parse(one.end);

/** Other schedules at that time, and what becomes of them. */
function beside(command, entries) {
  const isLimit = command.action === "limit_export";
  const same = entries.filter((one) => one.is_limit === isLimit && overlaps(one, command));
  const own = same.filter(({ whose }) => whose === "own").map((one) => lower(doing(one)));
  const found = [];
  if (own.length) found.push(`It replaces ${own.join(" and ")}.`);
  if (own.length < same.length) found.push(`Somebody else has a ${isLimit ? "limit" : "schedule"} at that time; Redback does not say which of the two counts.`);
  return found;
}

/** The effect of a command of the form, in a few sentences: "… until 18:00: about 6.0 kWh, down to 20%." */
export function forecast(command, inverter, entries) {
  return [sentence(command, inverter), ...beside(command, entries)].join(" ");
}
