// Shows the house's local time, wherever the browser is.

const ORDINARY_DAY = 86_400; // seconds
// A day without a clock change anywhere, used to format the times of any 24-hour day.
const STAND_IN = new Date(2001, 0, 15).getTime();

/**
 * A function from epoch seconds to a Date whose local fields show the house's local time.
 *
 * The add-on sends the start of the house's day. On the two days a year when clocks change, that
 * is not enough, and the browser's time zone is used.
 */
export function houseClock({ start, end }) {
  const first = Date.parse(start) / 1000;
  if (Date.parse(end) / 1000 - first !== ORDINARY_DAY) return (at) => new Date(at * 1000);
  return (at) => new Date(STAND_IN + (at - first) * 1000);
}
