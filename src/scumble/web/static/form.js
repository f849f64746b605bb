// A form of settings, made of what /api/forms tells. A preset gives every field a default; what somebody sets himself
// stays when the preset changes, and only that is sent: the settings as they were given.
import words from "/words.js";
import { el } from "/static/dom.js";

let made = 0;

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Reads a text as numbers where it is one. */
function number_or_text(text) {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text.trim();
}

/** How the values of each type are written into a text, and read from it. Empty texts are handled before. */
const TYPES = {
  integer: { read: (text) => Number(text), write: String },
  number: { read: (text) => Number(text), write: String },
  text: { read: number_or_text, write: String },
  numbers: {
    read: (text) => text.split(/[,;\s]+/).filter(Boolean).map(Number),
    write: (values) => [values].flat().join(", "),
  },
  weights: {
    read: (text) => Object.fromEntries(text.split(",").map((pair) => pair.trim().split(/[\s=:]+/)).filter((pair) => pair[0]).map(([name, weight]) => [name, Number(weight)])),
    write: (weights) => Object.entries(weights).map(([name, weight]) => `${name} ${weight}`).join(", "),
  },
};

/** A field of a text: with a slider beside it where its description has one. */
function text_field(field, id, changed) {
  const type = TYPES[field.type];
  const numeric = ["integer", "number"].includes(field.type);
  const listed = field.words?.length ? `${id}-words` : undefined;
  const input = el("input", {
    id, type: numeric ? "number" : "text", autocomplete: "off", spellcheck: false, list: listed, min: field.minimum, max: field.maximum,
    step: field.type === "integer" ? 1 : "any", class: field.slider || numeric ? "number" : "", "aria-describedby": `${id}-help`,
  });
  const parts = [input];
  if (listed) parts.push(el("datalist", { id: listed }, ...field.words.map((word) => el("option", { value: word }))));
  const slider = field.slider && slider_of(field, input, type, changed);
  if (slider) parts.push(slider.element);
  input.addEventListener("input", () => {
    slider?.follow();
    changed();
  });
  return {
    parts,
    wide: !field.slider && !numeric,
    read: () => (input.value.trim() === "" ? undefined : type.read(input.value)),
    write: (value) => {
      input.value = value === null || value === undefined ? "" : type.write(value);
      slider?.follow();
    },
    input,
  };
}

/** The slider beside a text: what it says goes into the text, and it follows what is typed. */
function slider_of(field, input, type, changed) {
  const { minimum, maximum, step, logarithmic } = field.slider;
  const [to, from] = logarithmic ? [Math.log2, (value) => 2 ** value] : [(value) => value, (value) => value];
  const element = el("input", { type: "range", "aria-label": field.label, "aria-describedby": `${input.id}-help`, min: to(minimum), max: to(maximum), step: logarithmic ? "any" : step });
  const show = () => element.style.setProperty("--filled", `${(100 * (element.value - element.min)) / (element.max - element.min)}%`);
  element.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!move || !logarithmic) return; // a slider of any step has no step of its own for the keys
    event.preventDefault();
    element.value = Number(element.value) + move / 8;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  });
  element.addEventListener("input", () => {
    const value = Number((Math.round(from(Number(element.value)) / step) * step).toFixed(4));
    input.value = value;
    element.setAttribute("aria-valuetext", value);
    show();
    changed();
  });
  const follow = () => {
    const value = [type.read(input.value)].flat()[0];
    if (Number.isFinite(value) && value > 0 | !logarithmic) element.value = to(value);
    element.setAttribute("aria-valuetext", input.value);
    show();
  };
  return { element, follow };
}

