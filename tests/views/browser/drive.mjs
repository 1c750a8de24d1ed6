// A client with a real browser: it reads commands, a line of JSON each, and writes what came of them.
// Its arguments: the browser's program, the server as JSON (command, args, env), the client's capabilities.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { build } from "esbuild";
import puppeteer from "puppeteer-core";

const [program, server, capabilities] = process.argv.slice(2);
// The policy of a page that asks for nothing (MCP Apps, "Content Security Policy"); the proxy itself frames it.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "media-src 'self' data:",
  "connect-src 'none'",
].join("; ");
const PROXY = `<!doctype html><meta charset="utf-8"><style>html,body,iframe{margin:0;border:0;width:100%;height:100%;display:block}</style><body><script>
const inner = document.createElement("iframe");
inner.sandbox = "allow-scripts allow-same-origin";
inner.allow = "clipboard-write";
document.body.append(inner);
addEventListener("message", ({ source, data }) => {
  if (source === inner.contentWindow) parent.postMessage(data, "*");
  else if (source !== parent) return;
  else if (data?.method === "ui/notifications/sandbox-resource-ready") inner.srcdoc = data.params.html.replace("<head>", ${JSON.stringify(`<head><meta http-equiv="Content-Security-Policy" content="${POLICY}">`)});
  else inner.contentWindow.postMessage(data, "*");
});
parent.postMessage({ jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} }, "*");
</script>`;

const client = new Client({ name: "views", version: "1" }, { capabilities: JSON.parse(capabilities) });
await client.connect(new StdioClientTransport(JSON.parse(server)));
const bundle = await build({ entryPoints: ["host.mjs"], bundle: true, write: false, format: "iife" });

function listen(answer) {
  return new Promise((resolve) => {
    const made = createServer(answer).listen(0, "127.0.0.1", () => resolve(`http://localhost:${made.address().port}/`));
  });
}

const sandbox = await listen((request, response) => {
  response.setHeader("content-type", "text/html");
  response.setHeader("content-security-policy", `${POLICY}; frame-src 'self'`);
  response.end(PROXY);
});
const origin = await listen(async (request, response) => {
  if (request.url === "/host.js") return response.end(bundle.outputFiles[0].text);
  if (request.url !== "/mcp") return response.end("<!doctype html><meta charset=utf-8><title>Host</title><style>body{margin:0}</style><body><script src=/host.js></script>");
  let body = "";
  for await (const part of request) body += part;
  const { method, params } = JSON.parse(body);
  try {
    response.end(JSON.stringify({ result: await client[method](params) }));
  } catch (error) {
    response.end(JSON.stringify({ error: String(error) }));
  }
});

const browser = await puppeteer.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-software-rasterizer", "--font-render-hinting=none"],
  headless: true,
  protocolTimeout: 60000,
});
await browser.defaultBrowserContext().overridePermissions(origin, ["clipboard-read", "clipboard-sanitized-write"]);
const page = await browser.newPage();
const session = await page.createCDPSession();
const faults = [];
page.on("pageerror", (error) => faults.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" || message.type() === "warn") faults.push(message.text());
});
await page.evaluateOnNewDocument(() => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
});
await page.setViewport({ width: 900, height: 640 });
await page.goto(origin);

// The view: the innermost frame. What is asked of the page around it says so.
const view = ({ on } = {}) => (on === "page" ? page.mainFrame() : (page.frames().find((frame) => frame.parentFrame()?.parentFrame()) ?? page.frames().find((frame) => frame.parentFrame())));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const commands = {
  open: (asked) => page.evaluate((given) => window.openView(given), { ...asked, sandbox }),
  context: ({ context }) => page.evaluate((given) => window.changeContext(given), context),
  visit: async ({ url }) => {
    faults.length = 0;
    await page.goto("about:blank");
    await page.goto(url ?? origin);
    return true;
  },
  evaluate: ({ script }) => view().evaluate(script),
  inHost: ({ script }) => page.evaluate(script),
  click: async ({ selector, on }) => (await view({ on }).$(selector)).click(),
  doubleClick: async ({ selector }) => (await view().$(selector)).click({ count: 2 }),
  type: async ({ selector, text, on }) => (await view({ on }).$(selector)).type(text),
  press: async ({ keys }) => {
    for (const key of keys) await page.keyboard.press(key);
  },
  wait: ({ script, on }) => view({ on }).waitForFunction(script, { timeout: 20000 }).then(() => true),
  media: ({ features }) => session.send("Emulation.setEmulatedMedia", { features }),
  size: ({ width, height, scale }) => page.setViewport({ width, height, deviceScaleFactor: scale ?? 1 }),
  picture: async ({ path, on }) => {
    const { width, height } = await (await page.$(on === "page" ? "body" : "iframe")).boundingBox();
    await page.screenshot({ path, clip: { x: 0, y: 0, width, height: height + 8 } });
    return true;
  },
  faults: async () => [...faults, ...(await Promise.all(page.frames().map((frame) => frame.evaluate(() => window.violations)))).flat()],
  forgetFaults: () => faults.splice(0).length,
  axe: async ({ on }) => {
    await view({ on }).evaluate(axe);
    const found = await view({ on }).evaluate(() => window.axe.run(document, { iframes: false }));
    return found.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((node) => node.html.slice(0, 200)).slice(0, 3) }));
  },
};
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...asked } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await commands[command](asked)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
await client.close();
process.exit(0);
