// Inviting a patient, and for admins a colleague. POST /v1/invitations.
import { h, find } from "./dom.js";
import { account, get, post } from "./api.js";
import { field, step } from "./sign-in-form.js";
import { fullDay } from "./words.js";
import "./shell.js";

const place = find("#invite");
const me = account.get();
const admin = me?.roles?.includes("admin");
const carer = me?.roles?.some((role) => role === "therapist" || role === "prescriber");
let carers = []; // whom an admin who treats nobody may name
let zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const zones = () => [...new Set([zone, ...(Intl.supportedValuesOf?.("timeZone") ?? [])])].sort();
const text = (id, props) => h("input", { id, name: id, autocomplete: "off", required: true, ...props });

const ROLES = [["therapist", "Therapist"], ["prescriber", "Prescriber"], ["admin", "Admin"]];
const FIELD = { "/email": "email", "/display_name": "display_name", "/time_zone": "time_zone", "/roles": "role", "/primary_member_id": "primary" };

const done = ({ expires_at: until }, name, again) => {
  place.replaceChildren(h("div", { class: "message" }, h("h2", { tabindex: -1 }, "Invited"), h("p", {}, h("bdi", { dir: "auto" }, name), ` gets an email with a link. It is good until ${fullDay(until)}.`),
    h("p", { class: "acts" }, h("button", { class: "button primary", type: "button", onclick: again }, "Invite somebody else"), h("a", { class: "button", href: "/" }, "Back to the caseload"))));
  place.querySelector("h2").focus();
};

const form = (kind) => {
  const staff = kind === "member";
  let key = crypto.randomUUID(); // one per invitation: a repeat after a lost answer invites nobody twice
  const draw = step({
    title: staff ? "A colleague" : "A patient", button: "Send invitation", working: "Sending…",
    fields: [
      field("display_name", "Name, as they write it", text("display_name", { maxlength: 200, dir: "auto" })),
      field("email", "Email", text("email", { type: "email", inputmode: "email", maxlength: 200 })),
      staff || carer ? null : field("primary", "Who accompanies them first", h("select", { id: "primary", name: "primary", required: true },
        h("option", { value: "" }, carers.length ? "Choose…" : "Nobody yet: invite a therapist or a prescriber first"), ...carers.map(({ id, display_name: name }) => h("option", { value: id, dir: "auto" }, name))), "They are told of this patient’s flags, and open them."),
      staff ? h("fieldset", { class: "field" }, h("legend", {}, "Roles"), ...ROLES.map(([id, label]) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "role", value: id }), label)))
        : field("time_zone", "Time zone where they live", h("select", { id: "time_zone", name: "time_zone" }, ...zones().map((name) => h("option", { value: name, selected: name === zone }, name.replaceAll("_", " ")))), "Reminders follow this clock; they can change it."),
    ].filter(Boolean),
    submit: async (elements, fault) => {
      const name = elements.display_name.value.trim();
      if (!name) return fault("Enter a name.", elements.display_name);
      if (!elements.email.validity.valid) return fault("Enter an email address, such as name@example.org.", elements.email);
      const roles = staff ? [...elements.role].filter(({ checked }) => checked).map(({ value }) => value) : [];
      if (staff && !roles.length) return fault("Choose at least one role.", elements.role[0]);
      if (!staff && !carer && !elements.primary.value) return fault("Choose who accompanies them first.", elements.primary);
      const body = { kind, display_name: name, email: elements.email.value.trim(), ...(staff ? { roles } : { time_zone: elements.time_zone.value, primary_member_id: carer ? me.id : elements.primary.value }) };
      try { done(await post("invitations", body, { key }), name, () => show(kind)); } catch (problem) {
        if (problem.status !== 0) key = crypto.randomUUID();
        const [first] = problem.errors;
        const element = first && elements[FIELD[first.pointer]];
        if (problem.status === 403) return fault(staff ? "Colleagues are invited by an admin." : "Patients are invited by a therapist, a prescriber or an admin.");
        if (problem.status === 409) return fault("This address has an open invitation already, under another name or from a colleague.", elements.email);
        fault(first ? `Not sent: ${first.detail}.` : problem.status === 0 ? "Not sent: no connection. What you typed stays here." : "Not sent: the server did not take it. Try again.", element?.focus ? element : null);
      }
    },
  });
  draw.classList.add("card", "invite-form");
  draw.querySelector("h1").replaceWith(h("h2", {}, staff ? "A colleague" : "A patient"));
  return draw;
};

function show(kind = "patient") {
  find("#headline").textContent = admin ? "Invite somebody" : "Invite a patient";
  const choice = admin && h("div", { class: "segmented toolbar", role: "group", "aria-label": "Whom" }, ...[["patient", "A patient"], ["member", "A colleague"]].map(([id, label]) =>
    h("button", { type: "button", "aria-pressed": String(id === kind), onclick: () => show(id) }, label)));
  place.replaceChildren(...[choice, form(kind)].filter(Boolean));
}
// Nothing on this page is live; most people live in the clinic's own zone.
find("#connection").hidden = true;
if (admin && !carer) carers = await get("clinic/members").then(({ items }) => items.filter(({ roles }) => roles.some((role) => role === "therapist" || role === "prescriber")), () => []);
zone = await get("clinic").then((clinic) => clinic.time_zone ?? zone, () => zone);
show();
