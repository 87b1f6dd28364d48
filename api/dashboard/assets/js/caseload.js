// The caseload: who needs a call today, and why. GET /v1/caseload, most urgent first.
import { h, find, all, hidden, nameOf, latinOf, plainName } from "./dom.js";
import { account, get, list, now } from "./api.js";
import { live, seldom } from "./live.js";
import { flagNews } from "./flag-card.js";
import { acknowledge, badge, callLink, deadline, doneLine, message, mine, shape, skeleton, untilItArrives } from "./parts.js";
import { moodMark, phqMark } from "./glance.js";
import { scaleOf } from "./instruments.js";
import { SEVERITY, ahead, fullDay, number, plural, shortDay, time, today, when } from "./words.js";
import { openFlags, pill } from "./shell.js";
import { addDays } from "./charts/scale.js";

const GROUPS = [
  { id: "today", title: "Call today", has: ["emergency", "urgent"] },
  { id: "week", title: "Look at this week", has: ["watch"], badge: "watch" },
  { id: "rest", title: "No flag waits", has: ["info", "none"] },
  { id: "new", title: "Just started", has: ["new"] },
];
/** Somebody waits for a call: a grave flag that nobody has taken on. */
const waits = ({ waiting }) => ["emergency", "urgent"].includes(waiting?.severity);
const flagged = ({ open_flags: flags }) => flags.emergency + flags.urgent + flags.watch + flags.info;
const FILTERS = [
  { id: "all", text: "Everyone", keep: () => true },
  { id: "flags", text: "With a flag", keep: (item) => flagged(item) > 0 },
  { id: "silent", text: "Silent", keep: (item) => item.silent_days !== null },
  { id: "unmeasured", text: "No PHQ-9 yet", keep: (item) => item.phq9.latest === null },
];
const groupOf = ({ urgency }) => GROUPS.find(({ has }) => has.includes(urgency)).id;

const moodCell = (item) => h("div", { class: "cell mood" }, ...moodMark(item));
const phqCell = (item) => h("div", { class: "cell phq" }, ...phqMark(item));

const lastSession = ({ dosing_days: days }) => days.length > 0 && addDays(today(), days.at(-1) - 59);
const timeCell = (item) => {
  const session = lastSession(item);
  const second = item.next_booster_on ? `Booster ${ahead(item.next_booster_on)}` : session ? `Session ${shortDay(session)}` : item.urgency === "new" ? "No session yet" : "No session for 60 days";
  return h("div", { class: "cell times" },
    h("span", {}, h("span", { class: "label" }, "Last check-in "), item.last_check_in_at ? when(item.last_check_in_at) : "none yet"),
    h("span", { class: "quiet-text" }, second));
};

const cells = (item) => [moodCell(item), phqCell(item), timeCell(item)];

const member = (who) => who && (who.member_id === account.get()?.id ? "you" : who.name);

/** Acknowledging the last flag that waits turns the card to plain paper in place; the person stays until the flag is resolved. */
const acts = (item) => {
  const { patient, waiting } = item;
  const slot = h("span", { class: "act" });
  if (waits(item)) {
    const another = waiting.flag_id !== item.flag_id;
    if (another) slot.append(h("span", { class: "quiet-text" }, `Still waits: ${waiting.title}`));
    slot.append(acknowledge({ id: waiting.flag_id, title: `${waiting.title}, ${plainName(patient)}` }, () => again(patient.id)));
    return h("div", { class: "row-acts" }, call(patient), slot, waiting.acknowledge_by && deadline(waiting.acknowledge_by, another ? null : member(item.next_in_escalation)),
      waiting.nobody_told && h("span", { class: "problem" }, "Nobody was told by mail"));
  }
  if (!item.flag_id) return h("div", { class: "row-acts" }, call(patient), doneLine("No flag waits any more"));
  slot.append(doneLine("Acknowledged", member(item.acknowledged_by), item.acknowledged_at),
    h("a", { class: "button", href: `/patients/${patient.id}#flags`, "data-act": "resolve" }, "Resolve…", hidden(` the flag of ${plainName(patient)}`)));
  return h("div", { class: "row-acts" }, call(patient), slot);
};
const call = ({ phone }) => phone && callLink(phone, { class: "button primary", "data-act": "call" }, "Call", h("span", { class: "phone" }, ` ${phone}`));

/** The other findings, each title once, two of them in words; `count` is of all the other flags. */
const also = (reasons, count) => {
  const others = reasons.map(({ text }) => text);
  const more = count - Math.min(others.length, 2);
  const words = [...others.slice(0, 2), more > 0 && (others.length ? `${plural(more, "more flag")}` : `${plural(more, "more flag")} of the same kind`)].filter(Boolean);
  return words.length > 0 && h("p", { class: "detail" }, `Also: ${words.join("; ")}`);
};

