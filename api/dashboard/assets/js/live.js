// News by server-sent events: ids only; the page then asks. Nothing polls.
import { get, now } from "./api.js";

const GRACE = 3_000;   // a connection that comes back within it was never worth a word
const AGAIN = 20_000;

const tell = (online) => document.dispatchEvent(new CustomEvent("connection", { detail: online }));

/** `on(kind, {patient_id, id})` for each event; `on("again")` after a gap in which events may have been missed. */
export const live = (on) => {
  let source = null;
  let lost = null;
  let missed = false;
  const gone = () => { missed = true; lost ??= setTimeout(() => tell(false), GRACE); };
  const open = () => {
    source = new EventSource("/v1/events");
    source.addEventListener("open", () => {
      clearTimeout(lost);
      lost = null;
      tell(true);
      if (missed) on("again");
      missed = false;
    });
    source.addEventListener("error", () => {
      gone();
      if (source.readyState !== EventSource.CLOSED) return;
      // Refused rather than lost: a cheap question tells whether the session is over, and brings the sign-in if it is.
      get("clinic").then(() => setTimeout(open, 1_000), () => setTimeout(open, AGAIN));
    });
    for (const kind of ["flag", "record", "notification"]) {
      source.addEventListener(kind, (event) => on(kind, JSON.parse(event.data)));
    }
  };
  open();
  addEventListener("offline", gone);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { missed = true; open(); } });
};

/** Runs `task` soon after the first call, at most once per `gap`, never twice at a time. */
export const seldom = (task, gap) => {
  let due = null;
  let last = 0;
  let busy = false;
  const run = async () => {
    due = null;
    busy = true;
    try { await task(); } finally { busy = false; last = now(); }
  };
  return () => {
    if (due) return;
    due = setTimeout(() => (busy ? setTimeout(run, gap) : run()), Math.max(300, gap - (now() - last)));
  };
};
