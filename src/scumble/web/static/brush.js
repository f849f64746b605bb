// A brush for masks, over the photograph in a viewer: what stays as it is, and where each painting goes. The first
// painting goes wherever no other was brushed, so that there is nothing to brush for one painting alone.
import words from "/words.js";
import { el, fill, icon } from "/static/dom.js";

const SIDE = 1024; // pixels of a mask's longer side, at most
const STEPS_BACK = 10;
const STAYS = "protect";
const COLOURS = ["#2f9bff", "#ffb000", "#e0357d", "#2fb56a", "#9a6bff", "#00b8c4", "#ff6b35", "#a0a020"];

export class Brush {
  /**
   * @param {import("./viewer.js").Viewer} viewer whose frame is brushed over.
   * @param {HTMLElement} toolbar that is filled.
   * @param {() => void} onchange called after each stroke.
   */
  constructor(viewer, toolbar, onchange) {
    this.viewer = viewer;
    this.toolbar = toolbar;
    this.onchange = onchange;
    this.layers = new Map(); // by key: STAYS, or a painting's id
    this.paintings = [];
    this.past = [];
    this.ring = el("div", { class: "brush-ring", hidden: true });
    this.surface = el("canvas", { class: "mask surface", tabindex: 0, "aria-label": words.brush.canvas, role: "application", hidden: true });
    this.kept = el("canvas", { hidden: true }); // of the photograph, what stays as it is: part of the preview
    viewer.after.after(this.kept);
    viewer.frame.append(this.ring, this.surface);
    this.at = [0.5, 0.5];
    this.#listen();
    this.resize([3, 2]);
  }

  get is_open() {
    return !this.toolbar.hidden;
  }

  /** A photograph of another size: nothing is brushed. */
  resize([width, height]) {
    const scale = SIDE / Math.max(width, height);
    this.surface.width = Math.round(width * scale);
    this.surface.height = Math.round(height * scale);
    for (const layer of this.layers.values()) layer.remove();
    this.layers.clear();
    this.past = [];
    this.kept.hidden = true;
  }

  /** Takes up what was brushed for another job: addresses of its masks, one for each painting or none, and of what stays. */
  async take(masks, protect) {
    const others = masks.slice(1).map((address, place) => [this.paintings[place + 1]?.id, address]);
    for (const [key, address] of [...others, [STAYS, protect]]) if (key && address) await this.#load(this.#layer(key), address, this.#colour(key));
    this.#show_kept();
    this.onchange();
  }

  /** The paintings that are chosen, each with its "id" and "name". */
  set_paintings(paintings) {
    this.paintings = paintings;
    for (const key of [...this.layers.keys()]) {
      if (key === STAYS || paintings.slice(1).some(({ id }) => id === key)) continue;
      this.layers.get(key).remove();
      this.layers.delete(key);
      this.past = [];
    }
    if (this.is_open) this.#fill_toolbar();
  }

  open(yes = true) {
    this.toolbar.hidden = this.surface.hidden = this.ring.hidden = !yes;
    for (const layer of this.layers.values()) layer.hidden = !yes;
    if (!yes) this.#show_kept();
    this.kept.hidden ||= yes;
    if (!yes) return;
    this.viewer.comparing(false);
    this.#fill_toolbar();
    this.#place_ring();
  }

  /** Whether anything was brushed. */
  get used() {
    return [...this.layers.keys()].some((key) => this.has(key));
  }

  /** Whether something was brushed for a painting, by its id. */
  has(key) {
    return this.layers.has(key) && has_paint(this.layers.get(key));
  }

