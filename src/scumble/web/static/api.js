// The interface, as other programs have it, too (/api tells of it).
import words from "/words.js";

/** An answer that is no success: its words are for people; `field` names the setting at fault. */
export class Refused extends Error {
  constructor(status, answer) {
    super(answer?.error ?? words.base.failed);
    this.status = status;
    this.field = answer?.field ?? null;
  }
}

/** There is no answer: the server has gone, and may come again. */
export class Unreachable extends Error {}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(words.base.unreachable);
  }
  if (response.ok) return response;
  throw new Refused(response.status, await response.json().catch(() => null));
}

async function data(response) {
  return response.status === 204 ? null : response.json();
}

export async function get(path, signal) {
  return data(await ask(path, { signal }));
}

function posting(body, signal, headers) {
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  return { method: "POST", body: body === undefined ? undefined : JSON.stringify(body), headers: { ...type, ...headers }, signal };
}

/** Posts JSON. A request with a `key` is carried out once, however often it has to be sent. */
export async function post(path, body, { signal, key } = {}) {
  return data(await ask(path, posting(body, signal, key ? { "Idempotency-Key": key } : {})));
}

/** Posts JSON and has a picture for an answer. */
export async function picture(path, body, signal) {
  return (await ask(path, posting(body, signal))).blob();
}

export async function remove(path) {
  return data(await ask(path, { method: "DELETE" }));
}

/** Uploads files, each by its name. */
export async function upload(files, signal) {
  const body = new FormData();
  for (const file of files) body.append("files", file, file.name || "pasted.png");
  return data(await ask("/api/uploads", { method: "POST", body, signal }));
}

/** The address of an uploaded picture, at most so many pixels wide or high. */
export const pictureOf = (id, side) => `/api/uploads/${encodeURIComponent(id)}?side=${side}`;

/** A text that nobody else has: a key, or the name of this page among the server's clients. */
export const unique = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
