// Works out the power flows between solar, house, battery and grid from their powers.

const LEAST = 0.0005; // kW; less than half a watt is no flow

/** Where each source sends its power, in the order in which flows are assigned. */
const ORDER = [
  ["solar", "house"],
  ["solar", "battery"],
  ["solar", "grid"],
  ["battery", "house"],
  ["battery", "grid"],
  ["grid", "house"],
  ["grid", "battery"],
];

/**
 * The flows of an inverter, or of those of one site together.
 *
 * @param {{solar_kw, load_kw, battery_kw, grid_kw}} powers in kW; battery positive when discharging,
 *   grid positive when importing; null if unknown.
 * @returns {{from: string, to: string, kw: number}[]} only those with power.
 */
export function flows({ solar_kw: solar, load_kw: load, battery_kw: battery, grid_kw: grid }) {
  const given = {
    solar: Math.max(solar ?? 0, 0),
    battery: Math.max(battery ?? 0, 0),
    grid: Math.max(grid ?? 0, 0),
  };
  const taken = {
    house: Math.max(load ?? 0, 0),
    battery: Math.max(-(battery ?? 0), 0),
    grid: Math.max(-(grid ?? 0), 0),
  };
  const found = [];
  for (const [from, to] of ORDER) {
    const kw = Math.min(given[from], taken[to]);
    if (kw < LEAST) continue;
    given[from] -= kw;
    taken[to] -= kw;
    found.push({ from, to, kw: rounded(kw) });
  }
  return found;
}

const rounded = (kw) => Math.round(kw * 1000) / 1000;

/** The sum of all; null if there are none, or one is unknown. */
function sum(values) {
  if (!values.length || values.some((value) => value == null)) return null;
  return rounded(values.reduce((total, value) => total + value, 0));
}

/** The state of charge of several batteries together, by size; null if one is unknown. */
function level(batteries) {
  const size = sum(batteries.map((battery) => battery.capacity_kwh));
  const held = sum(batteries.map(({ soc, capacity_kwh: of }) => (soc == null ? null : soc * of)));
  return size && held != null ? Math.round(held / size) : null;
}

/** The inverters of each site; one whose site is unknown stands alone. */
export function bySite(inverters) {
  const found = new Map();
  for (const inverter of inverters) {
    const site = inverter.site ?? inverter.serial;
    found.set(site, [...(found.get(site) ?? []), inverter]);
  }
  return found;
}

/** The inverters of one site as one; a total is null if a part of it is unknown. */
export function together(inverters) {
  const suns = inverters.filter((inverter) => inverter.has_solar);
  const batteries = inverters.filter((inverter) => inverter.has_battery);
  const of = (some, name) => sum(some.map((inverter) => inverter[name]));
  return {
    solar_kw: of(suns, "solar_kw"),
    load_kw: of(inverters, "load_kw"),
    battery_kw: of(batteries, "battery_kw"),
    grid_kw: of(inverters, "grid_kw"),
    soc: level(batteries),
    min_soc: null,
    has_battery: batteries.length > 0,
    has_solar: suns.length > 0,
  };
}

export const SHARED_METER = "With several inverters at one site, Redback does not say whether grid and load are each inverter's own or the whole site's. Compare the totals with your bill.";

/** The common name of a site's inverters: "House and Granny flat". */
export function called(inverters, isOnlySite) {
  if (isOnlySite) return "All inverters";
  const names = inverters.map(({ name }) => name);
  return listed(names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names);
}

const NAMES = { solar: "solar", house: "the house", battery: "the battery", grid: "the grid" };

function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

const upper = (words) => words[0].toUpperCase() + words.slice(1);

/** The flows in a few words; first what powers the house. */
export function inShort(found) {
  if (!found.length) return "No power is flowing.";
  const does = { house: "powers the house", battery: "charges the battery", grid: "exports to the grid" };
  const givers = [...new Set(found.map(({ from }) => from))];
  const helpers = found.filter(({ to }) => to === "house").map(({ from }) => from);
  const parts = [];
  if (helpers.length > 1) parts.push(`${upper(listed(helpers.map((from) => NAMES[from])))} power the house.`);
  for (const giver of givers) {
    const targets = found.filter(({ from }) => from === giver).map(({ to }) => to);
    const named = targets.filter((to) => to !== "house" || helpers.length === 1);
    if (named.length) parts.push(`${upper(NAMES[giver])} ${listed(named.map((to) => does[to]))}.`);
  }
  return parts.join(" ");
}

/** One flow in words: "1.2 kW from solar to the house". */
export function inWords({ from, to, kw }, power) {
  return `${power(kw)} from ${NAMES[from]} to ${NAMES[to]}`;
}
