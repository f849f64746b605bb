// The gallery: what was painted, the newest first.
import words from "/words.js";
import { get, remove } from "/static/api.js";
import { byId, el, fill, icon, sure, told, when } from "/static/dom.js";
import { command, command_line, copy_button, facts, page_of, results_of, title_of } from "/static/recipe.js";

const KINDS = ["stylize", "texture", "batch", "apply"];
const SIDE = 640;

async function load() {
  const jobs = await get("/api/jobs");
  const of_pictures = jobs.filter((job) => KINDS.includes(job.kind) && ["done", "cancelled"].includes(job.state));
  of_pictures.sort((one, other) => other.created - one.created);
  const hung = of_pictures.flatMap((job) => results_of(job).map((file) => [job, file]));
  byId("empty").hidden = hung.length > 0;
  byId("count").textContent = hung.length === 1 ? words.gallery.one : hung.length ? fill(words.gallery.count, { count: hung.length }) : "";
  byId("wall").replaceChildren(...hung.map(([job, file]) => picture(job, file)));
}

function picture(job, file) {
  const title = title_of(job);
  const label = (name) => ({ title: words.gallery[name], "aria-label": `${words.gallery[name]}: ${title}` });
  return el(
    "li",
    { "data-job": job.id },
    el("a", { class: "hung", href: page_of(job) }, el("img", { src: `${file.url}?side=${SIDE}`, alt: title, loading: "lazy" })),
    el(
      "div",
      { class: "under" },
      el("p", { class: "name" }, title, el("small", {}, when(job.created))),
      el("button", { type: "button", class: "plain", onclick: () => told(() => show_recipe(job)), ...label("recipe") }, icon("recipe")),
      el("a", { class: "plain", href: `${file.url}?download`, download: "", ...label("download") }, icon("download")),
      el("button", { type: "button", class: "plain", onclick: () => told(() => delete_it(job, title)), ...label("delete") }, icon("trash")),
    ),
  );
}

async function show_recipe(job) {
  const form = await get(`/api/forms/${job.kind}`).catch(() => null);
  const line = command(job);
  const given = facts(job.settings, form);
  const again = ["stylize", "texture"].includes(job.kind) ? el("a", { class: "button", href: `/?again=${job.id}` }, icon("again"), words.job.again) : null;
  const dialog = el(
    "dialog",
    { class: "dialog" },
    el("h2", {}, title_of(job)),
    el("dl", { class: "facts" }, ...given),
    line ? el("div", { class: "command" }, command_line(line), copy_button(() => line)) : null,
    el("div", { class: "row" }, again ?? "", el("button", { type: "button", class: "button push", onclick: () => dialog.close() }, words.base.close)),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function delete_it(job, title) {
  if (!(await sure(fill(words.gallery.delete_sure, { title }), words.gallery.delete))) return;
  await remove(`/api/jobs/${job.id}`);
  await load();
}

told(load);
