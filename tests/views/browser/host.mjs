// A client's page, made of the extension's own bridge. It shows the view of a tool in a frame of another origin,
// and writes down what the view asks for.
import { AppBridge, PostMessageTransport, getToolUiResourceUri } from "@modelcontextprotocol/ext-apps/app-bridge";

window.seen = { calls: [], sizes: [], told: [], files: [], modes: [] };

async function ask(method, params) {
  const answer = await (await fetch("/mcp", { method: "POST", body: JSON.stringify({ method, params }) })).json();
  if (answer.error) throw new Error(answer.error);
  return answer.result;
}

function readyFrame(sandbox) {
  const frame = document.createElement("iframe");
  frame.style = "display:block;width:100%;height:120px;border:0";
  frame.sandbox = "allow-scripts allow-same-origin";
  frame.allow = "clipboard-write";
  return new Promise((resolve) => {
    addEventListener("message", function heard(event) {
      if (event.source !== frame.contentWindow) return;
      if (event.data?.method !== "ui/notifications/sandbox-proxy-ready") return;
      removeEventListener("message", heard);
      resolve(frame);
    });
    frame.src = sandbox;
    document.body.replaceChildren(frame);
  });
}

// Show a view; `given` is what the tool answered, if it is not to be called.
window.openView = async ({ tool, args, context, capabilities, given, sandbox }) => {
  for (const list of Object.values(seen)) list.length = 0;
  const described = (await ask("listTools")).tools.find((each) => each.name === tool);
  const page = (await ask("readResource", { uri: getToolUiResourceUri(described) })).contents[0];
  const frame = await readyFrame(sandbox);
  const bridge = new AppBridge(null, { name: "tests", version: "1" }, capabilities, {
    hostContext: { toolInfo: { tool: described }, displayMode: "inline", containerDimensions: { maxHeight: 700 }, ...context },
  });
  bridge.oncalltool = (params) => (seen.calls.push(params), ask("callTool", params));
  bridge.onsizechange = ({ height }) => (seen.sizes.push(height), (frame.style.height = `${height}px`));
  bridge.onupdatemodelcontext = (params) => (seen.told.push(params), {});
  bridge.ondownloadfile = (params) => (seen.files.push(params), {});
  bridge.onrequestdisplaymode = ({ mode }) => {
    seen.modes.push(mode);
    frame.style.height = mode === "fullscreen" ? "100vh" : "120px";
    return { mode };
  };
  const initialized = new Promise((resolve) => (bridge.oninitialized = resolve));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  await bridge.sendSandboxResourceReady({ html: page.text, csp: page._meta?.ui?.csp, permissions: page._meta?.ui?.permissions });
  await initialized;
  await bridge.sendToolInput({ arguments: args });
  window.bridge = bridge;
  const result = given ?? (await ask("callTool", { name: tool, arguments: args }));
  await bridge.sendToolResult(result);
  return result;
};
window.changeContext = (context) => bridge.sendHostContextChange(context);
