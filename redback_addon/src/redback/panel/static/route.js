// Shows the section in the URL's hash, and opens and closes it.

const links = [...document.querySelectorAll("nav a")];
const names = links.map((link) => link.hash.slice(1));

function named() {
  const name = location.hash.slice(1);
  return names.includes(name) ? name : names[0];
}

/**
 * Follows the URL's hash.
 *
 * @param {Record<string, {open?: () => void, close?: () => void}>} sections by name.
 */
export function follow(sections) {
  let shown;

  const show = (isMove) => {
    const name = named();
    if (name !== shown) turnTo(name);
    if (isMove) document.getElementById(`${name}-title`).focus({ preventScroll: true });
  };

  const turnTo = (name) => {
    sections[shown]?.close?.();
    shown = name;
    for (const link of links) {
      const isHere = link.hash === `#${name}`;
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      document.getElementById(link.hash.slice(1)).hidden = !isHere;
      if (isHere) link.scrollIntoView({ block: "nearest", inline: "center" });
    }
    document.getElementById("skip").hash = `#${name}`;
    sections[name]?.open?.();
  };

  show(false);
  window.addEventListener("hashchange", () => {
    show(true);
    window.scrollTo(0, 0);
  });
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(`${named()}-title`).focus();
  });
}
