// The pages as a therapist uses them: by keyboard, live, offline, with hostile text.
import assert from "node:assert/strict";

const headline = (page) => page.locator("#headline");
const ready = async (page) => { await page.locator("[data-row], #patient h1, [data-flag], .message").first().waitFor(); };

export async function somebody_not_signed_in_is_asked_first_and_comes_back(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/flags`);
  await page.waitForURL(/\/sign-in\?next=%2Fflags/);
  await lab.signIn(page, "therapist");
  assert.equal(new URL(page.url()).pathname, "/flags");
}

export async function sign_in_works_by_keyboard_and_says_what_is_wrong(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/sign-in`);
  await page.getByLabel("Work email").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "Enter your work email" }).waitFor();
  await page.keyboard.type("therapist@demo.example");
  await page.keyboard.press("Tab");
  await page.keyboard.type("certainly not this one");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "do not belong together" }).waitFor();
  await page.getByLabel("Password").fill(lab.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${lab.url}/`);
  await ready(page);
  const cookies = await page.context().cookies();
  assert.ok(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict", JSON.stringify(cookies));
  assert.equal(await page.evaluate(() => Object.values(localStorage).some((value) => /token|password/i.test(value))), false);
}

export async function a_next_address_of_another_host_is_not_followed(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/sign-in?next=${encodeURIComponent("//evil.example/")}`);
  await lab.signIn(page, "therapist");
  assert.equal(new URL(page.url()).origin, new URL(lab.url).origin);
}

