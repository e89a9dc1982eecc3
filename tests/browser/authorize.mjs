// The page that waits for the owner's consent, in Chromium: what it shows, what a page of another origin can do to it, and
// where it goes once the owner has decided. Reads AGENTPORT_TEST_URL, AGENTPORT_TEST_PORT (the client's), CHROMIUM.
// Says one JSON object a line.
import { createServer } from "node:http";
import { say, withBrowser } from "./chromium.mjs";

const target = process.env.AGENTPORT_TEST_URL;
const gateway = new URL(target).origin;

const listen = (port, answer) =>
  new Promise((resolve) => {
    const server = createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(answer(request));
    });
    server.listen(port, "127.0.0.1", () => resolve(server));
  });

const client = await listen(Number(process.env.AGENTPORT_TEST_PORT), () => "<h1>Back in the client</h1>");
const attack = (id) => `<h1>Prizes</h1>
  <iframe id="frame" src="${target.replaceAll("&", "&amp;")}"></iframe>
  <iframe name="sink"></iframe>
  <form id="forged" method="post" target="sink" action="${gateway}/control/consents/${id}/approve"
    enctype="text/plain"><input name='{"agent":null,"x":"' value='"}'></form>`;

await withBrowser(
  {},
  async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(target);
    await page.getByRole("status").getByText("Waiting for your decision").waitFor();
    const width = await page.locator("main").evaluate((main) => getComputedStyle(main).maxWidth);
    const request = await page.locator("main").getAttribute("data-request");
    say({ step: "waiting", text: await page.locator("body").innerText(), width });

    const stranger = await listen(0, () => attack(process.env.AGENTPORT_TEST_CONSENT));
    const evil = await context.newPage();
    await evil.goto(`http://127.0.0.1:${stranger.address().port}/`);
    await evil.locator("#forged").evaluate((form) => form.submit());
    const read = await evil.evaluate(
      async ([base, id]) => {
        const tried = [
          fetch(`${base}/oauth/authorize/wait?request=${id}`).then((answer) => answer.text()),
          fetch(`${base}/.well-known/oauth-authorization-server`).then((answer) => answer.text()),
          fetch(`${base}/control/consents`).then((answer) => answer.text()),
        ];
        return (await Promise.allSettled(tried)).filter((one) => one.status === "fulfilled").length;
      },
      [gateway, request],
    );
    const framed = await evil.frames()[1].locator("main").count();
    say({ step: "attacked", read, framed });
    await evil.close();
    stranger.close();

    await page.waitForURL((url) => url.pathname === "/callback");
    await page.getByRole("heading", { name: "Back in the client" }).waitFor();
    say({ step: "back", url: page.url() });
  },
  // What the stranger's page is refused is what is to be shown.
  [400, 401, 403, 404, 405, "CORS policy", "in a frame", "frame-ancestors", "ERR_FAILED", "ERR_BLOCKED"],
);
client.close();
