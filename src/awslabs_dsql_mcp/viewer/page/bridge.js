// A view in a frame of its own origin, and the client's side of the MCP Apps protocol with it (specification
// 2026-01-26). Only messages of that frame count, and it may call the tool alone whose answer it shows.

class Bridge {
  constructor(place, view, on) {
    this.view = view;
    this.on = on;
    this.frame = element("iframe", { title: view.title, sandbox: "allow-scripts", allow: "clipboard-write", src: view.page });
    this.heard = (event) => {
      if (event.source === this.frame.contentWindow && event.data?.jsonrpc === "2.0") this.hear(event.data);
    };
    addEventListener("message", this.heard);
    place.replaceChildren(this.frame);
  }

  close() {
    removeEventListener("message", this.heard);
    this.frame.remove();
  }

  // The frame's origin is opaque, and has no name that a message could be addressed to.
  send(message) {
    this.frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  async hear(message) {
    if (message.id === undefined) return this.note(message.method, message.params ?? {});
    if (message.method === undefined) return;
    try {
      this.send({ id: message.id, result: await this.answer(message.method, message.params ?? {}) });
    } catch (error) {
      this.send({ id: message.id, error: { code: -32603, message: error.message } });
    }
  }

  note(method, params) {
    if (method === "ui/notifications/initialized") {
      this.send({ method: "ui/notifications/tool-input", params: { arguments: this.view.args } });
      this.send({ method: "ui/notifications/tool-result", params: this.view.result });
    } else if (method === "ui/notifications/size-changed" && Number.isFinite(params.height)) {
      this.frame.style.height = `${Math.min(Math.max(params.height, 40), 4000)}px`;
    }
  }

  answer(method, params) {
    if (method === "ui/initialize") {
      return {
        protocolVersion: "2026-01-26",
        hostInfo: { name: "awslabs-dsql-mcp view", version: "1" },
        hostCapabilities: { serverTools: {}, downloadFile: {} },
        hostContext: { displayMode: "inline", availableDisplayModes: ["inline"], containerDimensions: { maxHeight: 700 } },
      };
    }
    if (method === "ping") return {};
    if (method === "tools/call" && params.name === this.view.tool) return this.on.call(params.arguments ?? {});
    if (method === "ui/download-file") return this.on.download(params.contents ?? []);
    throw new Error(`${method} is not offered here.`);
  }
}
