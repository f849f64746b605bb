// Small helpers for the document. Texts become text nodes: nothing here makes markup of a string.
import words from "/words.js";

/** An element: properties by name (`class`, `for`, aria- and data-attributes, `on…` listeners), then its children. */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || ["class", "for", "role", "list"].includes(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of icons.svg, for a button that has a label of its own. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** The element of an id, which is there: templates and scripts are written together. */
export const byId = (id) => document.getElementById(id);

/** A text whose {names} are replaced by values. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A notice at the page's edge, which goes away by itself unless it tells of a failure. */
export function notice(text, failed = false) {
  const close = el("button", { type: "button", class: "plain", "aria-label": words.base.close, onclick: () => line.remove() }, "×");
  const line = el("p", { class: failed ? "notice failed" : "notice" }, el("span", {}, text), close);
  byId("notices").replaceChildren(line);
  if (!failed) setTimeout(() => line.remove(), 6000);
}

/** Runs a function; where it fails, its words are shown. */
export async function told(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") notice(error.message, true);
    return undefined;
  }
}

/** Asks before something is done that cannot be undone. */
export function sure(question, action) {
  const dialog = el("dialog", { class: "dialog" }, el("p", {}, question));
  const button = (text, kind, value) => el("button", { type: "button", class: `button ${kind}`, onclick: () => dialog.close(value) }, text);
  dialog.append(el("div", { class: "row" }, button(words.base.cancel, "push", ""), button(action, "main", "yes")));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }),
  );
}

/** A function that runs once calls have ceased for so many milliseconds. */
export function debounced(work, milliseconds) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

/** A time as people say it: the same words as the library's. */
export function duration(seconds) {
  if (seconds < 100) return `${Math.max(Math.round(seconds), 1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes as people say them. */
export function bytes(number) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  return `${number < 10 && unit ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}

/** When something was, short: the time of today, else the day as well. */
export function when(seconds) {
  const date = new Date(typeof seconds === "number" ? seconds * 1000 : seconds);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  return date.toLocaleString("en-GB", today ? time : { day: "numeric", month: "short", ...time });
}
