// Stacks powers or energies: where they came from lies above zero, and where they went below.

/** Of power: battery positive when discharging, grid positive when importing. */
const POWERS = [
  { key: "solar", side: 1, colour: "--solar" },
  { key: "battery", side: 1, colour: "--battery-out" },
  { key: "grid", side: 1, colour: "--grid-in" },
  { key: "load", side: -1, colour: "--house", sign: -1 },
  { key: "battery", side: -1, colour: "--battery-in" },
  { key: "grid", side: -1, colour: "--grid-out" },
];
/** Of energy, which is counted each way. */
const ENERGIES = [
  { key: "solar", side: 1, colour: "--solar" },
  { key: "discharge", side: 1, colour: "--battery-out" },
  { key: "import", side: 1, colour: "--grid-in" },
  { key: "load", side: -1, colour: "--house", sign: -1 },
  { key: "charge", side: -1, colour: "--battery-in", sign: -1 },
  { key: "export", side: -1, colour: "--grid-out", sign: -1 },
];

const colours = (areas, key) => areas.filter((area) => area.key === key).map(({ colour }) => colour);

/** The colours of a power: as a source, and as a use. */
export const powerColours = (key) => colours(POWERS, key);

/** The colour of an energy. */
export const energyColours = (key) => colours(ENERGIES, key);

/**
 * The areas of a day's powers, each as far as it reaches from zero; those that lie under others come first.
 *
 * @param {object} day a Day.
 * @param {(key: string) => boolean} isShown whether a value has an area.
 */
export const stack = (day, isShown) => stacked(POWERS, day, day.at.length, isShown);

/** The same of the bars of energies, lists of one length by key. */
export const stackBars = (kwh, isShown) => stacked(ENERGIES, kwh, kwh.solar.length, isShown);

function stacked(areas, columns, length, isShown) {
  const reach = { 1: Array(length).fill(0), [-1]: Array(length).fill(0) };
  const drawn = areas.filter(({ key }) => isShown(key)).map(({ key, side, colour, sign = 1 }) => {
    const sums = reach[side];
    const values = columns[key].map((value, index) => {
      if (value == null) return null;
      const flow = sign * value;
      sums[index] += side > 0 ? Math.max(flow, 0) : Math.min(flow, 0);
      return sums[index];
    });
    return { key, colour, values };
  });
  return drawn.reverse();
}
