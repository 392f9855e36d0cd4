// The section Diagnostics: an anonymous file to attach to a report.

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
      el("p", {}, "Attach this file when you ask for help. It contains options, versions, counters and the structure of the cloud's last answers, but no credentials, serial numbers, site ids, names or locations. You can read it first."),
      el(
        "div",
        { class: "row" },
        el("a", { class: "button", href: "diagnostics", download: "redback-diagnostics.json" }, icon("download"), "Download"),
        el("button", { class: "plain", type: "button", onclick: show }, "Show"),
      ),
      shown,
    ),
  );
  return {};
}
