// Invitations from the form to the first sign-in, the documents, and the headers that every page carries.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

/** RFC 6238, as an authenticator app does it. */
const oneTimeCode = (secret, at = Date.now()) => {
  const bits = [...secret.replaceAll(/[\s=]/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const digest = createHmac("sha1", key).update(counter).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
};

const linkFrom = async (page, lab, address) => {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    await page.goto(`${lab.url}/demo/mail`);
    const mail = page.locator(".mail").filter({ hasText: address }).first();
    if (await mail.count()) return (await mail.textContent()).match(/\/invitations\/[\w-]+/)[0];
    await page.waitForTimeout(250);
  }
  throw new Error(`no mail to ${address}`);
};

export async function a_patient_is_invited_and_accepts(lab) {
  const page = await lab.signedIn();
  const email = `ada.${Date.now()}@example.org`;
  await page.goto(`${lab.url}/invite`);
  await page.getByRole("button", { name: "Send invitation" }).click();
  await page.getByRole("alert").filter({ hasText: "Enter a name" }).waitFor();
  await page.getByLabel("Name, as they write it").fill("آدا لوفليس");
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send invitation" }).click();
  await page.getByRole("heading", { name: "Invited" }).waitFor();
  const link = await linkFrom(page, lab, email);
  const theirs = await lab.page({ viewport: { width: 390, height: 844 } });
  await theirs.goto(lab.url + link);
  await theirs.getByLabel("New password").fill("too short");
  await theirs.getByRole("button", { name: "Accept" }).click();
  await theirs.getByRole("alert").filter({ hasText: "15 characters" }).waitFor();
  await theirs.getByLabel("New password").fill("a quiet lamp by the window");
  await theirs.getByLabel("The same again").fill("a quiet lamp by the window");
  await theirs.getByRole("button", { name: "Accept" }).click();
  await theirs.getByRole("heading", { name: "Your account is ready" }).waitFor();
  await theirs.goto(lab.url + link);
  await theirs.getByRole("heading", { name: "This invitation is no longer open" }).waitFor();
}

export async function a_colleague_is_invited_sets_up_the_second_step_and_signs_in_with_it(lab) {
  const page = await lab.signedIn("admin");
  const email = `grace.${Date.now()}@example.org`;
  await page.goto(`${lab.url}/invite`);
  await page.getByRole("button", { name: "A colleague" }).click();
  await page.getByLabel("Name, as they write it").fill("Grace Hopper");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Therapist").check();
  await page.getByRole("button", { name: "Send invitation" }).click();
  await page.getByRole("heading", { name: "Invited" }).waitFor();
  const link = await linkFrom(page, lab, email);
  const theirs = await lab.page();
  await theirs.goto(lab.url + link);
  await theirs.getByLabel("New password").fill("nanoseconds of wire");
  await theirs.getByLabel("The same again").fill("nanoseconds of wire");
  await theirs.getByRole("button", { name: "Accept" }).click();
  const secret = await theirs.locator(".secret").textContent();
  await theirs.getByLabel("Code").fill(oneTimeCode(secret));
  await theirs.getByRole("button", { name: "Confirm" }).click();
  await theirs.getByRole("heading", { name: "Your account is ready" }).waitFor();
  await theirs.getByRole("link", { name: "Open the caseload" }).click();
  await theirs.getByRole("heading", { name: "Nobody in your care yet" }).waitFor();
  await theirs.locator("#account").click();
  await theirs.getByRole("button", { name: "Sign out" }).click();
  await theirs.waitForURL(/\/sign-in/);
  await theirs.getByLabel("Work email").fill(email);
  await theirs.getByLabel("Password").fill("nanoseconds of wire");
  await theirs.keyboard.press("Enter");
  await theirs.getByLabel("Code").fill(oneTimeCode(secret, Date.now() + 30_000)); // a code counts once: the next one
  await theirs.keyboard.press("Enter");
  await theirs.getByRole("heading", { name: "Nobody in your care yet" }).waitFor();
}

export async function an_invitation_that_is_not_open_says_so(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/invitations/not-a-code-of-ours`);
  await page.getByRole("heading", { name: "This invitation is no longer open" }).waitFor();
}

export async function the_documents_work_without_the_internet(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  await page.locator(".opblock-summary-control").first().click();
  await page.locator(".opblock-body").first().waitFor();
  await page.goto(`${lab.url}/problems`);
  const names = await page.locator("h2").allTextContents();
  assert.ok(names.length > 15);
  for (const name of names) {
    await page.goto(`${lab.url}/problems/${name}`);
    assert.equal(await page.locator("h1").textContent(), name);
  }
}

export async function an_address_where_nothing_is_says_so(lab) {
  const page = await lab.page();
  await page.goto(`${lab.url}/nosuch`);
  await page.getByRole("heading", { name: "Nothing here" }).waitFor();
  await page.getByRole("link", { name: "To the caseload" }).click();
  await page.waitForURL(/\/sign-in/);
}

export async function every_page_carries_the_strict_headers(lab) {
  for (const path of ["/", "/flags", "/sign-in", "/patients/x", "/invite", "/invitations/x", "/docs", "/problems", "/problems/invalid", "/demo/mail"]) {
    const answer = await fetch(lab.url + path);
    assert.equal(answer.status, 200, path);
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/, path);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/, path);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", path);
    assert.equal(answer.headers.get("referrer-policy"), "no-referrer", path);
    assert.doesNotMatch(await answer.text(), /<script(?![^>]*src=)|<[^>]*\s(?:style|on\w+)=/, path);
  }
}

export async function files_are_kept_for_ever_and_pages_asked_for_again(lab) {
  const page = await fetch(lab.url);
  const tag = page.headers.get("etag");
  assert.equal((await fetch(lab.url, { headers: { "if-none-match": tag } })).status, 304);
  const [, script] = (await page.text()).match(/src="(\/assets\/[^"]+\.js)"/);
  const file = await fetch(lab.url + script);
  assert.match(file.headers.get("cache-control"), /immutable/);
  assert.match(file.headers.get("content-type"), /javascript/);
  assert.equal((await fetch(`${lab.url}/assets/x/..%2f..%2fCargo.toml`)).status, 404);
}
