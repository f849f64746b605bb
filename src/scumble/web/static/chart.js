// Small line charts, drawn as SVG: a figure over the images seen.
import words from "/words.js";
import { el, fill } from "/static/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 260;
const HEIGHT = 72;

const svg = (tag, properties) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  return element;
};

/** A number with three digits. */
export function short(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(1);
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 4 });
}

/** The points of a line: between the lowest and the highest value, a little room above and below. */
function positions(points, low, high) {
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const across = (images) => (last === first ? WIDTH / 2 : ((images - first) / (last - first)) * WIDTH);
  const down = (value) => (high === low ? HEIGHT / 2 : HEIGHT - 4 - ((value - low) / (high - low)) * (HEIGHT - 8));
  return points.map(([images, value]) => [across(images), down(value)]);
}

/**
 * A chart with its name, the value of now, and under the pointer that of then.
 * @param {string} name of the figure, as the library calls it.
 * @param {[number, number][]} points images seen, and the value.
 */
export function chart(name, points) {
  const [title, help] = words.curves[name] ?? [name.replaceAll("_", " "), ""];
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const where = positions(points, low, high);
  const label = fill(words.train.watch.chart, { name: title, first: short(values[0]), last: short(values.at(-1)), low: short(low), high: short(high) });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, preserveAspectRatio: "none" });
  const line = where.map((point) => point.map((number) => number.toFixed(1)).join(",")).join(" ");
  const mark = svg("line", { y1: 0, y2: HEIGHT, class: "mark", visibility: "hidden" });
  drawing.append(svg("polyline", { points: line, class: "curve" }), mark);
  const now = el("span", { class: "now" }, short(values.at(-1)));
  drawing.addEventListener("pointermove", (event) => {
    const at = (event.offsetX / drawing.clientWidth) * WIDTH;
    const nearest = where.reduce((best, [across], place) => (Math.abs(across - at) < Math.abs(where[best][0] - at) ? place : best), 0);
    mark.setAttribute("x1", where[nearest][0]);
    mark.setAttribute("x2", where[nearest][0]);
    mark.setAttribute("visibility", "visible");
    now.textContent = `${short(values[nearest])} · ${points[nearest][0].toLocaleString("en")}`;
  });
  drawing.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    now.textContent = short(values.at(-1));
  });
  const range = el("div", { class: "range", "aria-hidden": "true" }, el("span", {}, short(high)), el("span", {}, short(low)));
  return el("figure", { class: "chart", title: help }, el("figcaption", {}, el("span", {}, title), now), el("div", { class: "plot" }, drawing, range));
}
