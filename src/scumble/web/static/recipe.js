// What a job was told, for people: its settings by their names, and the command line that does the same.
import words from "/words.js";
import { el, icon } from "/static/dom.js";

const COMMANDS = { stylize: "stylize", texture: "texture", train: "gan train", check: "gan check" };
const ROLES = { mask: "--mask", "content-map": "--content-map", "style-map": "--style-map", protect: "--protect", labels: "--labels" };

/** A word as a shell takes it. */
const quoted = (word) => (/^[\w./:,=+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function flag(name, value) {
  const long = `--${name.replaceAll("_", "-")}`;
  if (value === null || value === false) return [];
  if (value === true) return [long];
  if (Array.isArray(value)) return [long, value.join(",")];
  if (typeof value === "object") return Object.entries(value).flatMap(([key, one]) => [`${long}.${key}`, String(one)]);
  return [long, String(value)];
}

/** The names of a job's inputs, by role, as people gave them. */
export function names_of(job) {
  const named = Object.entries(job.inputs).map(([role, ids]) => [role, ids.map((id, place) => (job.names?.[role]?.[place] || id).replace(/^builtin:/, ""))]);
  return Object.fromEntries(named);
}

/** The command line that does what a job does; null where there is none. */
export function command(job) {
  if (!(job.kind in COMMANDS)) return null;
  const inputs = names_of(job);
  const plain = ["content", "style", "data"].flatMap((role) => inputs[role] ?? []);
  const flags = Object.entries(ROLES).flatMap(([role, name]) => (inputs[role] ?? []).flatMap((file) => [name, file]));
  const settings = Object.entries(job.settings).flatMap(([name, value]) => flag(name, value));
  return ["scumble", ...COMMANDS[job.kind].split(" "), ...[...plain, ...flags, ...settings].map(quoted)].join(" ");
}

/** A command line as lines that end between its words. */
export const command_line = (text) => el("code", {}, ...text.split(" ").flatMap((word, place) => (place ? [" ", el("span", {}, word)] : [el("span", {}, word)])));

/** Settings as they were given, each by the name that its form has. */
export function facts(settings, form) {
  const fields = new Map(form?.groups.flatMap((group) => group.fields).map((field) => [field.name, field]) ?? []);
  const shown = (name, value) => fields.get(name)?.choices?.find((choice) => choice.value === value)?.label ?? text_of(value);
  const preset = fields.has("preset") ? { preset: fields.get("preset").default } : {};
  return Object.entries({ ...preset, ...settings }).flatMap(([name, value]) => [el("dt", {}, fields.get(name)?.label ?? name), el("dd", {}, shown(name, value))]);
}

/** Any plain value as a line of text. */
export function text_of(value) {
  if (typeof value === "number") return Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(4)));
  if (Array.isArray(value)) return value.map(text_of).join(", ");
  if (value && typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} ${text_of(one)}`).join(", ");
  return String(value ?? "–");
}

/** A button that copies a text. */
export function copy_button(text) {
  const said = el("span", { class: "unseen", role: "status" });
  const button = el("button", { type: "button", class: "plain", title: words.job.copy, "aria-label": words.job.copy }, icon("copy"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    button.replaceChildren("✓");
    said.textContent = words.job.copied;
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      said.textContent = "";
    }, 2000);
  });
  return el("span", {}, button, said);
}

/** Where a job is looked at. */
export const page_of = (job) => (job.kind === "train" ? `/train?job=${job.id}` : `/jobs/${job.id}`);

/** A job's title; those that nobody gave one are called by their kind. */
export const title_of = (job) => (job.title && job.title !== job.kind ? job.title : (words.job.kinds[job.kind] ?? job.kind));

const is_picture = (file) => /\.(png|jpe?g|webp|gif|tiff?)$/i.test(file.name);

/** The pictures that a job has made. */
export const results_of = (job) => job.files.filter((file) => file.kind === "result" && is_picture(file));

/** The file that shows best what a job has made so far: of many results, the newest; undefined where there is none. */
export function picture_of(job) {
  const preview = job.files.find(({ kind }) => kind === "preview");
  const [result] = results_of(job);
  return ["stylize", "texture"].includes(job.kind) ? (result ?? preview) : (preview ?? result);
}
