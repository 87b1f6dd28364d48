// The session is over: signing in comes over the page, so that drafts stay and the reader comes back to the same place.
import { h } from "./dom.js";
import { account } from "./api.js";
import { signIn } from "./sign-in-form.js";

export const signInAgain = async () => {
  const before = account.get();
  const from = document.activeElement;
  const steps = h("div", {});
  // What lies behind is health data in front of a screen that nobody may be watching: it is covered, not just dimmed.
  const dialog = h("dialog", { class: "dialog covering sign-in-card", "aria-label": "Sign in again" }, steps);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
  const who = await signIn(steps, { fixed: true });
  if (before && who.id !== before.id) return location.replace("/"); // somebody else: nothing of this page is theirs
  dialog.close();
  dialog.remove();
  from?.focus();
};
