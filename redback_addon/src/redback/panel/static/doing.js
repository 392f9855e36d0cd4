// Says what commands, schedules and envelopes do, in words and as a picture.

import * as format from "./format.js";

const KILO = 1000;
const DOING = {
  charge: (power) => `Charging the battery with ${power}`,
  discharge: (power) => `Discharging the battery with ${power}`,
  import: (power) => `Importing ${power} from the grid`,
  export: (power) => `Exporting ${power} to the grid`,
  conserve: () => "Keeping the battery's charge",
};
const LIMITED = {
  max_import: "import",
  max_export: "export",
  max_charge: "charging",
  max_discharge: "discharging",
  max_generation: "generation",
};
const DOORS = { panel: "Panel", automation: "Automation", mqtt: "MQTT" };
const ASKED = {
  charge: "Charge battery",
  discharge: "Discharge battery",
  import: "Import",
  export: "Export",
  conserve: "Conserve",
  auto: "Back to auto",
  limit: "Limit",
  limit_export: "Limit export",
  lift_limit: "Lift the limit",
  delete: "Delete",
};

/** A power of a command, in one line: "3.0 kW", "500 W". */
export const watts = (power) => format.power(power / KILO).replace(" ", "\u00a0");

function limited([name, most]) {
  const amount = name === "max_generation" ? `${format.count(most)} VA` : watts(most);
  return most ? `${LIMITED[name]} at most ${amount}` : `no ${LIMITED[name]}`;
}

const upper = (words) => words[0].toUpperCase() + words.slice(1);

/** "Charging the battery with 3.0 kW", "Export at most 1.5 kW" */
export function doing({ action, power, limits }) {
  const all = Object.entries(limits);
  if (all.length) return upper(all.map(limited).join(", "));
  if (action in DOING) return DOING[action](watts(power ?? 0));
  const mode = action ? `Mode ${format.spelled(action)}` : "Unknown mode";
  return power ? `${mode}, ${watts(power)}` : mode;
}

/** The command in words: "Charge battery, 3.0 kW". */
export function asked({ action, power }) {
  const name = ASKED[action] ?? action ?? "Unknown command";
  return power == null ? name : `${name}, ${watts(power)}`;
}

/** The name of its icon and its colour. */
export function look({ action, is_limit: isLimit }) {
  if (isLimit) return "limit";
  return action in DOING ? action : "info";
}

/** Whose command it was. */
export const door = (by) => DOORS[by] ?? by;

/** Who made an entry of the timeline, and what they noted. */
export function maker({ whose, by, notes, daily }) {
  if (whose === "own") return by === "mqtt" ? "from MQTT" : `from ${by === "automation" ? "an" : "the"} ${by}`;
  const who = whose === "network" ? "set by the energy network" : "made by somebody else";
  const days = !daily ? "" : daily.is_understood ? "repeats daily, " : `repeats (${daily.days ?? "days unknown"}), `;
  return `${days}${who}${notes ? `: “${notes}”` : ""}`;
}
