// What every page has: account, theme, connection line, keyboard map, the pill that news waits in.
import { h, find, all } from "./dom.js";
import { account, now, signOut } from "./api.js";
import { time, longDay, today } from "./words.js";

const root = document.documentElement;
const THEMES = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
const themeNow = () => THEMES[root.dataset.theme ?? "system"];
const nextTheme = () => {
  const order = ["system", "light", "dark"];
  const next = order[(order.indexOf(root.dataset.theme ?? "system") + 1) % 3];
  if (next === "system") { delete root.dataset.theme; localStorage.removeItem("theme"); }
  else { root.dataset.theme = next; localStorage.setItem("theme", next); }
};
const themeButton = find("#theme");
const showTheme = () => { themeButton.textContent = themeNow(); };
themeButton.addEventListener("click", () => { nextTheme(); showTheme(); });
showTheme();

// Who is signed in, and where they may go.
const me = account.get();
const roles = me?.roles ?? [];
find("#account-name").textContent = me?.display_name ?? "Signed in";
find("#account-role").textContent = roles.join(", ");
for (const link of all(".bar nav a")) if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
const eyebrow = find("#today");
if (eyebrow) eyebrow.textContent = `${longDay(today())}, ${time(now().toISOString())}`;

// The number of unresolved flags beside "Flags". A page that counts them tells it; the others show what was last told in this tab.
const TOLD = `unresolved ${me?.id}`;
const showFlags = (count) => {
  const mark = find("#open-flags-count");
  mark.hidden = !count;
  mark.replaceChildren(String(count), h("span", { class: "vh" }, " unresolved"));
};
export const openFlags = (count) => {
  sessionStorage.setItem(TOLD, count);
  showFlags(count);
};
showFlags(Number(sessionStorage.getItem(TOLD)));

// Who cares for nobody has no caseload and no flags.
if (roles.length && !roles.some((role) => role === "therapist" || role === "prescriber")) {
  find("#to-caseload").textContent = "Clinic";
  find("#to-flags").remove();
}

// The connection line. It never covers anything and says how old the page is, because old data looks like new data.
const line = find("#connection");
document.addEventListener("connection", ({ detail: online }) => {
  if (line.dataset.online === String(online)) return;
  line.dataset.online = online;
  line.textContent = online ? "Live" : `Offline since ${time(now().toISOString())}. What you see is from then.`;
});

/** News waits here until asked for: nothing moves under the reader's eyes. */
export const pill = (words, act, label = "Show it") => {
  const place = find("#fresh");
  const show = h("button", { class: "button", type: "button", onclick: async () => { place.replaceChildren(); await act(); } }, label);
  place.replaceChildren(h("span", { class: "fresh-words" }, ...[words].flat()), show);
};

// One box for what the bar has no room for on a phone.
const box = (id, title, ...body) => {
  const dialog = h("dialog", { "aria-labelledby": id, class: "dialog" }, h("h2", { id }, title), ...body,
    h("form", { method: "dialog" }, h("button", { class: "button" }, "Close")));
  const from = document.activeElement;
  dialog.addEventListener("close", () => { dialog.remove(); from?.focus(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
};
find("#account").addEventListener("click", () => {
  const theme = h("button", { class: "button", type: "button", onclick: () => { nextTheme(); showTheme(); theme.textContent = themeNow(); } }, themeNow());
  box("account-title", me?.display_name ?? "Your account",
    h("p", {}, roles.length ? `Signed in as ${roles.join(", ")}.` : "Signed in."),
    h("p", { class: "acts" }, theme, h("button", { class: "button", type: "button", onclick: () => { find("dialog").close(); help(); } }, "Keyboard"),
      h("button", { class: "button", type: "button", onclick: signOut }, "Sign out")));
});

// Another tab signed out, or the browser's back button brought an old page: what it shows is nobody's any more.
const leave = () => { if (!account.get()) location.replace("/sign-in"); };
addEventListener("storage", (event) => { if (event.key === "account") leave(); });
addEventListener("pageshow", (event) => { if (event.persisted) leave(); });

// Keyboard. Single keys can be switched off (WCAG 2.1.4) and never fire while typing.
const KEYS = [
  ["j / k", "next, previous"], ["Enter", "open"], ["a", "acknowledge"], ["r", "resolve"], ["/", "search"],
  ["g c", "caseload"], ["g f", "flags"], ["g i", "invite"], [".", "show what is new"], ["← →", "in a chart: day by day"],
  ["[ ]", "in a chart: session to session"], ["?", "this list"],
];
const singleKeys = () => localStorage.getItem("single-keys") !== "off";
function help() {
  const check = h("input", { type: "checkbox", id: "single-keys" });
  check.checked = singleKeys();
  check.addEventListener("change", () => localStorage.setItem("single-keys", check.checked ? "on" : "off"));
  box("keys-title", "Keyboard",
    h("dl", { class: "keys" }, ...KEYS.flatMap(([keys, text]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, text)])),
    h("p", {}, h("label", { class: "check" }, check, "Single-key shortcuts")));
}
find("#help").addEventListener("click", help);

const step = (direction) => {
  const rows = all("[data-row]").filter((row) => !row.hidden);
  const items = rows.length ? rows : all("[data-flag]");
  if (!items.length) return;
  const here = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[Math.min(items.length - 1, Math.max(0, here + direction))];
  (find("a[data-main]", next) ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
};
const press = (act) => document.activeElement?.closest("[data-row],[data-flag]")?.querySelector(`[data-act=${act}]`)?.click();
const GO = { c: "/", f: "/flags", i: "/invite" };
let going = false;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !singleKeys()) return;
  if (event.target.closest("input, textarea, select, dialog, [role=slider]")) return;
  if (going) { going = false; if (GO[event.key]) location.href = GO[event.key]; return; }
  const act = {
    j: () => step(1), k: () => step(-1), a: () => press("acknowledge"), r: () => press("resolve"), g: () => { going = true; setTimeout(() => { going = false; }, 1_500); },
    "/": () => find("#search")?.focus(), ".": () => find("#fresh button")?.click(), "?": help,
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
