// The owner lets agents in, in a real browser: by mouse under another name, by keyboard as the agent it was; and refuses.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, CHROMIUM. Says one JSON object a line at each step.
import { say, signIn, withBrowser } from "./chromium.mjs";

await withBrowser({ viewport: { width: 1280, height: 800 } }, async (context) => {
  const page = context.pages()[0] ?? (await context.newPage());
  await signIn(page);
  say({ at: "inbox" });

  const detail = page.getByRole("region", { name: "Request", exact: true });
  const letIn = detail.getByRole("button", { name: "Let in", exact: true });
  const list = page.getByRole("list", { name: "Agents that want in" });
  const armed = () => page.waitForFunction(() => !document.querySelector('[aria-keyshortcuts="d"]')?.disabled);

  // It appears while the page is open, and is the one that is shown.
  await letIn.waitFor();
  say({ at: "seen", text: await detail.innerText(), spoken: await page.getByLabel("New requests").innerText() });
  await detail.getByLabel("Name").fill("My editor");
  await armed();
  await letIn.click();
  await detail.getByText("You let it in.").waitFor();
  await list.waitFor({ state: "detached" });
  say({ at: "let in" });

  // The same client again: the agent it was is chosen, and `a` lets it in.
  await list.getByRole("link").first().click();
  await detail.getByRole("radio", { name: /My editor again/ }).waitFor();
  say({ at: "known", checked: await detail.getByRole("radio", { name: /My editor again/ }).isChecked() });
  await armed();
  await page.keyboard.press("a");
  await detail.getByText("You let it in.").waitFor();
  say({ at: "let in again" });

  // A stranger is refused by `d`.
  await list.getByRole("link").first().click();
  await letIn.waitFor();
  await armed();
  await page.keyboard.press("d");
  await detail.getByText("You refused it.").waitFor();
  say({ at: "refused" });

  // Its page: renamed, then shut out.
  await page.goto(`${process.env.AGENTPORT_TEST_BASE}/#/agents`);
  await page.getByRole("link", { name: "My editor", exact: true }).click();
  await page.getByRole("heading", { name: "My editor" }).waitFor();
  say({ at: "agent", text: await page.getByRole("region", { name: "About this agent" }).innerText() });
  await page.getByRole("button", { name: "More about My editor" }).click();
  await page.getByRole("menuitem", { name: "Rename…" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Another name");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "Another name" }).waitFor();
  say({ at: "renamed" });
  await page.getByRole("button", { name: "More about Another name" }).click();
  await page.getByRole("menuitem", { name: "Sign out and shut out…" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Sign out and shut out" }).click();
  await page.getByText("Revoked", { exact: true }).first().waitFor();
  say({ at: "shut out" });
});
