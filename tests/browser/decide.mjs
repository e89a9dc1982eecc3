// The owner decides in a real browser: approves by mouse, denies by keyboard, sees requests come and go by themselves.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, CHROMIUM. Says one JSON object a line at each step.
import { say, signIn, withBrowser } from "./chromium.mjs";

await withBrowser({ viewport: { width: 1280, height: 800 } }, async (context) => {
  const page = context.pages()[0] ?? (await context.newPage());
  const wrong = "not the password";
  await page.goto(process.env.AGENTPORT_TEST_BASE + "/");
  await page.getByLabel("Owner password").fill(wrong);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("not the owner’s password").waitFor();
  await signIn(page);
  say({ at: "inbox" });

  // The first request appears while the page is open.
  const detail = page.getByRole("region", { name: "Request", exact: true });
  const approve = detail.getByRole("button", { name: "Approve", exact: true });
  await approve.waitFor();
  say({ at: "seen", text: await detail.innerText() });
  await approve.click();
  await approve.waitFor({ state: "detached" });
  say({ at: "approved" });

  // What was decided stays in view; the next request is in the list. By keyboard: `j`, `d`, a reason, Enter.
  const list = page.getByRole("region", { name: "Requests", exact: true });
  const next = async () => {
    const shown = new URL(page.url()).hash.split("/").at(-1);
    await list.locator(`a[data-request]:not([data-request="${shown}"])`).first().waitFor();
    await page.keyboard.press("j");
    await approve.waitFor();
  };
  await next();
  await page.waitForFunction(() => !document.querySelector('[aria-keyshortcuts="a"]')?.disabled);
  await page.keyboard.press("d");
  await detail.getByLabel("Reason for denying (optional)").fill("not from a browser");
  await page.keyboard.press("Enter");
  await approve.waitFor({ state: "detached" });
  say({ at: "denied" });

  // The third is decided elsewhere, under the page's eyes.
  await next();
  say({ at: "third" });
  await approve.waitFor({ state: "detached" });
  say({ at: "withdrawn" });

  // The fourth by `a`.
  await next();
  await page.waitForFunction(() => !document.querySelector('[aria-keyshortcuts="a"]')?.disabled);
  await page.keyboard.press("a");
  await approve.waitFor({ state: "detached" });
  say({ at: "approved by keyboard" });
});