/** A choice: of few, all side by side; of many, a list. */
function choice_field(field, id, changed) {
  const choices = field.optional ? [{ value: null, label: "–" }, ...field.choices] : field.choices;
  const known = (text) => choices.find(({ value }) => String(value) === text)?.value;
  if (choices.length > 4 || choices.some(({ label }) => label.length > 11)) {
    const select = el("select", { id, "aria-describedby": `${id}-help`, onchange: changed }, ...choices.map(({ value, label }) => el("option", { value: String(value) }, label)));
    return { parts: [select], wide: true, read: () => known(select.value), write: (value) => (select.value = String(value)), input: select };
  }
  const radios = choices.map(({ value }) => el("input", { type: "radio", name: id, value: String(value), onchange: changed }));
  const group = el("div", { class: "choices", role: "radiogroup", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-help` }, ...radios.map((radio, place) => el("label", {}, radio, choices[place].label)));
  return {
    parts: [group],
    wide: true,
    group: true,
    read: () => known(radios.find((radio) => radio.checked)?.value),
    write: (value) => radios.forEach((radio) => (radio.checked = radio.value === String(value))),
    input: radios[0],
  };
}

function switch_field(field, id, changed) {
  const input = el("input", { id, type: "checkbox", "aria-describedby": `${id}-help`, onchange: changed });
  return { parts: [input], read: () => input.checked, write: (value) => (input.checked = Boolean(value)), input };
}

export class Form {
  /**
   * @param {HTMLElement} element that is filled.
   * @param {object} description what /api/forms/KIND tells.
   * @param {() => void} [onchange] called after each change that somebody makes.
   * @param {string[]} [without] names of fields that the page has something better for.
   */
  constructor(element, description, onchange = () => {}, without = []) {
    this.presets = description.presets;
    this.only = description.only ?? {}; // by some presets, the names of all fields that count
    this.onchange = onchange;
    this.given = {}; // by name, what somebody set himself
    this.fields = new Map();
    this.groups = []; // those that are folded
    const groups = description.groups
      .map((group) => ({ ...group, fields: group.fields.filter((field) => !without.includes(field.name)) }))
      .filter((group) => group.fields.length);
    const open = groups.filter((group) => !group.folded);
    const folded = groups.filter((group) => group.folded);
    element.replaceChildren(...open.map((group) => this.#group(group)));
    if (folded.length) {
      this.groups = folded.map((group) => el("details", {}, el("summary", {}, group.title), this.#group(group)));
      element.append(el("details", { class: "more" }, el("summary", {}, words.paint.more), ...this.groups));
    }
    this.#fill();
  }

  /** What was given: the preset, and what somebody set to another value than the preset has. */
  values() {
    const given = Object.entries(this.given).filter(([name, value]) => this.#counts(name) && !same(value, this.#default(name)));
    return Object.fromEntries(given);
  }

  /** The value that holds for a field, given or not. */
  value(name) {
    return name in this.given ? this.given[name] : this.#default(name);
  }

  /** Sets what is given, and nothing else: the settings of a job or of a recipe. What has no field here is left out. */
  set(values) {
    const fits = (name, value) => this.fields.get(name)?.field.choices?.some((choice) => choice.value === value) ?? this.fields.has(name);
    const known = Object.entries(values).filter(([name, value]) => fits(name, value));
    this.given = Object.fromEntries(known);
    this.given = this.values(); // what is as usual was not given
    this.#fill();
  }

  /** Back to the preset. */
  reset() {
    this.given = "preset" in this.given ? { preset: this.given.preset } : {};
    this.#fill();
    this.onchange();
  }

  /** Says what is wrong with a field; without a name, that nothing is. Tells whether there is such a field. */
  wrong(name, message, show = false) {
    for (const { element, help, field } of this.fields.values()) {
      element.classList.remove("wrong");
      help.textContent = field.help;
    }
    const found = this.fields.get(String(name).replaceAll("-", "_"));
    if (!found) return false;
    found.element.classList.add("wrong");
    found.help.textContent = message.replace(/^[\w-]+: /, ""); // which begins with the field's name
    if (!show) return true;
    for (let inside = found.element.closest("details"); inside; inside = inside.parentElement.closest("details")) inside.open = true;
    found.control.input.focus();
    return true;
  }

  #group(group) {
    return el("div", { class: "group" }, ...group.fields.map((field) => this.#field(field)));
  }

  #field(field) {
    const id = `field-${(made += 1)}-${field.name}`;
    const makers = { choice: choice_field, boolean: switch_field };
    const control = (makers[field.type] ?? text_field)(field, id, () => this.#changed(field.name));
    const dot = el("span", { class: "changed", hidden: true });
    const label = control.group ? el("span", { class: "label", id: `${id}-label` }, field.label, dot) : el("label", { for: id }, field.label, dot);
    const help = el("p", { class: "help", id: `${id}-help` }, field.help);
    const element = el("div", { class: control.wide ? "field wide" : "field", "data-name": field.name }, label, ...control.parts, help);
    this.fields.set(field.name, { field, control, dot, element, help });
    return element;
  }

  #counts(name) {
    return this.only[this.value("preset")]?.includes(name) ?? true;
  }

  #default(name) {
    const preset = name === "preset" ? undefined : this.presets[this.value("preset")];
    return preset && name in preset ? preset[name] : this.fields.get(name)?.field.default;
  }

  #changed(name) {
    const value = this.fields.get(name).control.read();
    if (value === undefined) delete this.given[name];
    else this.given[name] = value;
    if (name === "preset") this.#fill(name);
    this.#mark();
    this.onchange();
  }

  #fill(but) {
    for (const [name, { control }] of this.fields) if (name !== but) control.write(this.value(name));
    this.#mark();
  }

  #mark() {
    for (const [name, { dot, element }] of this.fields) {
      dot.hidden = name === "preset" || same(this.value(name), this.#default(name));
      element.hidden = !this.#counts(name);
    }
    for (const group of this.groups) group.hidden = ![...group.querySelectorAll(".field")].some((field) => !field.hidden);
  }
}
