// A client on the TypeScript SDK, either line: it reads calls, a line of JSON each, and writes what the SDK gives.
// Its arguments: the line of the SDK (1 or 2), and the server as JSON (command, args, env).
import { createInterface } from "node:readline";

const [line, server] = process.argv.slice(-2);
const of1 = (part) => import(`@modelcontextprotocol/sdk/${part}.js`);
const [{ Client }, { StdioClientTransport }, asking] =
  line === "1"
    ? [await of1("client/index"), await of1("client/stdio"), (await of1("types")).ElicitRequestSchema]
    : [
        await import("@modelcontextprotocol/client"),
        await import("@modelcontextprotocol/client/stdio"),
        "elicitation/create",
      ];

let consent;
const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(asking, async () =>
  consent === "accept" ? { action: "accept", content: { run: true } } : { action: "decline" },
);
await client.connect(new StdioClientTransport(JSON.parse(server)));
await client.listTools(); // line 1 checks results against the schemas that it has seen
for await (const text of createInterface({ input: process.stdin })) {
  const call = JSON.parse(text);
  consent = call.consent;
  let given;
  try {
    const { content, structuredContent } = await client.callTool({ name: call.tool, arguments: call.arguments });
    given = { content, structuredContent };
  } catch (error) {
    given = { thrown: String(error) };
  }
  console.log(JSON.stringify(given));
}
await client.close();
