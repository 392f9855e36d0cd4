// Shows the section in the URL's hash, and opens and closes it.

const links = [...document.querySelectorAll("nav a")];
const names = links.map((link) => link.hash.slice(1));
const more = document.getElementById("more");

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
      if (isHere) more.classList.toggle("current", more.contains(link));
    }
    document.getElementById("skip").hash = `#${name}`;
    sections[name]?.open?.();
  };

  show(false);
  followMenu();
  window.addEventListener("hashchange", () => {
    show(true);
    window.scrollTo(0, 0);
  });
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(`${named()}-title`).focus();
  });
}

/**
 * Has Control in the first row only where the option is on. It needs the room of Set up: six places
 * do not fit a phone of 320 pixels.
 */
export function place(hasControl) {
  const item = (name) => document.querySelector(`nav a[href="#${name}"]`).parentElement;
  const [first, other] = hasControl ? [item("control"), item("setup")] : [item("setup"), item("control")];
  if (!more.contains(first)) return;
  if (hasControl) item("history").before(first);
  else item("history").after(first);
  more.querySelector("ul").prepend(other);
  more.classList.toggle("current", more.querySelector("[aria-current]") !== null);
}

/** Close the menu once a section is chosen, or anything else is. */
function followMenu() {
  document.addEventListener("click", ({ target }) => {
    if (!more.contains(target) || target.closest("a")) more.open = false;
  });
  more.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    more.open = false;
    more.firstElementChild.focus();
  });
}