export async function a_patient_is_told_that_the_app_is_theirs(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/sign-in`);
  await page.getByLabel("Work email").fill("patient@demo.example");
  await page.getByLabel("Password").fill(lab.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your Afterglow is the app" }).waitFor();
  await page.goto(`${lab.url}/`);
  await page.waitForURL(/\/sign-in/);
}

export async function the_caseload_says_who_needs_a_call_and_is_walked_by_keyboard(lab) {
  await lab.raiseFlag();
  const page = await lab.signedIn();
  await page.goto(lab.url);
  await ready(page);
  assert.match(await headline(page).textContent(), /^Call .+ now\.|needs? a call today\.$/);
  const names = await page.locator("[data-row] h3").allTextContents();
  assert.ok(names.length > 10, `${names.length} people`);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.closest("[data-row]")?.dataset.row), await page.locator("[data-row]").nth(1).getAttribute("data-row"));
  await page.keyboard.press("k");
  await page.keyboard.press("/");
  await page.keyboard.type(names.at(-1).slice(0, 6));
  await page.locator("#found").filter({ hasText: /shown/ }).waitFor();
  assert.ok(await page.locator("[data-row]:not([hidden])").count() < names.length);
  await page.locator("#search").fill("zzz nobody");
  await page.getByRole("heading", { name: "Nobody matches" }).waitFor();
  await page.locator("#search").fill("");
  await page.locator("#headline").focus();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/patients\//);
  await page.locator("#patient h1").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await page.waitForURL(/\/flags$/);
}

/** The tint is the unanswered clock: a card stays tinted while any grave flag of its person waits, and is calm once none does. */
export async function acknowledging_on_the_caseload_calms_the_card(lab) {
  const flag = await lab.raiseFlag();
  const therapist = await lab.client("therapist");
  const waiting = async () => {
    const { items } = await therapist.get(`patients/${flag.patient_id}/flags?state=open&limit=200`);
    return items.filter(({ severity }) => ["emergency", "urgent"].includes(severity)).length;
  };
  const page = await lab.signedIn();
  await page.goto(lab.url);
  const card = page.locator(`[data-row="${flag.patient_id}"]`);
  const calm = async () => /is-acknowledged/.test(await card.getAttribute("class"));
  let left = await waiting();
  assert.ok(left > 0);
  assert.equal(await calm(), false, "somebody waits");
  await card.locator("a[data-main]").focus();
  while (left > 0) {
    await page.keyboard.press("a");
    left -= 1;
    if (left > 0) await card.locator('[data-act="acknowledge"]:not([aria-disabled])').waitFor();
    else await card.getByText(/Acknowledged by/).waitFor();
    assert.equal(await waiting(), left, "the server knows of it");
    assert.equal(await calm(), left === 0, `${left} still wait`);
    assert.ok(await card.evaluate((element) => element.contains(document.activeElement)), "the focus stays with the person");
  }
  // The next look finds it as it was left.
  await page.reload();
  await card.waitFor();
  assert.equal(await calm(), true);
}

/** What a mark means is there to be read, by touch and on paper too. */
export async function a_late_baseline_is_said_on_its_row_and_explained_in_words(lab) {
  const page = await lab.signedIn();
  await page.goto(lab.url);
  await ready(page);
  const row = page.locator("[data-row]").filter({ hasText: "late baseline" });
  assert.equal(await row.count(), 1);
  const key = await page.locator(".caseload-key").innerText();
  assert.ok(key.includes("A late baseline was taken after the first dosing session in the record; home doses are not counted."), key);
  await page.goto(lab.url + await row.locator("[data-main]").getAttribute("href"));
  await page.locator("dt").filter({ hasText: "Late baseline" }).waitFor();
  await page.locator("li").filter({ hasText: "The baseline was taken after the first dosing session" }).waitFor();
}

/** By mail the first is told, and nobody else as long as they can be: the card and the caseload name the same person to call next. */
export async function the_card_and_the_caseload_name_the_same_person_to_call_next(lab) {
  const flag = await lab.raiseFlag();
  const { next_in_escalation: next, waiting } = await (await lab.client("therapist")).get(`patients/${flag.patient_id}/standing`);
  const page = await lab.signedIn();
  const line = async (path, card) => {
    await page.goto(`${lab.url}${path}`);
    return (await page.locator(card).locator(".deadline").textContent()).split("; ")[1];
  };
  const onCard = await line("/flags", `[data-flag="${waiting.flag_id}"]`);
  const onRow = await line("/", `[data-row="${flag.patient_id}"]`);
  assert.equal(onCard, onRow);
  assert.ok(!next || onRow.includes(next.name) || onRow.includes("you are next in line"), onRow);
}

/** Answers to `pattern` that show how far a flag's steps have come, whatever became of the mails of the demo. */
const withSteps = (page, pattern, flag, states) => page.route(pattern, async (route) => {
  const response = await route.fetch();
  const body = await response.json();
  const step = (state, index) => ({ at: flag.opened_at, role: "care-team", name: `Member ${index + 1}`, member_id: crypto.randomUUID(), state });
  for (const one of body.items.filter(({ id }) => id === flag.id)) one.escalation = states.map(step);
  await route.fulfill({ response, json: body });
});

/** Who was not reached is named on the card, and who was told instead; where that leaves nobody, nothing on the card is graver. */
export async function the_card_names_who_was_not_reached(lab) {
  const flag = await lab.raiseFlag();
  const page = await lab.signedIn();
  const note = page.locator(`[data-flag="${flag.id}"] [data-unreached]`);
  await withSteps(page, "**/v1/flags?*", flag, ["not-reached", "told", "waiting"]);
  await page.goto(`${lab.url}/flags`);
  await note.filter({ hasText: "Not everybody was told of this flag by mail. Not reached: Member 1. Told instead: Member 2." }).waitFor();
  await page.unroute("**/v1/flags?*");
  await withSteps(page, "**/v1/flags?*", flag, ["not-reached", "not-reached", "waiting"]);
  await page.reload();
  await note.filter({ hasText: "Nobody has been told of this flag by mail since it began to wait. Not reached: Member 1, Member 2." }).waitFor();
  assert.equal(await note.getAttribute("class"), "problem");
}

/** What the server sends where something became of a flag's messages; the page hears it once the answer is called. */
const eventOf = async (page, { patient_id, id }) => {
  let hear;
  const heard = new Promise((resolve) => { hear = resolve; });
  await page.route("**/v1/events", async (route) => {
    await heard;
    await route.fulfill({ contentType: "text/event-stream", body: `event: flag\ndata: ${JSON.stringify({ patient_id, id })}\n\n` });
  });
  return hear;
};

/** A message that comes to nothing changes the card that stands, and nothing that is being typed on it. */
export async function the_card_says_who_was_not_reached_while_it_is_open(lab) {
  const flag = await lab.raiseFlag();
  const page = await lab.signedIn();
  await withSteps(page, "**/v1/flags?*", flag, ["told", "waiting"]);
  await withSteps(page, "**/v1/patients/*/flags?*", flag, ["not-reached", "told"]);
  const hear = await eventOf(page, flag);
  await page.goto(`${lab.url}/flags`);
  const card = page.locator(`[data-flag="${flag.id}"]`);
  await card.locator(".deadline", { hasText: "call Member 2" }).waitFor();
  await card.locator('[data-act="resolve"]').click();
  await card.getByLabel("Note for the record").fill("Rang twice");
  hear();
  await card.locator("[data-unreached]", { hasText: "Not reached: Member 1. Told instead: Member 2." }).waitFor();
  assert.equal(await card.getByLabel("Note for the record").inputValue(), "Rang twice");
  assert.ok(await card.getByLabel("Note for the record").evaluate((element) => element === document.activeElement));
  assert.equal(await card.locator(".deadline", { hasText: "call" }).count(), 0, "nobody is next any more");
}

/** What the row knows is no news: where nobody was told, the row says so, and no flag is called new. */
export async function the_row_says_that_nobody_was_told(lab) {
  const flag = await lab.raiseFlag();
  const page = await lab.signedIn();
  let lost = false;
  await page.route("**/v1/caseload?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const { waiting } of body.items.filter(({ patient }) => patient.id === flag.patient_id)) waiting.nobody_told = lost;
    await route.fulfill({ response, json: body });
  });
  const hear = await eventOf(page, flag);
  await page.route("**/v1/patients/*/flags?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const one of body.items) one.waits_since = new Date(Date.now() - 60_000).toISOString();
    await route.fulfill({ response, json: body });
  });
  await page.goto(lab.url);
  const row = page.locator(`[data-row="${flag.patient_id}"]`);
  await row.waitFor();
  assert.equal(await row.getByText("Nobody was told by mail").count(), 0);
  lost = true;
  hear();
  await row.locator(".row-acts .problem", { hasText: "Nobody was told by mail" }).waitFor();
  assert.equal(await page.locator("#fresh", { hasText: "New:" }).count(), 0);
}

export async function one_patient_is_read_without_a_mouse(lab) {
  const { id } = await lab.phone();
  const page = await lab.signedIn();
  await page.goto(`${lab.url}/patients/${id}`);
  const chart = page.getByRole("slider");
  await chart.waitFor();
  await chart.focus();
  const today = await chart.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowLeft");
  const before = await chart.getAttribute("aria-valuetext");
  assert.notEqual(today, before);
  await page.keyboard.press("[");
  assert.match(await chart.getAttribute("aria-valuetext"), /session \d+/);
  await page.getByRole("button", { name: "90 days" }).click();
  await page.getByRole("slider").waitFor();
  assert.ok(await page.locator("svg.course .mood-dot").count() > 0, "a day alone is seen, and so is the last");
  await page.getByText("Show as a table").click();
  assert.ok(await page.locator(".card-course tbody tr").count() > 0);
  for (const title of ["Course", "Questionnaires", "Shared journal", "Home doses", "Sessions", "Reminders"]) {
    assert.ok(await page.getByRole("heading", { level: 2 }).filter({ hasText: title }).count() > 0, title);
  }
}

export async function a_flag_is_acknowledged_reopened_and_resolved_by_keyboard(lab) {
  const flag = await lab.raiseFlag();
  const page = await lab.signedIn();
  await page.goto(`${lab.url}/flags`);
  const card = page.locator(`[data-flag="${flag.id}"]`);
  await card.waitFor();
  await card.focus();
  await page.keyboard.press("a");
  await card.locator(".done", { hasText: "Acknowledged by you" }).waitFor();
  await card.getByRole("button", { name: /^Reopen/ }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("Taken on by mistake");
  await page.keyboard.press("Enter");
  await card.getByRole("button", { name: /^Acknowledge/ }).waitFor();
  await card.locator(".flag-before", { hasText: /Acknowledged by you.*Reopened by you.*Taken on by mistake/ }).waitFor();
  await page.keyboard.press("r");
  await card.getByLabel("Outcome").waitFor();
  await card.getByRole("button", { name: "Resolve flag" }).focus();
  await page.keyboard.press("Enter");
  await card.getByRole("alert").filter({ hasText: "Choose an outcome" }).waitFor();
  await card.getByLabel("Outcome").selectOption("contacted");
  await card.getByLabel("Note for the record").fill("Spoke for ten minutes. <b>Sister is with them.</b>");
  await card.getByRole("button", { name: "Resolve flag" }).focus();
  await page.keyboard.press("Enter");
  await card.locator(".done", { hasText: "Talked with the patient" }).waitFor();
  assert.ok(await card.getByText("<b>Sister is with them.</b>").count(), "the note is shown as it was typed");
  const { items } = await (await lab.client("therapist")).get(`patients/${flag.patient_id}/flags?limit=50`);
  const stored = items.find(({ id }) => id === flag.id);
  assert.equal(stored.state, "resolved");
  assert.equal(stored.outcome, "contacted");
  // Closed twice: what was said the first time stays in sight.
  await card.getByRole("button", { name: /^Reopen/ }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("Not reached after all");
  await page.keyboard.press("Enter");
  await card.getByRole("button", { name: /^Acknowledge/ }).waitFor();
  await page.keyboard.press("r");
  await card.getByLabel("Outcome").selectOption("referred");
  await card.getByRole("button", { name: "Resolve flag" }).focus();
  await page.keyboard.press("Enter");
  await card.locator(".done", { hasText: "Referred on" }).waitFor();
  await card.locator(".flag-before > ul", { hasText: /Resolved by you.*Talked with the patient.*<b>Sister is with them\.<\/b>.*Reopened by you.*Not reached after all/ }).waitFor();
  assert.equal(await card.getByText("1 earlier round").count(), 1, "what was before the last time is behind a line");
  assert.equal(await card.locator(".flag-foot .note").count(), 0, "the note of the first closing is not that of the second");
}

export async function a_new_flag_arrives_by_itself_and_waits_until_asked_for(lab) {
  const page = await lab.signedIn();
  await page.goto(lab.url);
  await page.locator("#connection[data-online=true]").waitFor();
  const order = await page.locator("[data-row]").evaluateAll((rows) => rows.map((row) => row.dataset.row));
  // The debounce of a rule joins new evidence to an open flag: close what is open, so that the next is new.
  const therapist = await lab.client("therapist");
  const { id } = await lab.phone();
  for (const open of (await therapist.get(`patients/${id}/flags?limit=50`)).items.filter(({ state }) => state !== "resolved")) await therapist.post(`flags/${open.id}/resolve`, { outcome: "contacted" });
  await lab.raiseFlag();
  await page.locator("#fresh button").waitFor();
  assert.deepEqual(await page.locator("[data-row]").evaluateAll((rows) => rows.map((row) => row.dataset.row)), order, "nothing moves by itself");
  await page.locator("#headline").focus();
  await page.keyboard.press(".");
  await page.locator(`.in-today[data-row="${id}"]`).waitFor();
}

export async function a_new_record_waits_on_the_patients_page(lab) {
  const phone = await lab.phone();
  const page = await lab.signedIn();
  await page.goto(`${lab.url}/patients/${phone.id}`);
  await page.locator("#connection[data-online=true]").waitFor();
  await page.locator("#patient h1").waitFor();
  const body = `Walked to the harbour ${Date.now()}`;
  await phone.post("patients/me/journal-entries", { occurred_at: new Date().toISOString(), time_zone: "Europe/London", body, visibility: "shared" });
  await page.locator("#fresh button").click();
  await page.getByText(body).waitFor();
}

export async function hostile_text_stays_text(lab) {
  const phone = await lab.phone();
  const evil = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>"><svg onload=window.hit=1> {{7*7}} \u202Egnirts\u202C ${"e\u0301\u0323".repeat(40)}`;
  await phone.post("patients/me/journal-entries", { occurred_at: new Date().toISOString(), time_zone: "Europe/London", title: evil.slice(0, 190), body: evil, themes: ["<i>one</i>"], visibility: "shared" });
  await phone.post("patients/me/intentions", { occurred_at: new Date().toISOString(), time_zone: "Europe/London", text: evil, visibility: "shared" });
  const page = await lab.signedIn();
  await page.goto(`${lab.url}/patients/${phone.id}`);
  await page.locator(".card-journal").getByText("<script>window.hit=1</script>").first().waitFor();
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(await page.locator(".card-journal img, .card-journal script, .intention img").count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no overflow");
}

export async function a_hostile_name_stays_a_name(lab) {
  await lab.raiseFlag();
  const phone = await lab.phone();
  const evil = `<script>window.hit=1</script><b>${"Ünbröken".repeat(12)}</b> \u202Ename`;
  const before = await phone.get("patients/me");
  await phone.patch("patients/me", { display_name: evil }, `"${before.version}"`);
  try {
    const page = await lab.signedIn("therapist", { viewport: { width: 390, height: 844 } });
    for (const path of ["/", "/flags", `/patients/${phone.id}`]) {
      await page.goto(lab.url + path);
      await page.getByText("<script>window.hit=1</script>").first().waitFor();
      assert.equal(await page.evaluate(() => window.hit), undefined);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `overflow at ${path}`);
    }
  } finally {
    const now = await phone.get("patients/me");
    await phone.patch("patients/me", { display_name: before.display_name }, `"${now.version}"`);
  }
}

