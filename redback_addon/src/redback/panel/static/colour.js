// Reads CSS colours, and works out how readable one is on another.

export const BLACK = [0, 0, 0];
export const WHITE = [255, 255, 255];

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Red, green, blue (0 to 255) and alpha (0 to 1) of any CSS colour, or null. */
export function rgba(colour) {
  const probe = document.createElement("i");
  document.body.append(probe);
  probe.style.color = colour;
  const plain = probe.style.color && getComputedStyle(probe).color;
  probe.remove();
  if (!plain) return null;
  if (!plain.startsWith("rgb")) return painted(plain);
  const [red, green, blue, alpha = 1] = plain.match(/[\d.]+(?:e-?\d+)?/g).map(Number);
  return [red, green, blue, alpha];
}

/** The same of a colour such as oklch, which is computed as it is written: what is painted with it. */
function painted(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}

/** A colour, perhaps translucent, on an opaque one; null if it is none. */
export function over(colour, ground) {
  const parts = colour && rgba(colour);
  return parts && mix(ground, parts, parts[3]);
}

/** A colour between two, the share of the way from the first to the second. */
export function mix(one, other, share) {
  return one.map((part, index) => part + (other[index] - part) * share);
}

/** How bright a colour is, 0 to 1. */
export function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG's contrast between two colours, 1 to 21. */
export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** A colour as CSS writes it. */
export function css(colour, alpha = 1) {
  const [red, green, blue] = colour.map(Math.round);
  return alpha < 1 ? `rgba(${red}, ${green}, ${blue}, ${alpha})` : `rgb(${red}, ${green}, ${blue})`;
}
