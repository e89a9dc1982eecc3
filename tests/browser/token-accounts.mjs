// The owner adds a second account of a server that is given a token, by pasting another one, and replaces it.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_TOKENS (two that work, in JSON), CHROMIUM. Says one
// JSON object a line at each step.
import { say, signIn, withBrowser } from "./chromium.mjs";

const base = process.env.AGENTPORT_TEST_BASE;
const [token, another] = JSON.parse(process.env.AGENTPORT_TEST_TOKENS);

await withBrowser({ viewport: { width: 1280, height: 900 } }, async (context) => {
  const page = context.pages()[0] ?? (await context.newPage());
  const dialog = page.getByRole("dialog");
  const account = (label) => page.getByRole("article", { name: new RegExp(`^${label} of `) });
  const menu = async (label, item) => {
    await account(label).getByRole("button", { name: /^More about / }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };

  await signIn(page);
  await page.goto(base + "/#/accounts");
  await account("default").getByText("Connected").waitFor();
  await page.getByRole("button", { name: /^Add account of / }).click();
  await dialog.getByLabel("Label").fill("work");
  await dialog.getByLabel("token", { exact: true }).fill("fake-wrong");
  await dialog.getByRole("button", { name: "Try and add" }).click();
  const refused = await dialog.getByRole("alert").innerText();
  say({ at: "refused", refused });
  await dialog.getByLabel("token", { exact: true }).fill(token);
  await dialog.getByRole("button", { name: "Try and add" }).click();
  await account("work").getByText("Connected").waitFor();
  say({ at: "added" });

  await menu("work", "Replace token…");
  await dialog.getByLabel("token", { exact: true }).fill(another);
  await dialog.getByRole("button", { name: "Try and replace" }).click();
  await dialog.waitFor({ state: "detached" });
  await menu("work", "Make default");
  await account("work").getByText("Default", { exact: true }).waitFor();
  say({ at: "replaced" });
  await menu("default", "Disconnect…");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await account("default").waitFor({ state: "detached" });
  say({ at: "disconnected" });
}, [401, 502]);
