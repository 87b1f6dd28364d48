// What an admin who cares for nobody finds in place of a caseload: the people of the clinic, without anything that patients wrote.
import { h, find, nameOf, latinOf } from "./dom.js";
import { list, whole } from "./api.js";
import { message } from "./parts.js";
import { plural } from "./words.js";

const STATE = { invited: "invited, not here yet", active: "under care", ended: "care has ended" };

const card = (id, title, empty, rows) => h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title),
  rows.length ? h("dl", { class: "facts people" }, ...rows.flatMap(([name, words]) => [h("dt", {}, ...[name].flat()), h("dd", {}, words)])) : h("p", {}, empty));

/** Draws the clinic; each list that does not arrive says so by itself. */
export const clinic = async (place) => {
  find("#headline").textContent = "Your clinic";
  find("#sub").textContent = " · what patients write is read by their care team alone";
  const [staff, patients] = await Promise.allSettled([whole("clinic/members"), list("patients")]);
  const invite = h("p", { class: "acts" }, h("a", { class: "button primary", href: "/invite" }, "Invite somebody"));
  const missing = (what) => message(`${what} did not arrive`, "Load the page again in a moment.");
  place.replaceChildren(invite, h("div", { class: "cards clinic" },
    staff.status === "fulfilled"
      ? card("staff", plural(staff.value.length, "colleague"), "Nobody yet.", staff.value.map((member) => [nameOf(member), member.roles.join(", ")]))
      : missing("The staff"),
    patients.status === "fulfilled"
      ? card("patients", plural(patients.value.length, "patient"), "Nobody yet. Invite the first one, or let a therapist do it.", patients.value.map((patient) => [[nameOf(patient), latinOf(patient)].filter(Boolean), STATE[patient.state] ?? patient.state]))
      : missing("The patients")));
};
