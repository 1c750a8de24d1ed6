"use strict";
// The page's side of the MCP Apps protocol (specification 2026-01-26): JSON-RPC with the client, as messages
// between windows. A message of any other window is ignored.

class Host {
  constructor(name, on) {
    this.name = name;
    this.on = on;
    this.can = {};
    this.context = {};
    this.waiting = new Map();
    this.last = 0;
    addEventListener("message", (event) => {
      if (event.source === parent && event.data?.jsonrpc === "2.0") this.hear(event.data);
    });
  }

  async start() {
    const told = await this.ask("ui/initialize", {
      protocolVersion: "2026-01-26",
      appInfo: { name: `aurora-dsql ${this.name}`, version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.can = told.hostCapabilities ?? {};
    this.see(told.hostContext ?? {});
    this.tell("ui/notifications/initialized");
    new ResizeObserver(() => this.tellSize()).observe(document.body);
  }

  send(message) {
    parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  tell(method, params = {}) {
    this.send({ method, params });
  }

  ask(method, params) {
    return new Promise((resolve, reject) => {
      this.last += 1;
      this.waiting.set(this.last, { resolve, reject });
      this.send({ id: this.last, method, params });
    });
  }

  // Call a tool of the server that this page is from.
  call(name, args) {
    return this.ask("tools/call", { name, arguments: args });
  }

  // Put a file before the user; false if it was not taken.
  async download(name, mimeType, text) {
    const resource = { uri: `file:///${name}`, mimeType, text };
    const done = await this.ask("ui/download-file", { contents: [{ type: "resource", resource }] });
    return !done.isError;
  }

  // Let the model know, with its next message, what the user did here.
  async tellModel(text) {
    if (!this.can.updateModelContext) return false;
    await this.ask("ui/update-model-context", { content: [{ type: "text", text }] });
    return true;
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = element("textarea", { style: "position:fixed;opacity:0", "aria-hidden": "true" });
      const focused = document.activeElement;
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      focused?.focus();
      return done;
    }
  }

  hear(message) {
    const params = message.params ?? {};
    if (message.method === undefined) {
      const asked = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) asked?.reject(new Error(message.error.message));
      else asked?.resolve(message.result);
      return;
    }
    if (message.id !== undefined) {
      const known = message.method === "ping" || message.method === "ui/resource-teardown";
      this.send({
        id: message.id,
        ...(known ? { result: {} } : { error: { code: -32601, message: "Method not found" } }),
      });
      return;
    }
    if (message.method === "ui/notifications/tool-input") this.on.input?.(params.arguments ?? {});
    else if (message.method === "ui/notifications/tool-result") this.on.result?.(params);
    else if (message.method === "ui/notifications/tool-cancelled") this.on.cancelled?.(params.reason);
    else if (message.method === "ui/notifications/host-context-changed") this.see(params);
  }

  see(context) {
    Object.assign(this.context, context);
    const root = document.documentElement;
    if (context.theme) root.style.colorScheme = context.theme;
    if (context.locale) root.lang = context.locale;
    for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
      if (value && name.startsWith("--")) root.style.setProperty(name, value);
    }
    root.classList.toggle("full", this.context.displayMode === "fullscreen");
    this.on.context?.(this.context);
    this.tellSize();
  }

  tellSize() {
    if (this.context.displayMode === "fullscreen") return;
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height !== this.height) this.tell("ui/notifications/size-changed", { height: (this.height = height) });
  }

  get expands() {
    return (this.context.availableDisplayModes ?? []).includes("fullscreen");
  }

  async toggleSize() {
    const mode = this.context.displayMode === "fullscreen" ? "inline" : "fullscreen";
    this.see({ displayMode: (await this.ask("ui/request-display-mode", { mode })).mode });
  }
}

function textOf(result) {
  return (result.content ?? []).map((part) => part.text ?? "").join("\n");
}
