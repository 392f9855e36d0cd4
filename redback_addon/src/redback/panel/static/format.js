// Formats numbers, times and durations for people.

const decimals = (least, most = least) =>
  new Intl.NumberFormat("en-AU", { minimumFractionDigits: least, maximumFractionDigits: most });
const [WHOLE, ONE, TWO] = [0, 1, 2].map((places) => decimals(places));
const EXACT = decimals(2, 3);
const COUNT = decimals(0, 1);
// Since when (Unix seconds) the house's local time is how far (seconds) ahead of UTC, newest first.
const OFFSETS = JSON.parse(document.querySelector('meta[name="redback-offsets"]').content);
const CLOCK = new Intl.DateTimeFormat("en-AU", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const WORDS = { weekday: "short", day: "numeric", month: "short" };
const DATE = new Intl.DateTimeFormat("en-AU", { ...WORDS, timeZone: "UTC" });
const OLD_DATE = new Intl.DateTimeFormat("en-AU", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const UNKNOWN = "–";

/** A Date, or milliseconds, as a Date whose fields of UTC are those of the house's local time. */
function local(date) {
  const [, ahead] = OFFSETS.find(([since]) => since * 1000 <= date) ?? OFFSETS[OFFSETS.length - 1];
  return new Date(Number(date) + ahead * 1000);
}

/** A power without sign, as Home Assistant writes it: "5.4 kW", "370 W". */
export function power(kw) {
  if (kw == null) return UNKNOWN;
  const watts = Math.round(Math.abs(kw) * 1000);
  return watts < 1000 ? `${watts} W` : `${ONE.format(watts / 1000)} kW`;
}

function signed(value, written) {
  return value < 0 && /[1-9]/.test(written) ? `−${written}` : written; // a zero has no sign
}

/** A power with its sign: "−1.2 kW". */
export function signedPower(kw) {
  return signed(kw, power(kw));
}

/** A power with its sign in a column of kW: "−1.20". */
export function kilowatts(kw) {
  return kw == null ? UNKNOWN : signed(kw, TWO.format(Math.abs(kw)));
}

/** A difference in kWh with its sign, without unit: "+12.4", "−0.034". */
export function change(kwh) {
  return more(kwh, EXACT.format);
}

/** An energy in kWh without unit: "12.4". */
export function energy(kwh) {
  return kwh == null ? UNKNOWN : ONE.format(kwh);
}

/** An energy that is looked at closely, with its unit: "12.42 kWh", "1,204.5 kWh". */
export function kwh(value) {
  return value == null ? "unknown" : `${exactEnergy(value)} kWh`;
}

/** The same without unit, for a column: "12.42". */
export function exactEnergy(value) {
  return value == null ? UNKNOWN : (Math.abs(value) < 1000 ? TWO : ONE).format(value);
}

/** A function that writes amounts of a currency such as AUD: "$12.42", "−$1.20". */
export function money(currency) {
  const written = new Intl.NumberFormat("en-AU", { style: "currency", currency });
  return (amount) => (amount == null ? UNKNOWN : signed(amount, written.format(Math.abs(amount))));
}

/** How much more a value is than another one: "+1.20", "−3.4". */
export function more(difference, write) {
  return `${difference < 0 ? "−" : "+"}${write(Math.abs(difference))}`;
}

/** A whole number: "1,204". */
export const whole = (number) => WHOLE.format(number);

/** A number with two places, such as "12.42". */
export function two(number) {
  return number == null ? UNKNOWN : TWO.format(number);
}

/** A number of things: "1,204". */
export function count(number) {
  return number == null ? UNKNOWN : COUNT.format(number);
}

/** A number as it is written, with all its digits: "20,000.40"; other words stay as they are. */
export function exact(written) {
  const digits = /^-?\d+(?:\.(\d+))?$/.exec(written);
  return digits ? decimals(digits[1]?.length ?? 0).format(written).replace("-", "−") : written;
}

/** A name of the inverter's own in words: "ChargeBattery" becomes "Charge battery", "FAULT" "Fault". */
export function spelled(name) {
  if (name.length < 3) return name;
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
}

/** "84%" */
export function percent(number) {
  return number == null ? UNKNOWN : `${WHOLE.format(number)}%`;
}

/** "1 hour", "3 hours" */
export function many(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** "1 hour is missing", "3 hours are missing" */
export function missing(hours) {
  return `${many(hours, "hour")} ${hours === 1 ? "is" : "are"} missing`;
}

/** A duration in seconds, in the one or two units that matter: "5 s", "3 min", "2 h 5 min". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 3 ? `${many(days, "day")} ${hours % 24} h` : many(days, "day");
}

/** A time of day by the house's clock, of a Date or milliseconds: "14:05". */
export function clock(date) {
  return CLOCK.format(local(date));
}

/** The calendar date by the house's clock, of a Date or milliseconds: "2026-11-24". */
export function isoDate(date) {
  return local(date).toISOString().slice(0, 10);
}

/** "14:05" today, "Mon, 23 Nov, 14:05" on another day. */
export function moment(date, now) {
  const [day, today] = [date, now].map((one) => DATE.format(local(one)));
  return day === today ? clock(date) : `${day}, ${clock(date)}`;
}

/** A calendar date such as "2026-11-23": "Mon 23 Nov", or "23 Nov 2025" in another year than the house's. */
export function date(written, now) {
  const day = new Date(`${written}T00:00:00Z`);
  return day.getUTCFullYear() === local(now).getUTCFullYear() ? DATE.format(day).replace(",", "") : OLD_DATE.format(day);
}
