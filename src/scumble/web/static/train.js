// Training: first the choice of pictures, what is in them and the settings; with ?job=ID, how a training goes.
import words from "/words.js";
import { byId } from "/static/dom.js";
import { setup } from "/static/train-setup.js";
import { watch } from "/static/train-watch.js";

const job = new URLSearchParams(location.search).get("job");
byId("setup").hidden = Boolean(job);
byId("watch").hidden = !job;
document.title = `${job ? words.train.watch.title : words.train.title} · scumble`;
if (job) watch(job);
else setup();
