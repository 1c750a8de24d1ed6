// The page's side of the MCP Apps protocol (specification 2026-01-26): JSON-RPC with the client, as messages
// between windows. A message of any other window is ignored.

let request = {}; // arguments of the call that is shown

class Host {
  constructor(name, on) {
    this.name = name;
    this.on = on;
    this.can = {};
    this.context = {};
    this.waiting = new Map();
    this.last = 0;
    addEventListener("message", ({ source, data }) => {
      if (source === parent && data?.jsonrpc === "2.0") this.hear(data);
    });
    this.size = element("button", { hidden: true, id: "size", onclick: () => this.toggleSize() });
    const bar = document.querySelector(".bar");
    bar.append(this.size);
    bar.after(...["error", "warning"].map((id) => element(`div.${id}`, { id, role: "alert", hidden: true })));
    this.start();
  }

  async start() {
    const told = await this.ask("ui/initialize", {
      protocolVersion: "2026-01-26",
      appInfo: { name: `aurora-dsql ${this.name}`, version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.can = told.hostCapabilities ?? {};
    this.see(told.hostContext ?? {});
    this.send({ method: "ui/notifications/initialized", params: {} });
    new ResizeObserver(() => this.tellSize()).observe(document.body);
  }

  send(message) {
    parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
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
    return !(await this.ask("ui/download-file", { contents: [{ type: "resource", resource }] })).isError;
  }

  // Let the model know, with its next message, what the user did here.
  async tellModel(text) {
    if (this.can.updateModelContext) await this.ask("ui/update-model-context", { content: [{ type: "text", text }] });
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = element("textarea", { style: "position:fixed;opacity:0" });
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

  hear({ id, method, params = {}, result, error }) {
    if (method === undefined) {
      const asked = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) asked?.reject(new Error(error.message));
      else asked?.resolve(result);
    } else if (id !== undefined) {
      const isKnown = ["ping", "ui/resource-teardown"].includes(method);
      this.send({ id, ...(isKnown ? { result: {} } : { error: { code: -32601, message: "Method not found" } }) });
    } else if (method === "ui/notifications/tool-input") this.input = request = params.arguments ?? {};
    else if (method === "ui/notifications/tool-result") {
      if (!this.input || this.input !== this.shown) this.on.result(params); // once: it may have been run since
      this.shown = this.input;
    } else if (method === "ui/notifications/tool-cancelled") this.on.cancelled ? this.on.cancelled() : badge("Cancelled", "bad");
    else if (method === "ui/notifications/host-context-changed") this.see(params);
  }

  see(context) {
    Object.assign(this.context, context);
    const root = document.documentElement;
    if (context.theme) root.style.colorScheme = context.theme;
    if (context.locale) root.lang = context.locale;
    for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
      if (value && name.startsWith("--")) root.style.setProperty(name, value);
    }
    root.classList.toggle("full", this.isFull);
    this.size.hidden = !this.context.availableDisplayModes?.includes("fullscreen");
    this.size.textContent = this.isFull ? "Back" : "Expand";
    this.on.context?.(this.context);
    this.tellSize();
  }

  get isFull() {
    return this.context.displayMode === "fullscreen";
  }

  tellSize() {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (this.isFull || height === this.height) return;
    this.height = height;
    this.send({ method: "ui/notifications/size-changed", params: { height } });
  }

  async toggleSize() {
    const asked = this.ask("ui/request-display-mode", { mode: this.isFull ? "inline" : "fullscreen" });
    await asked.then(({ mode }) => this.see({ displayMode: mode }), () => (this.size.hidden = true));
  }
}