export async function without_a_connection_nothing_is_claimed_and_nothing_is_lost(lab) {
  const flag = await lab.raiseFlag();
  const page = await lab.signedIn();
  await page.goto(`${lab.url}/flags`);
  const card = page.locator(`[data-flag="${flag.id}"]`);
  await card.focus();
  await page.keyboard.press("r");
  await card.getByLabel("Outcome").selectOption("referred");
  await card.getByLabel("Note for the record").fill("Kept while offline");
  await page.context().setOffline(true);
  await card.getByRole("button", { name: "Resolve flag" }).click();
  await card.getByRole("alert").filter({ hasText: "no connection" }).waitFor();
  await page.locator("#connection").filter({ hasText: "Offline since" }).waitFor();
  assert.equal(await card.getByLabel("Note for the record").inputValue(), "Kept while offline");
  await page.context().setOffline(false);
  await card.getByRole("button", { name: "Resolve flag" }).click();
  await card.getByText(/Referred on/).waitFor();
}

export async function an_ended_session_is_renewed_over_the_page_and_keeps_drafts(lab) {
  const flag = await lab.raiseFlag();
  const page = await lab.page();
  await lab.signIn(page, "therapist");
  await page.goto(`${lab.url}/flags`);
  const card = page.locator(`[data-flag="${flag.id}"]`);
  await card.focus();
  await page.keyboard.press("r");
  await card.getByLabel("Outcome").selectOption("plan-changed");
  await card.getByLabel("Note for the record").fill("A draft that must stay");
  await page.context().clearCookies();
  await card.getByRole("button", { name: "Resolve flag" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.getByLabel("Work email").fill("therapist@demo.example");
  await dialog.getByLabel("Password").fill(lab.password);
  await page.keyboard.press("Enter");
  await card.getByText(/Plan changed/).waitFor();
  assert.ok(await card.getByText("A draft that must stay").count());
}

export async function signing_out_leaves_nothing_behind(lab) {
  const page = await lab.page();
  await lab.signIn(page, "therapist");
  await ready(page);
  await page.goto(`${lab.url}/flags`);
  await page.locator("#account").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/sign-in/);
  await page.goBack();
  await page.waitForURL(/\/sign-in/);
}

export async function an_unknown_patient_and_a_missing_right_look_different(lab) {
  const page = await lab.signedIn();
  await page.goto(`${lab.url}/patients/019d8c0b-6f1e-7a43-9b63-0c8f0d7f5a10`);
  await page.getByRole("heading", { name: "Nobody here", level: 2 }).waitFor();
  const admin = await lab.signedIn("admin");
  await admin.goto(lab.url);
  await admin.getByRole("heading", { name: "Your clinic" }).waitFor();
  await admin.getByRole("heading", { name: /patients?$/ }).waitFor();
  assert.equal(await admin.getByRole("link", { name: "Flags" }).count(), 0, "an admin who cares for nobody is not sent to flags");
  const { id } = await lab.phone();
  await admin.goto(`${lab.url}/patients/${id}`);
  await admin.getByRole("heading", { name: "This page is not yours to see" }).waitFor();
}

export async function a_server_that_does_not_answer_says_nothing_about_the_patients(lab) {
  const page = await lab.signedIn();
  await page.route("**/v1/caseload*", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" }));
  await page.goto(lab.url);
  await page.getByText("this says nothing about your patients").waitFor();
  await page.unroute("**/v1/caseload*");
  await page.getByRole("button", { name: "Try now" }).click();
  await page.locator("[data-row]").first().waitFor();
}

export async function a_part_that_does_not_arrive_is_named_and_the_others_stay(lab) {
  const { id } = await lab.phone();
  const page = await lab.signedIn();
  await page.route("**/v1/patients/*/prescriptions*", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: "{}" }));
  await page.goto(`${lab.url}/patients/${id}`);
  await page.getByText("Home doses and prescriptions are not yours to see. A prescriber can show you.").waitFor();
  await page.getByRole("slider").waitFor();
}

export async function an_empty_caseload_shows_the_way(lab) {
  const page = await lab.signedIn();
  await page.route("**/v1/caseload*", (route) => route.fulfill({ contentType: "application/json", body: '{"items":[],"next_cursor":null}' }));
  await page.goto(lab.url);
  await page.getByRole("link", { name: "Invite a patient" }).waitFor();
}

export async function the_caseload_prints_without_acts(lab) {
  const page = await lab.signedIn();
  await page.goto(lab.url);
  await ready(page);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await page.locator(".row-acts .button:not([data-act=call]):visible, .bar:visible, .toolbar:visible").count(), 0);
  assert.ok(await page.locator("#print-foot").isVisible());
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--paper").trim().toLowerCase()), "#ffffff");
  assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
}

export async function shortcuts_can_be_listed_and_switched_off(lab) {
  const page = await lab.signedIn();
  await page.goto(lab.url);
  await ready(page);
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard" });
  await dialog.getByLabel("Single-key shortcuts").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest("[data-row]"))), false);
}
