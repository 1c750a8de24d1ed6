// Parts of views that read as a page: sections, statements to be copied, bars.

function section(heading, ...parts) {
  return make("section", make("h2", heading), ...parts);
}

// A statement as it is, with a button that copies it.
function statementBlock(host, name, statement) {
  const button = make("button", "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await host.copy(statement)) ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return make("div.statement", code(name, statement), button);
}

// A bar of which a part is filled; a text beside it says the same.
function track(part) {
  const bar = make("b");
  bar.style.width = `${part * 100}%`;
  return make("span.track", bar);
}
