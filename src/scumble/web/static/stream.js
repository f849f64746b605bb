// Server-sent events while somebody looks: a hidden page lets go of its connection, of which a browser has only six
// for all of its windows, and takes up where it was when it is looked at again.

const AGAIN_AFTER = 3000; // milliseconds, where the server refused

/**
 * Follow a stream.
 * @param {string} url of the stream.
 * @param {(message: object, id: string) => void} onmessage what to do with each message, which is JSON.
 * @param {() => void} [onend] what to do when the stream says that it is at its end.
 * @param {number} [after] the number of the last message that is known already.
 * @returns {() => void} a function that stops it.
 */
export function follow(url, onmessage, onend, after = 0) {
  let source = null;
  let retry;
  let last = after || "";
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(last ? `${url}?after=${encodeURIComponent(last)}` : url);
    source.addEventListener("message", (event) => {
      last = event.lastEventId || last;
      onmessage(JSON.parse(event.data), last);
    });
    source.addEventListener("end", () => {
      close();
      onend?.();
    });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      let_go();
      retry = setTimeout(open, AGAIN_AFTER);
    });
  };
  const let_go = () => {
    clearTimeout(retry);
    source?.close();
    source = null;
  };
  const seen = () => (document.hidden ? let_go() : open());
  const close = () => {
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("pageshow", seen);
    let_go();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", let_go);
  addEventListener("pageshow", seen); // a page that somebody comes back to may never have been left, for the browser
  open();
  return close;
}
