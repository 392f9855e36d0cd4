// The page's icons, on a 24 by 24 grid.

import { svg } from "./dom.js";

const BATTERY = "M7 5.5h10a1 1 0 0 1 1 1V20a1 1 0 0 1 -1 1H7a1 1 0 0 1 -1 -1V6.5a1 1 0 0 1 1 -1zM10 5.5V3h4v2.5";
const DRAWN = {
  sun: ["M12 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0 -9", "M12 1.8v2.7M12 19.5v2.7M1.8 12h2.7M19.5 12h2.7M4.8 4.8l1.9 1.9M17.3 17.3l1.9 1.9M19.2 4.8l-1.9 1.9M6.7 17.3l-1.9 1.9"],
  house: ["M3 11.5L12 4l9 7.5", "M5.5 10v10h13V10", "M10 20v-5.5h4V20"],
  battery: [BATTERY, "M12.8 9.2l-3 4.3h4.4l-3 4.3"],
  grid: ["M8 21l3 -18h2l3 18", "M4.5 7.5h15M6 7.5v2M18 7.5v2M3.5 12h17M5 12v2M19 12v2", "M9.6 12l5.6 4.5M14.4 12l-5.6 4.5M8.8 16.5l7 4.5M15.2 16.5l-7 4.5"],
  good: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0 -18", "M7.8 12.3l2.9 2.9l5.5 -6"],
  bad: ["M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3z", "M9 9l6 6M15 9l-6 6"],
  warning: ["M12 3.5L22 20.5H2z", "M12 9.5v5.5M12 17.4v0.3"],
  info: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0 -18", "M12 11v5.5M12 7.5v0.3"],
  waiting: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0 -18", "M12 7v5.3l3.5 2"],
  copy: ["M9 8.5h10.5V21H9z", "M15.5 8.5V4H4.5v12.5H9"],
  download: ["M12 3.5v11.5M7.5 11l4.5 4.5l4.5 -4.5", "M4 20h16"],
  search: ["M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0 -13", "M15.5 15.5l5 5"],
  pause: ["M8.5 5v14M15.5 5v14"],
  play: ["M7.5 4.5l12 7.5l-12 7.5z"],
  bin: ["M5 7h14M9.5 7V4h5v3M6.5 7l1 13.5h9L17.5 7M10.3 10.5v6.5M13.7 10.5v6.5"],
  stop: ["M6 6h12v12H6z"],
  charge: [BATTERY, "M12 17.5v-8M9 12.5l3 -3l3 3"],
  discharge: [BATTERY, "M12 9v8.5M9 14.5l3 3l3 -3"],
  conserve: [BATTERY, "M10 10.5v6M14 10.5v6"],
  import: ["M3.5 12h11M10.5 8l4 4l-4 4", "M19.5 4v16"],
  export: ["M4.5 4v16", "M9 12h11.5M16.5 8l4 4l-4 4"],
  limit: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0 -18", "M7.5 12h9"],
};

/** An icon by name; hidden from screen readers, since there is text beside it. */
export function icon(name, attributes = {}) {
  const paths = DRAWN[name].map((d) => svg("path", { d }));
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", ...attributes },
    ...paths,
  );
}
