// A picture to look at closely: as large as there is room for, to the pixel, and beside what it was before.
import words from "/words.js";
import { el, icon } from "/static/dom.js";

const CLOSEST = 8; // screen pixels for one of the picture; for those that are small, as many times as fit

export class Viewer {
  /**
   * @param {HTMLElement} element that is filled.
   * @param {{before: string, after: string}} names what to call the two pictures.
   */
  constructor(element, { before = words.paint.photograph, after = words.paint.painted } = {}) {
    this.element = element;
    this.zoom = null; // screen pixels for one of the picture; null for the whole picture
    this.centre = [0.5, 0.5];
    this.after = el("img", { alt: after, draggable: false });
    this.before = el("img", { alt: "", draggable: false });
    this.cover = el("div", { class: "viewer-before", hidden: true }, this.before);
    this.line = el("div", { class: "viewer-line", hidden: true });
    this.split = el("input", { class: "viewer-split", type: "range", min: 0, max: 100, step: 0.5, value: 50, hidden: true, "aria-label": words.viewer.split });
    this.tags = [el("span", { class: "viewer-tag left", hidden: true }, before), el("span", { class: "viewer-tag right", hidden: true }, after)];
    this.frame = el("div", { class: "viewer-frame", tabindex: 0, role: "group", "aria-label": words.viewer.stage, hidden: true }, this.after, this.cover, ...this.tags, this.line, this.split);
    this.stage = el("div", { class: "viewer-stage" }, this.frame);
    this.bar = el("div", { class: "viewer-bar", hidden: true }, ...this.#buttons());
    element.classList.add("viewer");
    element.replaceChildren(this.stage, this.bar);
    this.split.addEventListener("input", () => this.#place_split());
    this.frame.addEventListener("keydown", (event) => this.#key(event));
    this.frame.addEventListener("dblclick", (event) => this.#double(event));
    this.frame.addEventListener("pointerdown", (event) => this.#grab(event));
    new ResizeObserver(() => this.zoom && this.#place()).observe(this.stage);
  }

  /** Shows a picture in the place of the one before, once it is there; `of` is the size it stands for, if it is smaller. */
  async show(address, of) {
    const loading = new Image();
    loading.src = address;
    this.newest = loading;
    await loading.decode();
    if (this.newest !== loading) return; // a newer one was asked for
    this.after.src = loading.src;
    this.size = of ?? [loading.naturalWidth, loading.naturalHeight];
    this.frame.style.setProperty("--ratio", this.size[0] / this.size[1]);
    this.frame.hidden = this.bar.hidden = false;
    if (this.zoom) this.#place();
  }

  /** What the picture was before; null for nothing to compare with. */
  compare_with(address) {
    if (address) this.before.src = address;
    else this.before.removeAttribute("src");
    this.buttons.compare.hidden = !address;
    if (!address) this.comparing(false);
  }

  /** Shows both, with a slider between them, or one. */
  comparing(both) {
    this.buttons.compare.setAttribute("aria-pressed", both);
    for (const part of [this.cover, this.line, this.split, ...this.tags]) part.hidden = !both;
    this.#place_split();
  }

  /** No picture at all. */
  clear() {
    this.newest = null;
    this.frame.hidden = this.bar.hidden = true;
    this.after.removeAttribute("src");
    this.compare_with(null);
    this.whole();
  }

  whole() {
    this.zoom = null;
    this.element.classList.remove("zoomed", "large-pixels");
    for (const name of ["--x", "--y", "--w", "--h"]) this.frame.style.removeProperty(name);
    this.#press();
  }

  /** Screen pixels for one of the picture's, around a point of it in [0, 1]. */
  closer(zoom, centre = this.centre) {
    this.centre = centre;
    if (zoom <= this.#fitting()) {
      this.whole();
      return;
    }
    this.zoom = Math.min(zoom, CLOSEST * Math.max(1, this.#fitting()));
    this.element.classList.add("zoomed");
    this.#place();
    this.#press();
  }

  #buttons() {
    const button = (name, sign, work, kind = "plain") => el("button", { type: "button", class: kind, title: words.viewer[name], "aria-label": words.viewer[name], onclick: work }, icon(sign));
    this.buttons = {
      compare: button("compare", "compare", () => this.comparing(this.cover.hidden), "button"),
      fit: button("fit", "fit", () => this.whole()),
      pixels: button("pixels", "pixels", () => this.closer(1 / devicePixelRatio)),
      out: button("out", "out", () => this.closer((this.zoom ?? this.#fitting()) / 2)),
      in: button("in", "in", () => this.closer((this.zoom ?? this.#fitting()) * 2)),
    };
    const { compare, ...zooms } = this.buttons;
    compare.append(el("span", {}, words.viewer.compare));
    compare.hidden = true;
    this.#press();
    return [compare, el("div", { class: "zooms" }, ...Object.values(zooms))];
  }

  #press() {
    this.buttons.fit.setAttribute("aria-pressed", this.zoom === null);
    this.buttons.pixels.setAttribute("aria-pressed", this.zoom === 1 / devicePixelRatio);
  }

  #fitting() {
    return Math.min(this.stage.clientWidth / this.size[0], this.stage.clientHeight / this.size[1]);
  }

  #place_split() {
    this.frame.style.setProperty("--split", `${this.cover.hidden ? 0 : this.split.value}%`);
    this.tags[0].style.opacity = this.split.value > 15 ? 1 : 0;
    this.tags[1].style.opacity = this.split.value < 85 ? 1 : 0;
  }

  /** Puts both pictures where the centre is in the middle, as far as there is picture to fill the stage. */
  #place() {
    const room = [this.stage.clientWidth, this.stage.clientHeight];
    const sides = this.size.map((side) => side * this.zoom);
    const corners = sides.map((side, axis) => {
      if (side <= room[axis]) return (room[axis] - side) / 2;
      const corner = Math.min(0, Math.max(room[axis] - side, room[axis] / 2 - side * this.centre[axis]));
      this.centre[axis] = (room[axis] / 2 - corner) / side;
      return corner;
    });
    const values = { "--x": corners[0], "--y": corners[1], "--w": sides[0], "--h": sides[1] };
    for (const [name, value] of Object.entries(values)) this.frame.style.setProperty(name, `${value}px`);
    this.element.classList.toggle("large-pixels", this.zoom * devicePixelRatio > 1.5);
  }

  #point(event) {
    const box = this.after.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #double(event) {
    if (this.zoom) this.whole();
    else this.closer(1 / devicePixelRatio, this.#point(event));
  }

  #key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const work = {
      "+": () => this.buttons.in.click(),
      "=": () => this.buttons.in.click(),
      "-": () => this.buttons.out.click(),
      0: () => this.whole(),
      1: () => this.buttons.pixels.click(),
      c: () => this.buttons.compare.hidden || this.buttons.compare.click(),
    }[event.key];
    const on_split = event.target === this.split;
    if (work && !event.ctrlKey && !event.metaKey) work();
    else if (arrows[event.key] && this.zoom && !on_split) this.#move(arrows[event.key].map((way) => way * 60));
    else return;
    event.preventDefault();
  }

  #move([right, down]) {
    this.centre = [this.centre[0] + right / (this.size[0] * this.zoom), this.centre[1] + down / (this.size[1] * this.zoom)];
    this.#place();
  }

  /** Drags a picture that is larger than the stage; the slider keeps what is near its line. */
  #grab(event) {
    if (!this.zoom || event.button !== 0) return;
    const box = this.frame.getBoundingClientRect();
    const line = box.left + (box.width * this.split.value) / 100;
    if (event.target === this.split && Math.abs(event.clientX - line) < 30) return;
    event.preventDefault();
    let last = [event.clientX, event.clientY];
    this.frame.setPointerCapture(event.pointerId);
    const move = (moved) => {
      this.#move([last[0] - moved.clientX, last[1] - moved.clientY]);
      last = [moved.clientX, moved.clientY];
    };
    this.frame.addEventListener("pointermove", move);
    this.frame.addEventListener("lostpointercapture", () => this.frame.removeEventListener("pointermove", move), { once: true });
  }
}
