// The owner adds a local server by its command, and one from a bundle. Each is shown before anything runs.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_COMMAND, AGENTPORT_TEST_STATE (its
// argument), AGENTPORT_TEST_BUNDLE (a path), AGENTPORT_TEST_SECRET, CHROMIUM. Says one JSON object a line at each step.
import { say, signIn, withBrowser } from "./chromium.mjs";

const base = process.env.AGENTPORT_TEST_BASE;

await withBrowser({ viewport: { width: 1280, height: 900 } }, async (context) => {
  const page = context.pages()[0] ?? (await context.newPage());
  const run = page.getByRole("button", { name: "Run and add" });
  const agree = page.getByLabel("I know this program and want it to run.");

  await signIn(page);
  await page.goto(base + "/#/integrations/add");
  await page.getByRole("tab", { name: "Local, by command" }).click();
  const command = `${process.env.AGENTPORT_TEST_COMMAND} --state "${process.env.AGENTPORT_TEST_STATE}`;
  await page.getByRole("textbox", { name: "Command" }).fill(command);
  const next = page.getByRole("button", { name: "Continue" });
  const unclosed = await next.isDisabled();
  await page.getByRole("textbox", { name: "Command" }).fill(command + '"');
  await page.getByRole("button", { name: "Add variable" }).click();
  await page.getByLabel("Name of variable 1").fill("HIDDEN");
  await page.getByLabel("Value of variable 1").fill(process.env.AGENTPORT_TEST_SECRET);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Weather station");
  await next.click();
  await page.getByRole("heading", { name: "Run this on your computer?" }).waitFor();
  const words = await page.getByRole("list", { name: "The command, word by word" }).innerText();
  const consent = await page.getByRole("region", { name: "Run this on your computer?" }).innerText();
  say({ at: "shown", unclosed, words, consent, held: await run.isDisabled() });
  await page.getByRole("button", { name: "Back" }).click();
  // What was filled in is still there.
  await next.click();
  await agree.check();
  await run.click();
  await page.getByRole("heading", { name: "Weather station" }).waitFor();
  say({ at: "added" });

  await page.goto(base + "/#/integrations/add");
  await page.getByRole("tab", { name: "From a file" }).click();
  const file = page.locator('input[type="file"]');
  await file.setInputFiles({
    name: "notes.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("This describes no server."),
  });
  const refused = await page.getByRole("alert").innerText();
  say({ at: "refused", refused });
  await file.setInputFiles(process.env.AGENTPORT_TEST_BUNDLE);
  await page.getByRole("heading", { name: "Weather 1.2.0" }).waitFor();
  const early = await next.isDisabled();
  await page.getByRole("textbox", { name: "Units" }).fill("kelvin");
  await page.getByLabel("Key", { exact: true }).fill(process.env.AGENTPORT_TEST_SECRET);
  await next.click();
  const described = await page.getByRole("region", { name: "The command" }).innerText();
  say({ at: "described", early, described, held: await run.isDisabled() });
  await agree.check();
  await run.click();
  await page.getByRole("heading", { name: "Weather", exact: true }).waitFor();
  say({ at: "installed" });
}, [401, 422]);