  /**
   * What was brushed, white on black: `protect`, or null; `masks`, one for each painting, or none.
   * Throws, with words, where one of several paintings has no place.
   */
  async masks() {
    const protect = this.has(STAYS) ? await this.#picture([this.layers.get(STAYS)]) : null;
    const others = this.paintings.slice(1);
    if (!others.some(({ id }) => this.has(id))) return { protect, masks: [] };
    const without = others.find(({ id }) => !this.has(id));
    if (without) throw new Error(fill(words.brush.every_painting, { name: without.name }));
    const layers = others.map(({ id }) => this.layers.get(id));
    const masks = [this.#picture(layers, true), ...layers.map((layer) => this.#picture([layer]))];
    return { protect, masks: await Promise.all(masks) };
  }

  #fill_toolbar() {
    const tool = (key, name, colour) => {
      const swatch = el("span", { class: "swatch" });
      swatch.style.background = colour ?? "transparent";
      return el("button", { type: "button", class: "button", "data-key": key, onclick: () => this.#choose(key) }, swatch, name);
    };
    const targets = this.paintings.slice(1).map(({ id, name }) => tool(id, fill(words.brush.painting, { name }), this.#colour(id)));
    const size = el("input", { type: "range", min: 1, max: 40, step: 0.5, value: this.width ?? 8, oninput: () => this.#resize_ring(size) });
    this.toolbar.replaceChildren(
      tool(STAYS, words.brush.stays, this.#colour(STAYS)),
      ...targets,
      tool("", words.brush.eraser),
      el("label", { class: "dab" }, words.brush.size, size),
      el("button", { type: "button", class: "button", "aria-label": words.brush.undo, title: words.brush.undo, onclick: () => this.#undo() }, icon("undo")),
      el("button", { type: "button", class: "button", onclick: () => this.#clear() }, words.brush.clear),
      el("p", { class: "small quiet" }, words.brush.help),
    );
    const keys = [STAYS, "", ...this.paintings.slice(1).map(({ id }) => id)];
    this.#choose(keys.includes(this.key) ? this.key : (this.paintings[1]?.id ?? STAYS));
    this.#resize_ring(size);
  }

  #colour(key) {
    return COLOURS[key === STAYS ? 0 : this.paintings.findIndex(({ id }) => id === key) % COLOURS.length];
  }

  #choose(key) {
    this.key = key;
    for (const button of this.toolbar.querySelectorAll("[data-key]")) button.setAttribute("aria-pressed", button.dataset.key === key);
  }

  #layer(key) {
    if (!this.layers.has(key)) {
      const layer = el("canvas", { class: "mask", width: this.surface.width, height: this.surface.height, hidden: !this.is_open });
      this.viewer.frame.insertBefore(layer, this.ring);
      this.layers.set(key, layer);
    }
    return this.layers.get(key);
  }

  /** Draws a mask, white on black, as a layer in its colour. */
  async #load(layer, address, colour) {
    const mask = new Image();
    mask.src = address;
    await mask.decode();
    const context = layer.getContext("2d", { willReadFrequently: true });
    context.drawImage(mask, 0, 0, layer.width, layer.height);
    const drawn = pixels(layer);
    for (let place = 0; place < drawn.data.length; place += 4) drawn.data[place + 3] = drawn.data[place];
    context.putImageData(drawn, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = colour;
    context.fillRect(0, 0, layer.width, layer.height);
  }

  /** Shows of the photograph what stays as it is, over the preview, which knows nothing of it. */
  #show_kept() {
    const stays = this.layers.get(STAYS);
    this.kept.hidden = !this.has(STAYS) || !this.viewer.before.complete;
    if (this.kept.hidden) return;
    this.kept.width = stays.width;
    this.kept.height = stays.height;
    const context = this.kept.getContext("2d");
    context.drawImage(this.viewer.before, 0, 0, stays.width, stays.height);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(stays, 0, 0);
  }

  #listen() {
    const surface = this.surface;
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      event.stopPropagation(); // the viewer would drag the picture
      surface.focus({ preventScroll: true });
      surface.setPointerCapture(event.pointerId);
      this.#remember();
      this.#stroke(this.#point(event));
      this.stroking = true;
    });
    surface.addEventListener("pointermove", (event) => {
      const moments = event.getCoalescedEvents?.() ?? [];
      for (const moment of moments.length ? moments : [event]) {
        if (this.stroking) this.#stroke(this.#point(moment), this.at);
        this.at = this.#point(moment);
      }
      this.#place_ring();
    });
    surface.addEventListener("lostpointercapture", () => {
      this.stroking = false;
      this.onchange();
    });
    surface.addEventListener("dblclick", (event) => event.stopPropagation());
    surface.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = this.width / 200;
    if (ways[event.key]) {
      const ratio = this.surface.width / this.surface.height;
      const [right, down] = ways[event.key];
      this.at = [this.at[0] + right * step, this.at[1] + down * step * ratio].map((place) => Math.min(1, Math.max(0, place)));
      this.#place_ring();
    } else if (event.key === " ") {
      this.#remember();
      this.#stroke(this.at);
      this.onchange();
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.#undo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #point(event) {
    const box = this.surface.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  /** A line of the brush's width: on the chosen layer, and away from all others. */
  #stroke(to, from = to) {
    if (this.key) this.#layer(this.key);
    for (const [key, layer] of this.layers) {
      const context = layer.getContext("2d", { willReadFrequently: true });
      context.globalCompositeOperation = key === this.key ? "source-over" : "destination-out";
      context.strokeStyle = this.#colour(key);
      context.lineCap = context.lineJoin = "round";
      context.lineWidth = (this.width / 100) * layer.width;
      context.beginPath();
      context.moveTo(from[0] * layer.width, from[1] * layer.height);
      context.lineTo(to[0] * layer.width, to[1] * layer.height);
      context.stroke();
    }
    this.at = to;
  }

  #remember() {
    this.past.push(new Map([...this.layers].map(([key, layer]) => [key, pixels(layer)])));
    if (this.past.length > STEPS_BACK) this.past.shift();
  }

  #undo() {
    const before = this.past.pop();
    if (!before) return;
    for (const [key, layer] of this.layers) {
      const context = layer.getContext("2d");
      if (before.has(key)) context.putImageData(before.get(key), 0, 0);
      else context.clearRect(0, 0, layer.width, layer.height);
    }
    this.onchange();
  }

  #clear() {
    this.#remember();
    for (const layer of this.layers.values()) layer.getContext("2d").clearRect(0, 0, layer.width, layer.height);
    this.onchange();
  }

  #resize_ring(slider) {
    this.width = Number(slider.value); // percent of the photograph's width
    slider.style.setProperty("--filled", `${(100 * (slider.value - slider.min)) / (slider.max - slider.min)}%`);
    this.#place_ring();
  }

  #place_ring() {
    const frame = this.viewer.frame.getBoundingClientRect();
    const box = this.surface.getBoundingClientRect();
    const side = (this.width / 100) * box.width;
    const values = { left: box.left - frame.left + this.at[0] * box.width, top: box.top - frame.top + this.at[1] * box.height, width: side, height: side };
    for (const [name, value] of Object.entries(values)) this.ring.style[name] = `${value}px`;
  }

  /** Layers as a mask: white where one of them is, on black; or the other way round. */
  #picture(layers, outside = false) {
    const { width, height } = this.surface;
    const canvas = el("canvas", { width, height });
    const context = canvas.getContext("2d");
    for (const layer of layers) context.drawImage(layer, 0, 0);
    context.globalCompositeOperation = "source-in"; // their shape in white
    context.fillStyle = outside ? "black" : "white";
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = outside ? "white" : "black";
    context.fillRect(0, 0, width, height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}

function pixels(layer) {
  return layer.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, layer.width, layer.height);
}

function has_paint(layer) {
  const { data } = pixels(layer);
  for (let place = 3; place < data.length; place += 4) if (data[place]) return true;
  return false;
}
