// Choosing pictures: sets that are at hand, an archive that is dropped, or a folder of this machine.
import words from "/words.js";
import { el, fill, icon, told } from "/static/dom.js";
import { get, remove } from "/static/api.js";

const texts = words.data;

/**
 * Fill an element with what can be chosen.
 * @param {HTMLElement} element that is filled.
 * @param {(chosen: {id: string, name: string}) => void} onchoose called with each choice.
 */
export async function picker(element, onchoose) {
  const sets = el("div", { class: "sets" });
  const folder = el("div", { class: "folder", hidden: true });
  element.replaceChildren(sets, folder);
  const chosen = ({ id, name }) => {
    for (const button of sets.querySelectorAll("button.set")) button.setAttribute("aria-pressed", String(`${id}/`.startsWith(`${button.dataset.id}/`)));
    onchoose({ id, name });
  };
  const show = async () => {
    const { sets: found, roots } = await get("/api/data");
    const gone = (one) => confirm(fill(texts.remove_sure, one)) && told(() => remove(`/api/data/${encoded(one.id)}`).then(show));
    const tiles = found.map((one) => {
      const made = tile(one, one.about, () => chosen(one));
      if (!one.id.startsWith("zip:")) return made;
      const label = fill(texts.remove, one);
      const button = el("button", { type: "button", class: "plain", title: label, "aria-label": label, onclick: () => gone(one) }, icon("trash"));
      return el("div", { class: "own-set" }, made, button);
    });
    const places = roots.map((one) => tile(one, texts.folders, () => told(() => browse(folder, one.id, chosen))));
    const help = roots.length ? [] : [el("p", { class: "small quiet" }, texts.no_folders)];
    sets.replaceChildren(...tiles, ...places, upload_tile(show, chosen), ...help);
  };
  await told(show);
}

function tile({ id, name }, about, onclick) {
  return el("button", { type: "button", class: "set", "data-id": id, "aria-pressed": "false", onclick }, el("strong", {}, name), el("span", {}, about));
}

function upload_tile(show, chosen) {
  const input = el("input", { type: "file", accept: ".zip", class: "unseen" });
  const text = el("span", {}, texts.drop_more);
  const label = el("label", { class: "set upload" }, input, el("strong", {}, texts.drop), text);
  const send = (file) =>
    told(async () => {
      text.textContent = fill(texts.uploading, { name: file.name });
      try {
        const made = await send_archive(file);
        await show();
        chosen(made);
      } finally {
        text.textContent = texts.drop_more;
      }
    });
  input.addEventListener("change", () => input.files[0] && send(input.files[0]));
  label.addEventListener("dragover", (event) => event.preventDefault());
  label.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) send(event.dataTransfer.files[0]);
  });
  return label;
}

async function send_archive(file) {
  const body = new FormData();
  body.append("files", file, file.name);
  const response = await fetch("/api/data", { method: "POST", body });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? words.base.failed);
  return answer;
}

/** Shows what lies in a folder. */
async function browse(element, id, chosen) {
  const found = await get(`/api/data/${encoded(id)}`);
  const go = (to) => () => told(() => browse(element, to, chosen));
  const line = (entry, name, onclick) => el("li", {}, el("button", { type: "button", class: "place", onclick }, icon(name), entry.name));
  const up = found.up && el("button", { type: "button", class: "plain", title: texts.up, "aria-label": texts.up, onclick: go(found.up) }, icon("up"));
  const more = found.left_out ? [el("li", { class: "small quiet" }, fill(texts.left_out, { count: found.left_out }))] : [];
  element.replaceChildren(
    el("div", { class: "row" }, up, el("h3", {}, found.name), el("button", { type: "button", class: "button push", onclick: () => chosen(found) }, texts.use)),
    el("p", { class: "small quiet" }, found.pictures ? fill(texts.holds, { count: found.pictures.toLocaleString("en") }) : texts.holds_below),
    el("ul", { class: "places" }, ...found.folders.map((one) => line(one, "folder", go(one.id))), ...found.files.map((one) => line(one, "archive", () => chosen(one))), ...more),
  );
  element.hidden = false;
}

/** An id as it stands in an address: its slashes stay. */
export const encoded = (id) => id.split("/").map(encodeURIComponent).join("/");
