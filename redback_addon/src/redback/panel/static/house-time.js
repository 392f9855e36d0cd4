// Tells the time of the house's own clock, wherever the browser is.

const ORDINARY_DAY = 86_400; // seconds
// A day on which no clock changes anywhere, whose times stand for those of any ordinary day.
const STAND_IN = new Date(2001, 0, 15).getTime();

/**
 * A function from epoch seconds to a Date whose local fields are those of the house's clock.
 *
 * The add-on tells when the house's day starts. On the two days a year on which clocks change
 * that is not enough, and the browser's own zone is taken for the house's.
 */
export function houseClock({ start, end }) {
  const first = Date.parse(start) / 1000;
  if (Date.parse(end) / 1000 - first !== ORDINARY_DAY) return (at) => new Date(at * 1000);
  return (at) => new Date(STAND_IN + (at - first) * 1000);
}
