// The section Diagnostics: a file for those who help, without anything that identifies.

import { copyButton } from "./clipboard.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";

/** @returns the section Diagnostics. */
export function diagnostics(content) {
  const shown = el("div", { class: "content" });
  const show = async () => {
    try {
      const response = await fetch("diagnostics", { cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      const text = await response.text();
      shown.replaceChildren(
        el("div", {}, copyButton(text, "the diagnostics")),
        el("pre", { class: "file", tabindex: 0, role: "region", "aria-label": "Diagnostics" }, el("code", {}, text)),
      );
    } catch {
      shown.replaceChildren(el("p", { role: "alert" }, "The add-on does not answer. Try again in a moment."));
    }
  };
  content.replaceChildren(
    el(
      "article",
      { class: "card content" },
      el("p", {}, "A file to send along when you ask for help: options, versions, counters, and what the cloud's last answers looked like. Your credentials, serials, site ids, names and places are taken out; look at it first if you like."),
      el(
        "div",
        { class: "row" },
        el("a", { class: "button", href: "diagnostics", download: "redback-diagnostics.json" }, icon("download"), "Download"),
        el("button", { class: "plain", type: "button", onclick: show }, "Show it here"),
      ),
      shown,
    ),
  );
  return {};
}
