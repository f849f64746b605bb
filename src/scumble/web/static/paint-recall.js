// What was chosen once: in this browser, for a job, or for a picture whose recipe tells. Each is found as
// {kind, content, styles, settings, shares, masks, protect}: pictures that are no longer here are left out.
import { get, pictureOf } from "/static/api.js";
import { debounced } from "/static/dom.js";
import { names_of } from "/static/recipe.js";

const DRAFT = "draft";

/** A picture by its id or digest, if it is on the shelf or was uploaded and is still here; else null. */
async function found(shelf, id, name) {
  const drawn = shelf.find(id);
  if (drawn) return drawn;
  const small = new Image();
  small.src = pictureOf(id, 256);
  return small.decode().then(() => ({ id, name, width: small.naturalWidth, height: small.naturalHeight }), () => null);
}

/** What made a picture, by its recipe; `missing` are names of pictures that are not here. */
export async function of_recipe(recipe, shelf) {
  const missing = [];
  const one = async (role) => {
    const input = recipe.inputs?.[role];
    const here = input ? await found(shelf, input.sha256, input.name) : null;
    if (input && !here) missing.push(input.name);
    return here;
  };
  const all = async (role) => {
    const there = [];
    for (let place = 1; recipe.inputs?.[place === 1 ? role : `${role} ${place}`]; place += 1) there.push(await one(place === 1 ? role : `${role} ${place}`));
    return there;
  };
  const content = await one("content");
  const styles = (await all("style")).filter(Boolean);
  return { kind: recipe.job, content, styles, settings: recipe.settings ?? {}, masks: await all("mask"), protect: await one("protect"), missing };
}

/** What a job was given. */
export async function of_job(id, shelf) {
  const job = await get(`/api/jobs/${encodeURIComponent(id)}`);
  const names = names_of(job);
  const all = (role) => Promise.all((job.inputs[role] ?? []).map((one, place) => found(shelf, one, names[role][place])));
  const [[content], styles, masks, [protect]] = await Promise.all(["content", "style", "mask", "protect"].map(all));
  return { kind: job.kind, content, styles: styles.filter(Boolean), settings: job.settings, masks, protect };
}

/** What was chosen when this page was last open, and paintings that were brought; null where nothing was. */
export async function of_draft(shelf) {
  const draft = JSON.parse(localStorage.getItem(DRAFT) ?? "null");
  if (!draft) return null;
  const still_here = async (picture) => (picture ? found(shelf, picture.id, picture.name) : null);
  const all = async (pictures) => (await Promise.all((pictures ?? []).map(still_here))).filter(Boolean);
  return { ...draft, content: await still_here(draft.content), styles: await all(draft.styles), own: await all(draft.own) };
}

/** Keeps what is chosen for the next time, in this browser. */
export const keep_draft = debounced((choice) => localStorage.setItem(DRAFT, JSON.stringify(choice)), 300);
