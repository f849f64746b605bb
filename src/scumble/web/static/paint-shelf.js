// The paintings: those of the shelf, those that somebody brought, which of them are chosen, and how much each counts.
import words from "/words.js";
import { pictureOf } from "/static/api.js";
import { el, fill } from "/static/dom.js";

const MOST_OWN = 9; // that somebody brought and that stay at hand
const EQUAL = 1;

/** A name without its ending. */
export const plain = (name) => name.replace(/\.\w{1,5}$/, "");

export class Shelf {
  /**
   * @param {HTMLElement} list of tiles, of which the last brings a painting of one's own.
   * @param {HTMLElement} sliders for the shares of several.
   * @param {() => void} onchange called after each change that somebody makes.
   */
  constructor(list, sliders, onchange) {
    this.list = list;
    this.sliders = sliders;
    this.onchange = onchange;
    this.drawn = []; // by scumble; paintings have "id" and "name"
    this.own = [];
    this.chosen = [];
    this.weights = {}; // by id
  }

  /** The weights of those that are chosen, in their order; null where all are equal. */
  get shares() {
    const shares = this.chosen.map(({ id }) => this.weights[id] ?? EQUAL);
    return new Set(shares).size > 1 ? shares : null;
  }

  is_chosen(painting) {
    return this.chosen.some(({ id }) => id === painting.id);
  }

  /** A painting that is drawn by scumble, by its id or its digest. */
  find(id) {
    return this.drawn.find((painting) => painting.sha256 === id || painting.id === id);
  }

  /** Chooses these and no others. */
  choose(paintings, weights = []) {
    for (const painting of paintings) this.#keep(painting);
    paintings.forEach(({ id }, place) => (this.weights[id] = weights[place] ?? EQUAL));
    this.chosen = paintings;
  }

  /** One that somebody brought: alone, or beside those that are chosen. */
  bring(painting, alone) {
    this.#keep(painting);
    if (alone) this.chosen = [];
    this.#add(painting);
  }

  /** Draws tiles and sliders; without the sliders where masks say where each painting goes, all of it. */
  draw(masked) {
    const focused = document.activeElement?.closest?.(".tile")?.dataset.id;
    for (const old of this.list.querySelectorAll(".tile:not(.own)")) old.remove();
    this.list.lastElementChild.before(...[...this.own, ...this.drawn].map((painting) => this.#tile(painting)));
    if (focused) this.list.querySelector(`[data-id="${CSS.escape(focused)}"] .pick`)?.focus();
    this.draw_shares(masked);
  }

  draw_shares(masked) {
    this.sliders.hidden = this.chosen.length < 2 || masked;
    this.sliders.replaceChildren(...(this.sliders.hidden ? [] : this.chosen.map((painting) => this.#slider(painting))));
  }

  #keep(painting) {
    if (this.drawn.includes(painting) || this.own.some(({ id }) => id === painting.id)) return;
    this.own.push(painting);
    if (this.own.length > MOST_OWN) this.own.splice(this.own.findIndex((one) => !this.is_chosen(one)), 1);
  }

  #add(painting) {
    if (!this.is_chosen(painting)) this.chosen = [...this.chosen, painting];
    this.onchange();
  }

  /** Takes one in the place of all others; one of several is put back. */
  #pick(painting) {
    const several = this.chosen.length > 1;
    this.chosen = several && this.is_chosen(painting) ? this.chosen.filter(({ id }) => id !== painting.id) : [painting];
    this.onchange();
  }

  #tile(painting) {
    const place = this.chosen.findIndex(({ id }) => id === painting.id);
    const several = this.chosen.length > 1;
    const picture = el("img", { src: pictureOf(painting.id, 256), alt: "", loading: "lazy" });
    const pick = el("button", { type: "button", class: "pick", "aria-pressed": place >= 0, title: painting.about ?? painting.name, "aria-label": painting.name, onclick: () => this.#pick(painting) }, picture);
    const number = several && place >= 0 ? el("span", { class: "number", "aria-hidden": "true" }, place + 1) : null;
    const corner = this.chosen.length && (place < 0 || several) ? this.#corner(painting, place < 0) : null;
    return el("li", { class: "tile", "data-id": painting.id }, pick, el("p", { class: "name", title: painting.name }, plain(painting.name)), number, corner);
  }

  #corner(painting, adds) {
    const label = fill(adds ? words.paint.add : words.paint.remove, { name: painting.name });
    const work = () => (adds ? this.#add(painting) : this.#pick(painting));
    return el("button", { type: "button", class: "corner", title: label, "aria-label": label, onclick: work }, adds ? "+" : "×");
  }

  #slider({ id, name }) {
    const show = () => slider.style.setProperty("--filled", `${slider.value}%`);
    const move = () => {
      this.weights[id] = Number(slider.value) / 50;
      show();
      this.onchange(true);
    };
    const value = (this.weights[id] ?? EQUAL) * 50;
    const slider = el("input", { type: "range", min: 0, max: 100, step: 5, value, "aria-label": fill(words.paint.share, { name }), oninput: move });
    show();
    return el("div", { class: "share" }, el("span", { title: name }, plain(name)), slider);
  }
}