const row = (item, group) => {
  const { patient, urgency } = item;
  const level = ["none", "new"].includes(urgency) ? null : urgency;
  const [reason, ...more] = item.reasons;
  const calm = group === "today" && !waits(item);
  const tint = waits(item) ? item.waiting.severity : level;
  const element = h("li", { class: `row ${tint ? `sev-${tint}` : ""} in-${group}${calm ? " is-acknowledged" : ""}`, "data-row": patient.id });
  const who = h("div", { class: "who" },
    h("h3", {}, h("a", { href: `/patients/${patient.id}`, "data-main": true }, nameOf(patient)), latinOf(patient)),
    patient.pronouns && h("span", { class: "quiet-text" }, patient.pronouns));
  const why = h("div", { class: "why" },
    reason && h("p", { class: "reason" }, reason.text, group !== "today" && item.acknowledged_by && h("span", { class: "quiet-text" }, ` · seen by ${member(item.acknowledged_by)}`)),
    group === "today" && reason?.evidence && h("p", { class: "detail" }, reason.evidence),
    group === "today" && also(more, flagged(item) - 1),
    !waits(item) && item.waiting?.nobody_told && h("p", { class: "problem" }, `Nobody was told by mail: ${item.waiting.title}`));
  element.append(h("div", { class: "lead" }, group === "today" ? badge(level) : level && [shape(level), hidden(`${SEVERITY[level].word}: `)], who, why), ...cells(item));
  if (group === "today") element.append(acts(item));
  return element;
};

/** One person's row as the server has it now, in the place where it stands. */
const redraw = (item) => {
  const element = find(`[data-row="${CSS.escape(item.patient.id)}"]`);
  if (!element) return;
  const group = GROUPS.find(({ id }) => element.classList.contains(`in-${id}`)).id;
  const held = element.contains(document.activeElement) && (document.activeElement.dataset.act ?? "main");
  const fresh = row({ ...item, urgency: items.find(({ patient }) => patient.id === item.patient.id)?.urgency ?? item.urgency }, group);
  fresh.hidden = element.hidden;
  element.replaceWith(fresh);
  if (held) (find(`[data-act="${held}"]`, fresh) ?? find(".act [data-act]", fresh) ?? find("[data-main]", fresh)).focus();
};

/** After an act: what else waits with this person decides how the row looks. */
const again = async (id) => {
  const item = await get(`patients/${id}/standing`).catch(() => null);
  if (!item) return show();
  redraw(item);
  items = items.map((known) => (known.patient.id === id ? { ...item, urgency: known.urgency } : known));
  openFlags(items.reduce((sum, one) => sum + flagged(one), 0));
};

const headline = (items) => {
  const urgent = items.filter((item) => item.urgency === "emergency");
  const later = items.filter((item) => item.urgency === "urgent").length;
  if (!urgent.length) return [later ? `${number(later)} ${later === 1 ? "person needs" : "people need"} a call today.` : "Nobody waits for a call today."];
  return ["Call ", nameOf(urgent[0].patient), " now.", urgent.length > 1 ? ` ${number(urgent.length - 1)} more at once.` : "", later ? ` ${number(later)} more today.` : ""];
};

const place = find("#caseload");
const filters = { chosen: FILTERS[0] };
let items = [];
let loadedAt = now();

const draw = () => {
  find("#headline").replaceChildren(...headline(items));
  const watch = items.filter((item) => item.urgency === "watch").length;
  find("#sub").textContent = ` · ${plural(items.length, "person", "people")} in your care, ${watch ? number(watch).toLocaleLowerCase() : "nobody"} to look at this week`;
  openFlags(items.reduce((sum, item) => sum + flagged(item), 0));
  place.replaceChildren(...GROUPS.map(({ id, title, badge: severity }) => {
    const members = items.filter((item) => groupOf(item) === id);
    return members.length > 0 && h("section", { class: `group group-${id}`, "aria-labelledby": `group-${id}` },
      h("div", { class: "group-head" }, h("h2", { id: `group-${id}` }, title, h("span", { class: "count plain" }, String(members.length)), severity && badge(severity)),
        ...["Mood, 60 days", "PHQ-9", "Last check-in"].map((text) => h("span", { class: "column", "aria-hidden": "true" }, text))),
      h("ul", { class: "rows" }, ...members.map((item) => row(item, id))));
  }).filter(Boolean), h("p", { class: "key caseload-key" }, badge("watch"), " ", badge("info"), " Mood runs from 0 to 10 on every line, today is the right edge, the number is the 7-day mean. Ticks below are dosing sessions; a dotted line is silence. PHQ-9: ring is baseline, disc is the latest, left is lighter. A late baseline was taken after the first dosing session in the record; home doses are not counted. What that session did may be in it already."));
  find("#print-foot").textContent = `Afterglow, printed ${fullDay(today())} ${time(now().toISOString())} by ${account.get()?.display_name ?? "a member of the care team"}. Confidential.`;
};

