// The owner adds a server by its address and signs in to it in a real browser; adds a second account, which is refused
// at the provider first; and makes it the default, with the first one disconnected.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_SERVER (its address), CHROMIUM. Says one JSON object
// a line at each step.
import { say, signIn, withBrowser } from "./chromium.mjs";

const base = process.env.AGENTPORT_TEST_BASE;
const server = process.env.AGENTPORT_TEST_SERVER;
const host = new URL(server).host;
// Statuses that Chromium logs: 502 where the server wants to be signed in to, 400 where consent was denied.
const REFUSED = [400, 401, 502];

await withBrowser(
  { viewport: { width: 1280, height: 900 } },
  async (context) => {
    // Neither the provider nor the page it sends the browser back to has an icon.
    await context.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
    const page = context.pages()[0] ?? (await context.newPage());
    /** Presses a button that opens the provider's page, and answers there. */
    const consent = async (button, decision, account = "ada") => {
      const [provider] = await Promise.all([context.waitForEvent("page"), button.click()]);
      await provider.getByRole("heading", { name: "Allow access?" }).waitFor();
      await provider.getByLabel("Account").fill(account);
      await provider.getByRole("button", { name: decision }).click();
      await provider.getByRole("heading").waitFor();
      const title = await provider.getByRole("heading").innerText();
      await provider.close();
      return title;
    };
    const account = (label) => page.getByRole("article", { name: new RegExp(`^${label} of `) });
    const menu = async (label, item) => {
      await account(label).getByRole("button", { name: /^More about / }).click();
      await page.getByRole("menuitem", { name: item }).click();
    };

    await signIn(page);
    await page.goto(base + "/#/integrations/add");
    await page.getByRole("textbox", { name: "URL" }).fill(server);
    await page.getByRole("button", { name: "Add integration" }).click();
    const offer = page.getByRole("button", { name: `Sign in with ${host}` });
    await offer.waitFor();
    const answered = await consent(offer, "Approve");
    await page.getByText(/^You are signed in to /).last().waitFor();
    say({ at: "signed in", answered });
    await page.getByRole("link", { name: `To ${host}` }).click();
    await page.getByRole("tab", { name: "Accounts" }).click();
    await account("default").getByText("Connected").waitFor();

    await page.getByRole("link", { name: "Accounts", exact: true }).click();
    await page.getByRole("button", { name: /^Add account of / }).click();
    await page.getByLabel("Label").fill("work");
    const again = page.getByRole("dialog").getByRole("button", { name: /^Sign in with / });
    await consent(again, "Deny");
    await page.getByRole("button", { name: "Try again" }).waitFor();
    const refused = await page.getByRole("region", { name: "Sign-in" }).innerText();
    say({ at: "refused", refused });
    await consent(page.getByRole("button", { name: "Try again" }), "Approve", "bob");
    await page.getByRole("dialog").getByText(/^You are signed in to /).last().waitFor();
    await page.getByRole("button", { name: "Close" }).last().click();
    await account("work").getByText("Connected").waitFor();
    say({ at: "two accounts" });

    await menu("work", "Make default");
    await account("work").getByText("Default", { exact: true }).waitFor();
    await menu("default", "Disconnect…");
    await page.getByRole("button", { name: "Disconnect" }).click();
    await account("default").waitFor({ state: "detached" });
    say({ at: "disconnected" });
  },
  REFUSED,
);
