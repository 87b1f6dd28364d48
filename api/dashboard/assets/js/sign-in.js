// The sign-in page: then back to where the reader wanted to go, on this site only.
import { find } from "./dom.js";
import { signIn } from "./sign-in-form.js";

const next = new URLSearchParams(location.search).get("next") ?? "/";
const there = (() => {
  try {
    const address = new URL(next, location.origin);
    return address.origin === location.origin ? address.pathname + address.search : "/";
  } catch { return "/"; }
})();
await signIn(find("#steps"));
location.replace(there);
