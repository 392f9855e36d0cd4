// Uses Home Assistant's theme if the surrounding page can be read.

const TAKEN = {
  "--page": "--primary-background-color",
  "--card": "--card-background-color",
  "--text": "--primary-text-color",
  "--text-2": "--secondary-text-color",
  "--divider": "--divider-color",
  "--accent": "--primary-color",
  "--solar": "--energy-solar-color",
  "--grid-in": "--energy-grid-consumption-color",
  "--grid-out": "--energy-grid-return-color",
  "--battery-out": "--energy-battery-out-color",
  "--battery-in": "--energy-battery-in-color",
  "--corner": "--ha-card-border-radius",
};
const READABLE = 4.5; // WCAG AA's minimum contrast of text

/** Red, green and blue of any CSS colour, or null. */
function rgb(colour) {
  const probe = document.createElement("i");
  probe.style.color = colour;
  if (!probe.style.color) return null;
  document.body.append(probe);
  const parts = getComputedStyle(probe).color.match(/^rgba?\(([^)]+)\)$/);
  probe.remove();
  return parts && parts[1].split(/[ ,/]+/).slice(0, 3).map(Number);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function isReadable(theme) {
  const grounds = [theme["--page"], theme["--card"]].map(rgb);
  const inks = [theme["--text"], theme["--text-2"]].map(rgb);
  if ([...grounds, ...inks].includes(null)) return false;
  return grounds.every((ground) => inks.every((ink) => contrast(ground, ink) >= READABLE));
}

function read() {
  const style = parent.getComputedStyle(parent.document.documentElement);
  return Object.fromEntries(
    Object.entries(TAKEN)
      .map(([ours, theirs]) => [ours, style.getPropertyValue(theirs).trim()])
      .filter(([, value]) => value),
  );
}

function apply() {
  const theme = read();
  const own = document.documentElement.style;
  Object.keys(TAKEN).forEach((name) => own.removeProperty(name));
  if (!isReadable(theme)) return;
  document.getElementById("dark").media = luminance(rgb(theme["--card"])) < 0.2 ? "all" : "not all";
  Object.entries(theme).forEach(([name, value]) => own.setProperty(name, value));
  document.dispatchEvent(new Event("themechange"));
}

/** Follows the surrounding theme; if it cannot be read, the system's light or dark mode applies. */
export function follow() {
  if (parent === window) return;
  try {
    apply();
    new MutationObserver(apply).observe(parent.document.documentElement, {
      attributes: true,
      attributeFilter: ["style", "class"],
    });
  } catch {
    // Another origin: its theme cannot be read.
  }
}
