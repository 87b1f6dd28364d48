// One flag with its evidence, its clock and its acts: acknowledge, resolve with an outcome, reopen with a reason.
import { h, find, nameOf, latinOf, plainName } from "./dom.js";
import { account, post } from "./api.js";
import { acknowledge, badge, callLink, deadline, doneLine, mine, notSaved, quote } from "./parts.js";
import { OUTCOME, RESOURCE, plainWords, when, whenTheirs } from "./words.js";

const evidence = (item) => h("li", {},
  h("span", { class: "evidence-what" }, RESOURCE[item.resource] ?? plainWords(item.resource), h("span", { class: "quiet-text" }, ` ${whenTheirs(item.occurred_at, item.time_zone)}`)),
  h("span", {}, item.quote && quote(item.quote), item.quote && item.detail && " ", item.detail,
    item.since && h("span", { class: "quiet-text" }, ` ${SINCE[item.since] ?? plainWords(item.since)}`)));

const SINCE = { corrected: "Since corrected by the patient.", deleted: "Since deleted." };

/** Who is next in line if nobody takes it on: the first who was not told, as the caseload says it. */
const nextOf = (flag) => {
  const step = flag.escalation.find(({ state }) => state === "waiting");
  return step && (step.member_id === account.get()?.id ? "you" : step.name);
};
/** Who should have been told and was not, and who was instead: an address refuses mail, or its member is gone. */
const unreached = ({ escalation, state }) => {
  const names = (how) => escalation.filter((step) => step.state === how).map((step) => (step.member_id === account.get()?.id ? "you" : step.name)).join(", ");
  const [missed, told] = [names("not-reached"), names("told")];
  return state === "open" && missed && h("p", { class: told ? "note" : "problem", "data-unreached": true },
    h("strong", {}, told ? "Not everybody was told of this flag by mail." : "Nobody has been told of this flag by mail since it began to wait."),
    ` Not reached: ${missed}.`, told && ` Told instead: ${told}.`);
};
/** Who was told and who is next, anew on a card that stands: nothing else moves, least of all what is being typed. */
export const showTold = (card, flag) => {
  find("[data-unreached]", card)?.remove();
  find(".evidence", card).after(...[unreached(flag)].filter(Boolean));
  if (flag.acknowledge_by) find(".deadline", card)?.replaceWith(deadline(flag.acknowledge_by, nextOf(flag)));
};
const by = (member) => member && (member.member_id === account.get()?.id ? "you" : member.name);

const field = (id, label, input, hint) => h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("p", { id: `${id}-hint`, class: "hint" }, hint));

/** What was typed into a form, by its path: it outlives a redrawn card. */
const drafts = new Map();

/** A form in place: what was typed stays until the server has said yes. */
const formIn = (foot, { fields, submit, working, keep, check, path, flag, redraw, match }, focus) => {
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { class: "button primary", type: "submit" }, submit);
  const opener = document.activeElement;
  const close = () => { drafts.delete(path); form.remove(); opener?.focus(); };
  const form = h("form", { class: "resolve", novalidate: true }, ...fields, problem, h("div", { class: "acts" }, button, h("button", { class: "button quiet", type: "button", onclick: close }, keep)));
  form.addEventListener("input", () => drafts.set(path, Object.fromEntries(new FormData(form))));
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    const { fault, element, body } = check(form.elements);
    if (fault) {
      problem.textContent = fault;
      element.setAttribute("aria-invalid", "true");
      element.focus();
      return;
    }
    button.setAttribute("aria-disabled", "true");
    button.textContent = working;
    try {
      mine.add(flag.id);
      const answer = await post(path, body, { match });
      drafts.delete(path);
      redraw(answer);
    } catch (failed) {
      if (failed.status === undefined) throw failed;
      mine.delete(flag.id);
      if (failed.status === 412 && failed.current) {
        redraw(failed.current, "Not saved: something new came to this flag meanwhile. Look at it first; what you typed stays here.");
        return;
      }
      problem.textContent = `${notSaved(failed)} What you typed stays here.`;
      button.removeAttribute("aria-disabled");
      button.textContent = submit;
      button.focus();
    }
  });
  for (const [name, value] of Object.entries(drafts.get(path) ?? {})) form.elements[name].value = value;
  foot.append(form);
  if (focus) form.querySelector("select, input, textarea").focus();
};

const resolveForm = (foot, flag, redraw, focus = true) => {
  const [outcome, note] = [`${flag.id}-outcome`, `${flag.id}-note`];
  formIn(foot, {
    flag, redraw, match: `"${flag.version}"`, path: `flags/${flag.id}/resolve`, submit: "Resolve flag", working: "Resolving…", keep: "Keep it open",
    fields: [
      field(outcome, "Outcome", h("select", { id: outcome, name: "outcome", required: true }, h("option", { value: "" }, "Choose one"), ...Object.entries(OUTCOME).map(([code, text]) => h("option", { value: code }, text)))),
      field(note, "Note for the record", h("textarea", { id: note, name: "note", rows: 3, maxlength: 4000, "aria-describedby": `${note}-hint` }), "The care team reads this. The patient can ask for it."),
    ],
    check: (elements) => (elements.outcome.value
      ? { body: { outcome: elements.outcome.value, ...(elements.note.value.trim() && { note: elements.note.value }) } }
      : { fault: "Choose an outcome, so that the next reader knows what happened.", element: elements.outcome }),
  }, focus);
};

