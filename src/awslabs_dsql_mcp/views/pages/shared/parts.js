"use strict";
// Parts of views that read as a page: a badge of the state, sections, statements to be copied.

function badge(text, kind) {
  $("badge").textContent = text;
  $("badge").className = `badge ${kind}`;
}

function fail(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
}

function section(heading, ...parts) {
  return element("section", {}, element("h2", {}, heading), ...parts);
}

// A statement as it is, with a button that copies it.
function statementBlock(host, name, statement) {
  const button = element("button", {}, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await host.copy(statement)) ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return element("div", { class: "statement" }, element("pre", { tabindex: "0", "aria-label": name }, visible(statement)), button);
}
