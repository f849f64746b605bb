// A few labels: begun on /labels, given on /labels/ID.
import words from "/words.js";
import { byId, el, fill, told, when } from "/static/dom.js";
import { get, post, remove } from "/static/api.js";
import { picker } from "/static/picker.js";
import { labelling } from "/static/labelling.js";

const texts = words.labels;
const id = location.pathname.split("/")[2];
const query = location.search; // ?model=ID goes with it

async function begin() {
  byId("begin").hidden = false;
  let chosen;
  const create = byId("create");
  create.addEventListener("click", async () => {
    create.disabled = true;
    create.textContent = texts.beginning;
    const made = await told(() => post("/api/labels", { data: chosen.id }));
    if (made) location.href = `/labels/${made.id}${query}`;
    create.disabled = false;
    create.textContent = texts.begin;
  });
  await Promise.all([
    picker(byId("picker"), (pictures) => {
      chosen = pictures;
      create.disabled = false;
    }),
    told(list),
  ]);
}

async function list() {
  const sets = await get("/api/labels");
  byId("sets").replaceChildren(...sets.map(entry));
  byId("earlier").hidden = sets.length === 0;
}

function entry(one) {
  const about = [when(one.created), fill(texts.entry, { labelled: one.labelled, classes: one.classes.length })];
  const gone = () => {
    if (one.labelled && !confirm(fill(texts.delete_sure, one))) return;
    told(() => remove(`/api/labels/${one.id}`).then(list));
  };
  const title = el("a", { class: "title", href: `/labels/${one.id}${query}` }, one.classes.length ? `${one.name}: ${one.classes.join(", ")}` : one.name);
  const picture = el("img", { src: `/api/labels/${one.id}/pictures/0`, alt: "", loading: "lazy" });
  return el("li", { class: "entry no-grip" }, picture, el("div", {}, title, el("div", { class: "line" }, ...about.map((text) => el("span", {}, text)))), el("button", { type: "button", class: "button danger", onclick: gone }, texts.delete));
}

if (id) labelling(id);
else begin();
