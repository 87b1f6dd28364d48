// Accepting an invitation: a password, for staff the second step, then the way on. GET and POST /v1/invitations/{code}.
import { h, find } from "./dom.js";
import { account, ask } from "./api.js";
import { enrol, field, named, step } from "./sign-in-form.js";

const place = find("#steps");
const code = location.pathname.split("/").filter(Boolean).at(-1);
const path = `invitations/${encodeURIComponent(decodeURIComponent(code))}`;

const say = (title, ...body) => {
  place.replaceChildren(h("h1", { tabindex: -1 }, title), ...body);
  place.removeAttribute("aria-busy");
  place.querySelector("h1").focus();
};
const gone = () => say("This invitation is no longer open", h("p", {}, "It was used already, has run out after 7 days, or the address is not complete. Open the link from the mail once more, or ask the clinic for a new one."));

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const finished = {
  member: () => say("Your account is ready", h("p", {}, "You are signed in. From now on signing in asks for your password and a code of the app."), h("p", {}, h("a", { class: "button primary wide", href: "/" }, "Open the caseload"))),
  patient: () => say("Your account is ready", h("p", {}, "Open the Afterglow app on your phone and sign in with your email and this password. This window can be closed.")),
};

const accept = (invitation) => {
  const member = invitation.kind === "member";
  const least = member ? 8 : 15;
  const clinic = invitation.clinic?.name ?? invitation.clinic;
  place.replaceChildren(step({
    title: "Your invitation", button: "Accept", working: "Accepting…",
    hint: h("span", {}, h("bdi", { dir: "auto" }, clinic), member ? " invites you to its team." : " invites you. Your account belongs to you; what you write stays private until you share it."),
    fields: [
      field("password", "New password", h("input", { id: "password", name: "password", type: "password", autocomplete: "new-password", minlength: least, maxlength: 128, required: true, "aria-describedby": "password-hint" }), `At least ${least} characters. A few words in a row are good.`),
      field("repeat", "The same again", h("input", { id: "repeat", name: "repeat", type: "password", autocomplete: "new-password", required: true })),
    ],
    submit: async ({ password, repeat }, fault) => {
      if ([...password.value].length < least) return fault(`The password needs at least ${least} characters.`, password);
      if (password.value !== repeat.value) return fault("The two passwords differ. Enter the same again.", repeat);
      try {
        const { account: who, access_token: token } = await ask("POST", `${path}/accept`, { body: { password: password.value, ...(member ? { session: "cookie" } : { time_zone: zone }) } });
        if (member) {
          await enrol(place);
          account.set(await named(who));
        } else {
          await ask("POST", "auth/logout", { token }).catch(() => {}); // the app signs in by itself; this page keeps nothing
        }
        finished[invitation.kind]();
      } catch (problem) {
        if ([404, 409, 410].includes(problem.status)) return gone();
        fault(problem.errors.find(({ pointer }) => pointer === "/password")?.detail ?? (problem.status === 0 ? "No connection. Try again in a moment." : "Not accepted yet: the server did not take it. Try again in a moment."), problem.status === 422 ? password : null);
      }
    },
  }));
  place.removeAttribute("aria-busy");
  place.querySelector("input").focus();
};

try { accept(await ask("GET", path)); } catch (problem) {
  if (problem.status === 0 || problem.status >= 500) say("The invitation did not arrive", h("p", {}, "No answer from the server. The invitation stays good; load the page again in a moment."));
  else gone();
}
