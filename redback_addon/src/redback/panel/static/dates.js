// Calendar dates such as "2026-11-24": moved by days, months and years, and written for people.

import * as format from "./format.js";

const DAY = 86_400_000; // milliseconds
const STEPS = { day: { days: 1 }, week: { days: 7 }, month: { months: 1 }, year: { months: 12 } };
const writer = (fields) => new Intl.DateTimeFormat("en-AU", { ...fields, timeZone: "UTC" });
const WEEKDAY = writer({ weekday: "short" });
const LONG_DAY = writer({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const DAY_OF_MONTH = writer({ day: "numeric" });
const MONTH = writer({ month: "short" });
const LONG_MONTH = writer({ month: "long", year: "numeric" });
const YEAR = writer({ year: "numeric" });
const SHORT = writer({ day: "numeric", month: "short" });
const LONG = writer({ day: "numeric", month: "short", year: "numeric" });

const parsed = (date) => new Date(`${date}T00:00:00Z`);
const written = (moment) => new Date(moment).toISOString().slice(0, 10);

/** Whether the start of a bar is a time, and no date. */
export const isHour = (start) => start.includes("T");

/** The date of a day so many spans before (negative) or after the one that begins with a date. */
export function moved(length, first, by) {
  const { days = 0, months = 0 } = STEPS[length];
  const date = parsed(first);
  return days ? written(Number(date) + by * days * DAY) : written(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + by * months));
}

/** The name of a span: "Tue 24 Nov 2026", "23 Nov to 29 Nov 2026", "November 2026", "2026", "2024 to 2026". */
export function spanInWords(length, first, last) {
  const [from, until] = [parsed(first), parsed(last)];
  const names = {
    day: () => LONG_DAY.format(from).replace(",", ""),
    week: () => `${SHORT.format(from)} to ${LONG.format(until)}`,
    month: () => LONG_MONTH.format(from),
    year: () => YEAR.format(from),
    all: () => [...new Set([from, until].map((one) => YEAR.format(one)))].join(" to "),
  };
  return names[length]();
}

/** What a bar of a span is of, in full: "Tue 24 Nov", "November 2026", "2026". */
export function inFull(length, start) {
  if (length === "all") return YEAR.format(parsed(start));
  return length === "year" ? LONG_MONTH.format(parsed(start)) : LONG_DAY.format(parsed(start)).replace(",", "");
}

/** The same for an axis: "13:00", "Tue", "24", "Nov", "2026". */
export function inShort(length, start) {
  if (isHour(start)) return format.clock(new Date(start));
  return { week: WEEKDAY, month: DAY_OF_MONTH, year: MONTH, all: YEAR }[length].format(parsed(start));
}
