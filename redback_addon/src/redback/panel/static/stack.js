// Stacks a day's power: where it came from lies above zero, and where it went below.

const AREAS = [
  { key: "solar", side: 1, colour: "--solar" },
  { key: "battery", side: 1, colour: "--battery-out" },
  { key: "grid", side: 1, colour: "--grid-in" },
  { key: "load", side: -1, colour: "--house" },
  { key: "battery", side: -1, colour: "--battery-in" },
  { key: "grid", side: -1, colour: "--grid-out" },
];

/** The colours of a value: as a source, and as a use. */
export const colours = (key) => AREAS.filter((area) => area.key === key).map(({ colour }) => colour);

/**
 * The areas of a day, each as far as it reaches from zero; those that lie under others come first.
 *
 * @param {object} day a Day.
 * @param {(key: string) => boolean} isShown whether a value has an area.
 */
export function stack(day, isShown) {
  const reach = { 1: day.at.map(() => 0), [-1]: day.at.map(() => 0) };
  const areas = AREAS.filter(({ key }) => isShown(key)).map(({ key, side, colour }) => {
    const sums = reach[side];
    const values = day[key].map((value, index) => {
      if (value == null) return null;
      const flow = key === "load" ? -value : value;
      sums[index] += side > 0 ? Math.max(flow, 0) : Math.min(flow, 0);
      return sums[index];
    });
    return { key, colour, values };
  });
  return areas.reverse();
}
