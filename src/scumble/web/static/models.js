// All GANs that there are, the newest first.
import words from "/words.js";
import { byId, el, fill, told } from "/static/dom.js";
import { get } from "/static/api.js";
import { encoded } from "/static/picker.js";

const texts = words.models;

function card(model) {
  const { id, name, data, has_picture } = model;
  const address = encoded(id);
  const picture = has_picture ? el("img", { src: `/api/models/${address}/picture`, alt: "", loading: "lazy" }) : el("div", { class: "blank" });
  const about = fill(texts.about, { ...model, images: model.images_seen.toLocaleString("en") });
  return el("li", {}, el("a", { href: `/models/${address}` }, el("div", { class: "mat" }, picture), el("strong", {}, name), el("span", { class: "quiet small" }, fill(texts.of, { data }), el("br"), about)));
}

const models = await told(() => get("/api/models"));
byId("models").replaceChildren(...(models ?? []).map(card));
byId("empty").hidden = !models || models.length > 0;
