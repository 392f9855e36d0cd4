// Connects the parts of the page: each section gets the live status, the URL selects the one shown.

import { control } from "./control.js";
import { day } from "./day.js";
import { diagnostics } from "./diagnostics.js";
import { say, set } from "./dom.js";
import { entities } from "./entities.js";
import { health } from "./health.js";
import { history } from "./history.js";
import * as live from "./live.js";
import { notices } from "./notices.js";
import { now } from "./now.js";
import * as route from "./route.js";
import { setup } from "./setup.js";
import { sites } from "./sites.js";
import * as theme from "./theme.js";
import { setTime, startTicking } from "./time.js";

const content = (name) => document.querySelector(`#${name} .content`);
const summary = document.getElementById("summary");
const connection = document.getElementById("connection");

const makers = { now, day, control, history, health, sites, entities, setup, diagnostics };
const sections = Object.fromEntries(
  Object.entries(makers).map(([name, make]) => [name, make(content(name))]),
);
const showNotices = notices(document.getElementById("notices"));

function summarise({ summary: { level, text } }) {
  set(summary, { "data-level": level });
  say(summary, text);
}

let isConnected;

function onStatus(status) {
  setTime(status);
  summarise(status);
  route.place(Boolean(status.control));
  showNotices(status);
  Object.values(sections).forEach((section) => section.show?.(status));
  say(document.getElementById("version"), `Redback ${status.version}`);
}

function onChange(isThere) {
  if (isThere === isConnected) return;
  isConnected = isThere;
  set(document.body, { "data-connected": isThere });
  const lost = "Connection to the add-on lost. Values may be out of date. Reconnecting …";
  say(connection, isThere ? "" : lost);
  if (isThere) return; // onStatus shows the rest
  set(summary, { "data-level": "warning" });
  say(summary, "Disconnected");
}

theme.follow();
startTicking();
route.follow(sections);
live.follow(onStatus, onChange);
