// The steps of signing in, wherever they are shown: what you know, what you have, and setting up the second factor the first time.
import { h } from "./dom.js";
import { account, ask } from "./api.js";

/** A labelled field with its hint. */
export const field = (id, label, input, hint) =>
  h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("p", { id: `${id}-hint`, class: "hint" }, hint));
export const codeField = (id) => field(id, "Code", h("input", { id, name: "code", class: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 6, pattern: "[0-9]{6}", required: true }));

const CODE = "The code has six digits. It changes every 30 seconds; use the one shown now.";
const trouble = (problem) => {
  if (problem.status === 0) return "No connection. Your entries stay here; try again in a moment.";
  if (problem.status === 429) return `Too many attempts. Wait ${problem.retryAfter || 10} seconds, then try again.`;
  if (problem.status === 401) return "Email and password do not belong together. Check both; capital letters count.";
  return "The server could not answer. Try again in a moment.";
};

/** A form that says what is wrong by itself, keeps its button's width, and sends once at a time. */
export const step = ({ title, hint, fields, button, working, links, submit }) => {
  const problem = h("p", { class: "problem", role: "alert" });
  const send = h("button", { class: "button primary wide", type: "submit" }, button);
  const heading = h("h1", { tabindex: -1 }, title);
  const form = h("form", { novalidate: true }, heading, hint && h("p", { class: "hint" }, hint), problem, ...fields, send, links);
  const fault = (text, element) => {
    problem.textContent = text;
    element?.setAttribute("aria-invalid", "true");
    (element ?? send).focus();
  };
  form.addEventListener("input", (event) => event.target.removeAttribute("aria-invalid"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-disabled")) return;
    problem.textContent = "";
    send.setAttribute("aria-disabled", "true");
    send.textContent = working;
    try { await submit(form.elements, fault); } finally {
      send.removeAttribute("aria-disabled");
      send.textContent = button;
    }
  });
  return form;
};
const put = (place, form, focus = "input") => {
  place.replaceChildren(form);
  place.removeAttribute("aria-busy");
  (form.querySelector(focus) ?? form.querySelector("h1"))?.focus();
};

/** Shows the secret once, and asks for a code that proves it was kept. */
export const enrol = (place) => new Promise((done, failed) => {
  ask("POST", "auth/mfa", { body: {} }).then(({ secret, uri }) => {
    const form = step({
      title: "Set up the second step", button: "Confirm", working: "Confirming…",
      hint: "Staff accounts need a code besides the password. Add this account to an authenticator app, then enter the code it shows.",
      fields: [
        h("div", { class: "field" }, h("span", { class: "field-name", id: "secret-label" }, "Key for the app"), h("p", { class: "secret", "aria-labelledby": "secret-label", translate: "no" }, secret.match(/.{1,4}/g).join(" "))),
        h("p", {}, h("a", { href: uri.startsWith("otpauth:") ? uri : "#" }, "Open in an app on this device")),
        codeField("new-code"),
      ],
      submit: async ({ code }, fault) => {
        if (!code.validity.valid) return fault(CODE, code);
        try { await ask("POST", "auth/mfa/confirm", { body: { otp: code.value } }); } catch (problem) {
          return fault(problem.status === 0 || problem.status === 429 || problem.status >= 500 ? trouble(problem) : "This code does not fit. Check that the app has this key, and that the device’s clock is right.", code);
        }
        done();
      },
    });
    put(place, form);
  }, failed);
});

/** An account with the name its member goes by in the clinic. */
export const named = async (who) => {
  const { items } = await ask("GET", "clinic/members");
  return { ...who, display_name: items.find(({ id }) => id === who.id)?.display_name };
};

const theirs = (place) => {
  place.replaceChildren(h("h1", { tabindex: -1 }, "Your Afterglow is the app"),
    h("p", {}, "This page is where your care team works. Everything that is yours, your journal, check-ins, reminders and who looked, is in the app on your phone. The same email and password open it."),
    h("p", { class: "hint" }, "You are not signed in here, and nothing was changed."));
  place.querySelector("h1").focus();
};

/** Asks until somebody of the staff is signed in; answers with the account. `fixed`: only this account may come back. */
export const signIn = (place, { fixed } = {}) => new Promise((done) => {
  let entered = null;
  const login = (otp) => ask("POST", "auth/login", { body: { ...entered, ...(otp && { otp }), session: "cookie" } });
  const signedIn = async ({ account: who }) => {
    if (who.kind === "patient") {
      await ask("POST", "auth/logout", {}).catch(() => {});
      account.forget();
      return theirs(place);
    }
    const member = await named(who).catch(async (problem) => {
      if (problem.type !== "second-factor-required") return who;
      await enrol(place); // a first sign-in opens nothing else
      return named(who).catch(() => who);
    });
    account.set(member);
    entered = null;
    done(member);
  };
  const first = () => put(place, step({
    title: fixed ? "Sign in again" : "Sign in", button: "Continue", working: "Checking…",
    hint: fixed ? "The session has ended. The page behind this stays as it is, and what you typed with it." : null,
    fields: [
      field("email", "Work email", h("input", { id: "email", name: "email", type: "email", autocomplete: "username", inputmode: "email", required: true, value: entered?.email })),
      field("password", "Password", h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true })),
    ],
    submit: async ({ email, password }, fault) => {
      if (!email.validity.valid || !password.value) return fault("Enter your work email and your password.", email.validity.valid ? password : email);
      entered = { email: email.value.trim(), password: password.value };
      try { await signedIn(await login()); } catch (problem) {
        if (problem.type === "second-factor-required") return second();
        fault(trouble(problem), problem.status === 401 ? password : null);
      }
    },
  }));
  const second = () => put(place, step({
    title: "One more step", button: "Sign in", working: "Signing in…", hint: "Enter the six digits from your authenticator app. Staff accounts always need this.",
    fields: [codeField("code")],
    links: h("p", {}, h("button", { class: "button quiet", type: "button", onclick: first }, "Back")),
    submit: async ({ code }, fault) => {
      if (!code.validity.valid) return fault(CODE, code);
      try { await signedIn(await login(code.value)); } catch (problem) {
        fault(problem.status === 401 ? "This code does not fit, or was used already. Wait for the next one." : trouble(problem), code);
      }
    },
  }));
  first();
});