const reopenForm = (foot, flag, redraw, focus = true) => {
  const reason = `${flag.id}-reason`;
  formIn(foot, {
    flag, redraw, path: `flags/${flag.id}/reopen`, submit: "Reopen flag", working: "Reopening…", keep: flag.state === "resolved" ? "Keep it resolved" : "Keep it",
    fields: [field(reason, "Reason, for the record", h("input", { id: reason, name: "reason", maxlength: 4000, required: true, autocomplete: "off" }))],
    check: (elements) => (elements.reason.value.trim() ? { body: { reason: elements.reason.value } } : { fault: "Write why, so that the next reader knows.", element: elements.reason }),
  }, focus);
};

/** What somebody wrote, in lines of its own. */
const written = (text) => h("p", { class: "note", dir: "auto" }, text);
const reopenedLine = ({ at, by: who, reason, record_id: record }) => [
  h("p", {}, record ? `Reopened by new evidence, ${when(at)}.` : `Reopened by ${by(who)}, ${when(at)}:`), !record && written(reason)];
const round = (one) => h("li", {},
  one.acknowledged_at && h("p", {}, `Acknowledged by ${by(one.acknowledged_by)}, ${when(one.acknowledged_at)}.`),
  one.resolved_at && h("p", {}, `Resolved by ${by(one.resolved_by)}, ${when(one.resolved_at)}: ${OUTCOME[one.outcome] ?? plainWords(one.outcome)}.`),
  one.note && written(one.note), ...reopenedLine(one.reopened).filter(Boolean));
const rounds = (list) => h("ul", { class: "plain-list" }, ...list.map(round));

/** What was done about a flag before it was last opened again, in order of time: the last time in sight, what was before it
    behind a line; and whether its clock was set anew since. */
const before = ({ earlier_rounds: list, opened_at, state, waits_since }) => {
  const opened = list.at(-1)?.reopened.at ?? opened_at;
  const older = list.slice(0, -1);
  return [
    list.length > 0 && h("div", { class: "flag-before", role: "group", "aria-label": "Before this flag was opened again" },
      older.length > 0 && h("details", { class: "as-table" }, h("summary", {}, `${older.length} earlier ${older.length === 1 ? "round" : "rounds"}`), rounds(older)),
      rounds(list.slice(-1))),
    state === "open" && waits_since !== opened && h("p", { class: "quiet-text" }, "New evidence came; its clock runs anew."),
  ].filter(Boolean);
};

/** Where a clock of today runs, calling comes first. */
const call = ({ severity, state }, person) => person?.phone && state === "open" && ["emergency", "urgent"].includes(severity)
  && callLink(person.phone, { class: "button primary", "data-act": "call" }, "Call", h("span", { class: "phone" }, ` ${person.phone}`));

/** One flag. `person` is given where the page isn't about one patient; `changed(flag)` hears of every act that the server took. */
export const flagCard = (first, { person, level = 3, phone, changed } = {}) => {
  const titleId = `flag-${first.id}-title`;
  const card = h("article", { "aria-labelledby": titleId, tabindex: -1, "data-flag": first.id });
  const draw = (flag, focus) => {
    const foot = h("div", { class: "flag-foot" });
    const redraw = (answer, told) => {
      draw(answer, true);
      if (told) find("form .problem", card).textContent = told;
      changed?.(answer);
    };
    const toggle = (open) => () => { if (find("form", foot)) find("form", foot).remove(); else open(foot, flag, redraw); };
    const resolve = h("button", { class: "button", type: "button", "data-act": "resolve", onclick: toggle(resolveForm) }, "Resolve…", h("span", { class: "vh" }, ` ${flag.title}`));
    const reopen = h("button", { class: "button quiet", type: "button", "data-act": "reopen", onclick: toggle(reopenForm) }, "Reopen…", h("span", { class: "vh" }, ` ${flag.title}`));
    const acts = {
      open: () => [call(flag, person ?? { phone }), acknowledge(flag, redraw), resolve, flag.acknowledge_by ? deadline(flag.acknowledge_by, nextOf(flag)) : h("span", { class: "quiet-text" }, "No clock: shown for context.")],
      acknowledged: () => [resolve, reopen, doneLine("Acknowledged", by(flag.acknowledged_by), flag.acknowledged_at)],
      resolved: () => [doneLine(OUTCOME[flag.outcome] ?? plainWords(flag.outcome), by(flag.resolved_by), flag.resolved_at), reopen, flag.note && h("p", { class: "note", dir: "auto" }, flag.note)],
    }[flag.state]();
    foot.append(h("div", { class: "acts", role: focus ? "status" : null }, ...acts.filter(Boolean)));
    card.className = `flag sev-${flag.severity} is-${flag.state}`;
    card.replaceChildren(
      h("header", { class: "flag-head" }, badge(flag.severity),
        person && h("span", {}, h("a", { class: "flag-person", "data-main": true, href: `/patients/${person.id}` }, nameOf(person)), latinOf(person)),
        h("span", { class: "quiet-text flag-since" }, `${flag.rule}, since ${when(flag.waits_since)}${flag.waits_since === flag.opened_at ? "" : `, first ${when(flag.opened_at)}`}`)),
      h(`h${level}`, { id: titleId, class: "flag-title" }, flag.title),
      ...[h("ul", { class: "evidence" }, ...flag.evidence.map(evidence)), unreached(flag), foot].filter(Boolean), ...before(flag));
    if (flag.state !== "resolved" && drafts.has(`flags/${flag.id}/resolve`)) resolveForm(foot, flag, redraw, false);
    else if (flag.state !== "open" && drafts.has(`flags/${flag.id}/reopen`)) reopenForm(foot, flag, redraw, false);
    if (focus) (find("[data-act]", foot) ?? card).focus();
  };
  draw(first, false);
  return card;
};

/** The line that a new flag's pill shows. */
export const flagNews = (flag, person) => [badge(flag.severity), h("span", {}, person ? nameOf(person) : "", person ? ": " : "", flag.title || plainName(person))];