const apply = () => {
  const asked = find("#search").value.trim().toLocaleLowerCase();
  let count = 0;
  const rows = new Map(all("[data-row]").map((element) => [element.dataset.row, element]));
  for (const item of items) {
    const text = [item.patient.display_name, item.patient.name_latin, ...item.reasons.map((reason) => reason.text)].join(" ").toLocaleLowerCase();
    const kept = filters.chosen.keep(item) && text.includes(asked);
    rows.get(item.patient.id).hidden = !kept;
    count += kept;
  }
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector("[data-row]:not([hidden])");
  find("#found").textContent = asked || filters.chosen.id !== "all" ? `${plural(count, "person", "people")} shown` : "";
  find("#nobody")?.remove();
  if (!count) place.prepend(h("div", { id: "nobody" }, message("Nobody matches", "Search looks at names and reasons. Nothing is hidden besides by this filter.")));
};
const chips = () => {
  find("#chips").replaceChildren(...FILTERS.map((option) => h("button", { type: "button", class: "chip", "aria-pressed": String(option === filters.chosen), onclick: (event) => {
    filters.chosen = option;
    for (const chip of find("#chips").children) chip.setAttribute("aria-pressed", String(chip === event.currentTarget));
    apply();
  } }, option.text, h("span", { class: "chip-count" }, ` ${items.filter(option.keep).length}`))));
};
find("#search").addEventListener("input", apply);
find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#print").addEventListener("click", () => print());

const load = async () => {
  [items] = await Promise.all([list("caseload"), scaleOf("phq-9")]);
  loadedAt = now();
  if (!items.length) {
    find("#headline").textContent = "Nobody in your care yet";
    find("#sub").textContent = " · people appear here when they accept an invitation, or when a colleague adds you to a care team";
    find("#filters").hidden = true;
    return place.replaceChildren(message("Invite the first person", "They get an email with a link. You see them here once they have said yes.", h("a", { class: "button primary", href: "/invite" }, "Invite a patient")));
  }
  find("#filters").hidden = false;
  draw();
  chips();
  apply();
};

const failed = (problem, again) => {
  find("#filters").hidden = true;
  if (problem.status === 403) return import("./clinic.js").then(({ clinic }) => clinic(place));
  find("#headline").textContent = "The caseload did not arrive";
  find("#sub").textContent = " · this says nothing about your patients; for urgent matters use the clinic’s phone list";
  place.replaceChildren(message("No answer from the server", `Tried at ${time(now().toISOString())}. Trying again every 20 seconds.`, h("button", { class: "button primary", type: "button", onclick: again }, "Try now")));
};

const show = () => untilItArrives(load, failed);
place.replaceChildren(skeleton(8));
await show();

/** New values appear in their rows; a new order or a new person waits for the reader. */
const refresh = seldom(async () => {
  const fresh = await list("caseload").catch(() => null);
  if (!fresh) return;
  const before = new Map(items.map((item) => [item.patient.id, item]));
  const moved = fresh.filter((item) => before.get(item.patient.id)?.urgency !== item.urgency);
  for (const item of fresh) {
    if (JSON.stringify(before.get(item.patient.id)) !== JSON.stringify(item)) redraw(item);
  }
  if (moved.length && !find("#fresh").hasChildNodes()) pill(moved.length === 1 ? [nameOf(moved[0].patient), " has moved in the list."] : `${plural(moved.length, "person", "people")} moved in the list.`, ask);
}, 5_000);
const ask = () => show().then(() => find("#headline").focus());

/** How far the server's clock may be from ours unnoticed, in ms: better news twice than not at all. */
const SLACK = 3_000;
live(async (kind, data) => {
  if (kind === "again" || kind === "record") return refresh();
  if (kind !== "flag" || mine.delete(data.id)) return;
  const { items: flags } = await get(`patients/${data.patient_id}/flags?limit=50`);
  const flag = flags.find(({ id }) => id === data.id);
  const person = items.find((item) => item.patient.id === data.patient_id)?.patient;
  // Of a flag that waits since before this page was loaded, the row knows: who was told of it may have changed.
  const waitsAnew = flag?.state === "open" && Date.parse(flag.waits_since) > loadedAt - SLACK;
  if (waitsAnew) pill(["New: ", ...flagNews(flag, person)], ask);
  else refresh();
});
