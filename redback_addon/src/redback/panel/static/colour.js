// Reads CSS colours, and works out how readable one is on another.

export const BLACK = [0, 0, 0];
export const WHITE = [255, 255, 255];

/** Red, green, blue (0 to 255) and alpha (0 to 1) of any CSS colour, or null. */
export function rgba(colour) {
  const probe = document.createElement("i");
  document.body.append(probe);
  const computed = (value) => {
    probe.style.color = value;
    return probe.style.color && getComputedStyle(probe).color;
  };
  const plain = computed(colour);
  // Colours such as oklch stay as they are, until they are mixed in sRGB.
  const isPlain = !plain || plain.startsWith("rgb");
  const written = isPlain ? plain : computed(`color-mix(in srgb, ${colour}, ${colour})`);
  probe.remove();
  const numbers = written?.match(/-?[\d.]+(?:e-?\d+)?/g)?.map(Number);
  if (!numbers || numbers.length < 3) return null;
  const [red, green, blue, alpha = 1] = numbers;
  const most = isPlain ? 1 : 255;
  return [...[red, green, blue].map((part) => Math.min(255, Math.max(0, part * most))), alpha];
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
