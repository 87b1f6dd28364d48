// The one way to /v1: the cookie session, problems as errors, the server's clock, sign-in over the page when the session is over.

/** What went wrong, as the server said it (RFC 9457); `status` 0 is no answer at all. */
export class Problem extends Error {
  constructor(status, body = {}, retryAfter = 0) {
    super(body.detail ?? body.title ?? "No answer");
    this.status = status;
    this.type = String(body.type ?? "").split("/").at(-1);
    this.errors = body.errors ?? [];
    this.current = body.current;
    this.retryAfter = retryAfter;
  }
}

let skew = 0;
/** The server's now: a clinic's clocks must not hang on a laptop's. */
export const now = () => new Date(Date.now() + skew);

/** Who signed in on this browser: ids and roles only, never a token (that is a cookie no script can read). */
export const account = {
  get: () => { try { return JSON.parse(localStorage.getItem("account")); } catch { return null; } },
  set: (value) => localStorage.setItem("account", JSON.stringify(value)),
  forget: () => { localStorage.removeItem("account"); sessionStorage.clear(); },
};

const tell = (online) => document.dispatchEvent(new CustomEvent("connection", { detail: online }));

/** One request, once. `token`: a bearer token in place of the cookie. */
export const ask = async (method, path, { body, key, match, token } = {}) => {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  if (match) headers["if-match"] = match;
  if (token) headers.authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(`/v1/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: token ? "omit" : "same-origin" });
  } catch {
    tell(false);
    throw new Problem(0);
  }
  const served = Date.parse(answer.headers.get("date"));
  if (served) skew = Math.abs(served - Date.now()) > 2_000 ? served - Date.now() : 0;
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  throw new Problem(answer.status, await answer.json().catch(() => ({})), Number(answer.headers.get("retry-after")) || 0);
};

const needsSignIn = ({ status, type }) => status === 401 || (status === 403 && type === "second-factor-required");

let shown = false;
let renewing = null;
const renew = async () => {
  // Nothing on the page yet: the sign-in page is the plainer way. Otherwise it comes over the page, and drafts stay.
  if (!shown) {
    const back = location.pathname + location.search;
    location.replace(back === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(back)}`);
    return new Promise(() => {});
  }
  const { signInAgain } = await import("./again.js");
  return signInAgain();
};

/** A request that outlives the session: it waits for the sign-in and is then sent again. */
export const call = async (method, path, options) => {
  try {
    const answer = await ask(method, path, options);
    shown = true;
    return answer;
  } catch (problem) {
    if (!needsSignIn(problem)) throw problem;
    renewing ??= renew().finally(() => { renewing = null; });
    await renewing;
    return call(method, path, options);
  }
};
export const get = (path) => call("GET", path);
export const post = (path, body = {}, options = {}) => call("POST", path, { body, ...options });

/** Every page of a list, up to `most` items. */
export const list = async (path, most = 2_000) => {
  const items = [];
  let cursor = null;
  do {
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return items;
};

/** A list that comes in one piece: it takes no page. */
export const whole = async (path) => (await get(path)).items;

/** Ends the session here and on the server; other tabs notice by the forgotten account. */
export const signOut = async () => {
  await ask("POST", "auth/logout", {}).catch(() => {});
  account.forget();
  location.replace("/sign-in");
};
