// Uses Home Assistant's theme if the surrounding page can be read.

import { BLACK, WHITE, contrast, css, luminance, mix, over, rgba } from "./colour.js";

const GROUNDS = {
  "--page": "--primary-background-color",
  "--card": "--card-background-color",
};
// Text must be readable on both grounds; where the theme has no such ink, the page's own is used.
const INKS = {
  "--text": "--primary-text-color",
  "--text-2": "--secondary-text-color",
  "--link": null,
  "--good": null,
  "--warning": null,
  "--bad": null,
};
const AS_THEY_ARE = {
  "--divider": "--divider-color",
  "--accent": "--primary-color",
  "--solar": "--energy-solar-color",
  "--grid-in": "--energy-grid-consumption-color",
  "--grid-out": "--energy-grid-return-color",
  "--battery-out": "--energy-battery-out-color",
  "--battery-in": "--energy-battery-in-color",
  "--corner": "--ha-card-border-radius",
};
const NAMES = Object.keys({ ...GROUNDS, ...INKS, ...AS_THEY_ARE });
const READABLE = 4.5; // WCAG AA's minimum contrast of text
// The luminance from which black is more readable than white.
const MIDDLE = 0.179;

const root = document.documentElement;
const dark = document.getElementById("dark");
const BY_SYSTEM = dark.media;

/** Values of the surrounding page by our names; those that it lacks are left out. */
function read(names) {
  const style = parent.getComputedStyle(parent.document.documentElement);
  return Object.fromEntries(
    Object.entries(names)
      .map(([ours, theirs]) => [ours, theirs && style.getPropertyValue(theirs).trim()])
      .filter(([, value]) => value),
  );
}

/** The theme's page and card as opaque colours, or null. */
function grounds(theirs, ink) {
  // What a translucent page lies on is not known; its text was chosen for it.
  const text = ink && rgba(ink);
  const below = text && luminance(text.slice(0, 3)) > MIDDLE ? BLACK : WHITE;
  const page = over(theirs["--page"], below);
  const card = page && over(theirs["--card"], page);
  return card && { page, card };
}

/** The first of these inks that is readable on all grounds, or else one that is made so. */
function readable(inks, all, isDark) {
  const isReadable = (ink) => all.every((ground) => contrast(over(ink, ground), ground) >= READABLE);
  const known = inks.filter((ink) => ink && rgba(ink));
  const found = known.find(isReadable);
  if (found || !known.length) return found;
  const start = rgba(known[known.length - 1]).slice(0, 3);
  const steps = [0.2, 0.4, 0.6, 0.8, 1].map((share) => css(mix(start, isDark ? WHITE : BLACK, share)));
  return steps.find(isReadable) ?? steps[steps.length - 1];
}

function apply() {
  NAMES.forEach((name) => root.style.removeProperty(name));
  const inks = read(INKS);
  const found = grounds(read(GROUNDS), inks["--text"]);
  dark.media = BY_SYSTEM;
  if (found) take(found, inks);
  document.dispatchEvent(new Event("themechange"));
}

function take({ page, card }, inks) {
  const isDark = luminance(card) < MIDDLE;
  dark.media = isDark ? "all" : "not all";
  // No ink can be read on a light and on a dark ground.
  const same = contrast(page, isDark ? WHITE : BLACK) < READABLE ? card : page;
  const own = getComputedStyle(root);
  const chosen = Object.keys(INKS).map((name) => {
    const mine = own.getPropertyValue(name).trim();
    return [name, mine, readable([inks[name], mine], [same, card], isDark)];
  });
  for (const [name, mine, ink] of chosen) if (ink !== mine) root.style.setProperty(name, ink);
  root.style.setProperty("--page", css(same));
  root.style.setProperty("--card", css(card));
  for (const [name, value] of Object.entries(read(AS_THEY_ARE))) {
    if (name === "--corner" || rgba(value)) root.style.setProperty(name, value);
  }
}

/** Follows the surrounding theme; if it cannot be read, the system's light or dark mode applies. */
export function follow() {
  if (parent === window) return;
  try {
    apply();
    dark.addEventListener("load", apply);
    new MutationObserver(apply).observe(parent.document.documentElement, {
      attributes: true,
      attributeFilter: ["style", "class"],
    });
  } catch {
    // Another origin: its theme cannot be read.
  }
}
