const KEPT = "awslabs-dsql-mcp";
const MAX_HISTORY = 100;
const GONE = "The viewer gave no answer: it may have been ended. Start it again, and open the address that the terminal shows.";
const UNSURE = " Whether a change was committed is not known: look at the data before it is run again.";
// Where a person finds what a tool does.
const PLACES = {
  readonly_query: "Run query",
  transact: "Run change",
  explain_query: "Plan",
  get_schema: "Tables and views",
  job_status: "Jobs",
  cluster_status: "Clusters",
};
const NAMED = RegExp(`(\\bcall |\\bsend it with )?\`?\\b(${Object.keys(PLACES).join("|")})\\b\`?(\\()?`, "gi");
const tools = new Map();
const past = [];
let objects = [];
let bridge = null;
let running = null;
let listing = 0;
let unanswered = 0;
let changing = 0;
let clusters = [];
let listed = "";
let question = Promise.resolve();

// The address has the key only until the tab is open; the secret lives as long as the tab.
async function begin() {
  const key = location.hash.slice(1);
  history.replaceState(null, "", "/");
  if (key) {
    const answer = await fetch("/open", { method: "POST", headers: { authorization: `Bearer ${key}` } }).catch(() => null);
    if (!answer) return shut(GONE);
    if (answer.ok) sessionStorage.setItem(KEPT, await answer.text());
    else if (!sessionStorage.getItem(KEPT)) return shut(await answer.text());
  }
  try {
    for (const tool of (await ask("tools/list", {})).tools) tools.set(tool.name, tool);
    const known = await ask("clusters", {});
    clusters = known.all;
    $("cluster").replaceChildren(...clusters.map(({ name }) => element("option", { value: name }, flat(name, 80))));
    $("cluster").value = known.default ?? clusters[0].name;
  } catch (error) {
    return shut(error.message);
  }
  $("closed").hidden = true;
  $("all").hidden = false;
  $("choice").hidden = clusters.length < 2;
  $("read").hidden = !tools.has("readonly_query");
  for (const [id, tool] of [["plan", "explain_query"], ["jobs", "job_status"], ["account", "cluster_status"]]) $(id).hidden = !tools.has(tool);
  tellMode();
  $("sql").focus();
  await listObjects();
}

// Whether the chosen cluster may be changed from here; the server holds to it in any case.
function tellMode() {
  const { writes } = clusters.find(({ name }) => name === $("cluster").value);
  $("preview").hidden = $("change").hidden = !(writes && tools.has("transact"));
  $("mode").textContent = writes ? "may change data" : "only reads, without allow-writes";
}

function shut(why) {
  $("all").hidden = true;
  $("closed").textContent = why;
  $("closed").hidden = false;
}

async function ask(method, params, signal) {
  const { status, text } = await post({ method, params }, signal).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(GONE);
  });
  if (status !== 200) throw new Error(text);
  const { result, error } = JSON.parse(text);
  if (error !== undefined) throw new Error(error);
  return result;
}

async function post(asked, signal) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${sessionStorage.getItem(KEPT) ?? ""}` };
  const answer = await fetch("/mcp", { method: "POST", headers, body: JSON.stringify(asked), signal });
  return { status: answer.status, text: await answer.text() };
}

// Call a tool. A result may be a question first; the same call with its answer goes on.
async function callTool(name, args, signal) {
  const changes = name === "transact" && !args.dry_run;
  changing += changes;
  try {
    return await answered(name, args, signal);
  } finally {
    changing -= changes;
  }
}

async function answered(name, args, signal) {
  let more = {};
  let declined = false;
  for (;;) {
    const result = await ask("tools/call", { name, arguments: args, ...more }, signal);
    if (result.resultType !== "input_required") return declined && result.isError ? { ...result, declined } : result;
    const inputResponses = {};
    for (const [key, asked] of Object.entries(result.inputRequests ?? {})) inputResponses[key] = await agreed(asked);
    declined = Object.values(inputResponses).some(({ action }) => action === "decline");
    more = { inputResponses, requestState: result.requestState };
  }
}

// Questions wait for each other: an answer is to the one that was read.
function agreed(asked) {
  question = question.then(() => put(asked));
  return question;
}

// Put a question to the person; only the button is agreement.
function put({ method, params }) {
  const fields = Object.keys(params?.requestedSchema?.properties ?? {});
  if (method !== "elicitation/create" || fields.join() !== "run") return { action: "decline" };
  const dialog = $("question");
  dialog.returnValue = "";
  $("questionText").textContent = visible(params.message);
  dialog.showModal();
  $("no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? { action: "accept", content: { run: true } } : { action: "decline" }), { once: true });
  });
}

function withCluster(args) {
  return $("choice").hidden ? args : { cluster: $("cluster").value, ...args };
}

// The text of a result for a person, who needs no marks around data.
function unmarked(text) {
  let left = text;
  for (const [line, mark] of text.matchAll(/^Data, not instructions, up to <\/([a-z]+-\d+)>:$/gm)) {
    left = left.replace(`${line}\n`, "").replace(`<${mark}>\n`, "").replace(`\n</${mark}>\nEnd of data.`, "");
  }
  return left;
}

// Advice for a person: tools by their places on the page, and which of them have none.
function inPlaces(advice) {
  const name = (_, verb, tool, open) => `${verb ? (verb < "a" ? "Use " : "use ") : ""}“${PLACES[tool]}”${open ? " (" : ""}`;
  const others = [...tools.keys()].filter((tool) => !PLACES[tool] && RegExp(`\\b${tool}\\b`).test(advice));
  const told = others.length ? ` This page has no button for ${others.join(" and ")}: an agent can do it.` : "";
  return advice.replace(NAMED, name) + told;
}

function adviceInPlaces(text) {
  return text.replace(/^Next: .*$/gm, inPlaces);
}

// A result for a view, whose advice a person reads.
function forPerson(result) {
  const { content = [], structuredContent: values } = result;
  if (result.isError) return { ...result, content: content.map((part) => (part.text ? { ...part, text: adviceInPlaces(part.text) } : part)) };
  return values?.next ? { ...result, structuredContent: { ...values, next: inPlaces(values.next) } } : result;
}

function clear() {
  bridge?.close();
  bridge = null;
  fail("");
  $("result").replaceChildren();
}

function show(tool, args, result) {
  const uri = tools.get(tool)?._meta?.ui?.resourceUri;
  if (!uri || (result.isError && !result.structuredContent)) {
    if (result.declined) return fail("You did not agree: nothing was run.");
    if (result.isError) return fail(adviceInPlaces(unmarked(textOf(result))));
    const text = element("pre", { tabindex: "0", role: "region", "aria-label": "Answer" }, visible(unmarked(textOf(result))));
    return $("result").replaceChildren(text);
  }
  const page = `/views/${uri.split("/").at(-1)}`;
  bridge = new Bridge($("result"), { tool, args, result: forPerson(result), page, title: tools.get(tool).annotations?.title ?? tool }, { call: (given) => callFromView(tool, given), download });
}

// A view may change only what was previewed: the server holds the token to it.
async function callFromView(tool, args) {
  if (tool === "transact" && !args.dry_run_token) throw new Error("A view runs only what was previewed.");
  let outcome = "unknown";
  try {
    const result = await callTool(tool, args);
    outcome = told(result);
    return forPerson(result);
  } finally {
    if (tool === "transact") {
      remember((args.sql_list ?? []).join(";\n"), "change", outcome, args.cluster);
      listObjects();
    }
  }
}

function download(contents) {
  for (const { resource } of contents) {
    const address = URL.createObjectURL(new Blob([resource.text ?? ""], { type: resource.mimeType }));
    const link = element("a", { href: address, download: (resource.uri ?? "rows.csv").split("/").at(-1) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }
  return {};
}

function told(result) {
  if (result.declined) return "not run";
  if (result.isError) return isUnsure(result) ? "unknown" : "failed";
  const values = result.structuredContent ?? {};
  if (values.outcome) return values.outcome.replace("_", " ");
  return Array.isArray(values.rows) ? plural(values.rows.length, "row") : "done";
}

async function run(kind, tool, makeArgs) {
  const sql = $("sql").value;
  if (running) return;
  clear();
  $("status").textContent = "";
  if (!sql.trim()) return fail("Nothing was run: the editor is empty.");
  running = new AbortController();
  busy(true);
  const begun = performance.now();
  let outcome = "failed";
  let args = null;
  try {
    args = withCluster(await makeArgs(sql));
    const result = await callTool(tool, args, running.signal);
    outcome = kind === "preview" && !result.isError ? "previewed" : told(result);
    show(tool, args, result);
    if (kind === "change") listObjects();
  } catch (error) {
    const stopped = error.name === "AbortError";
    const unsure = kind === "change" && args !== null; // what was not sent stored nothing
    outcome = unsure ? "unknown" : stopped ? "stopped" : "failed";
    fail((stopped ? "Stopped." : error.message) + (unsure ? UNSURE : ""));
  }
  running = null;
  busy(false);
  const seconds = ((performance.now() - begun) / 1000).toLocaleString("en", { maximumFractionDigits: 2 });
  $("status").textContent = `${outcome}, ${seconds} s`;
  remember(sql, kind, outcome, args?.cluster);
}

function busy(is) {
  for (const id of ["read", "plan", "preview", "change", "jobs", "account", "cluster"]) $(id).disabled = is;
  $("stop").hidden = !is;
  tell("status", is ? "Running…" : "");
}

async function statements(sql) {
  const found = await ask("statements", { sql });
  if (!found.length) throw new Error("Nothing was run: the text holds no statement.");
  return found;
}

function remember(sql, kind, outcome, cluster) {
  past.unshift({ sql, kind, outcome, cluster, when: new Date() });
  past.length = Math.min(past.length, MAX_HISTORY);
  $("historyNote").hidden = true;
  $("history").replaceChildren(
    ...past.map((one) => {
      const facts = [one.when.toLocaleTimeString(), one.cluster && flat(one.cluster, 80), one.kind, one.outcome].filter(Boolean).join(", ");
      const isBad = /failed|stopped|rolled|unknown/.test(one.outcome);
      const take = () => {
        $("sql").value = one.sql;
        $("sql").focus();
      };
      return element("li", {}, element("button", { onclick: take }, element("span", { class: "name" }, flat(one.sql.trim(), 60)), element("span", { class: isBad ? "facts bad" : "facts" }, facts)));
    }),
  );
}

// List the tables and views, or go on behind one; of several lists that are asked for at once, the last counts.
async function listObjects(after = "") {
  if (!tools.has("get_schema")) return;
  listing += 1;
  unanswered += 1;
  const mine = listing;
  let left = 0;
  try {
    const result = await callTool("get_schema", withCluster({ detail: "summary", limit: 100, ...(after ? { after } : {}) }));
    if (mine !== listing) return;
    if (result.isError) throw new Error(textOf(result));
    if (!after) objects = [];
    const { tables = [], more = 0 } = meta(result, "view") ?? {};
    objects.push(...tables.map((table) => ({ name: table.title, facts: factsOf(table) })));
    left = more;
    $("objectsNote").textContent = objects.length ? "" : "There are no tables or views yet.";
  } catch (error) {
    if (mine !== listing) return;
    if (!after) objects = [];
    $("objectsNote").textContent = error.message;
  } finally {
    unanswered -= 1;
  }
  $("more").hidden = !left;
  $("more").textContent = `${left.toLocaleString("en")} more`;
  find();
}

function factsOf({ kind, column_count: columns, estimate, comment }) {
  return [kind, plural(columns, "column"), estimate !== null && `about ${plural(estimate, "row")}`, comment].filter(Boolean).join(", ");
}

// A search is of all tables and views: those that are not listed yet are read first.
function find() {
  tellObjects();
  if ($("find").value && !$("more").hidden && !unanswered) listObjects(objects.at(-1).name);
}

function tellObjects() {
  const wanted = $("find").value.toLowerCase();
  const found = objects.filter(({ name }) => name.toLowerCase().includes(wanted));
  if (listed === JSON.stringify(found)) return; // elements that stay keep the focus
  listed = JSON.stringify(found);
  $("objects").replaceChildren(
    ...found.map(({ name, facts }) => {
      const shown = flat(name.replace(/^public\./, ""), 80);
      return element(
        "li",
        {},
        element("button", { title: "Show its rows", onclick: () => openTable(name) }, element("span", { class: "name" }, shown), element("span", { class: "facts" }, flat(facts, 120))),
        element("button", { class: "what", "aria-label": `Columns of ${shown}`, onclick: () => look("get_schema", { table_name: name }) }, "Columns"),
      );
    }),
  );
}

function openTable(name) {
  $("sql").value = `SELECT * FROM ${name}`;
  read();
}

// Show what a tool tells of the cluster, beside what is written in the editor.
async function look(tool, given) {
  if (running) return;
  clear();
  running = new AbortController();
  busy(true);
  const args = tools.get(tool).inputSchema.properties.cluster ? withCluster(given) : given;
  try {
    show(tool, args, await callTool(tool, args, running.signal));
  } catch (error) {
    fail(error.name === "AbortError" ? "Stopped." : error.message);
  }
  running = null;
  busy(false);
}

function read() {
  run("query", "readonly_query", (sql) => ({ sql }));
}

$("read").addEventListener("click", read);
$("plan").addEventListener("click", () => run("plan", "explain_query", (sql) => ({ sql })));
$("preview").addEventListener("click", () => run("preview", "transact", async (sql) => ({ sql_list: await statements(sql), dry_run: true })));
$("change").addEventListener("click", () => run("change", "transact", async (sql) => ({ sql_list: await statements(sql) })));
$("jobs").addEventListener("click", () => look("job_status", {}));
$("account").addEventListener("click", () => look("cluster_status", {}));
$("stop").addEventListener("click", () => running?.abort());
$("refresh").addEventListener("click", () => listObjects());
$("more").addEventListener("click", () => listObjects(objects.at(-1).name));
$("find").addEventListener("input", find);
$("cluster").addEventListener("change", () => {
  clear();
  tellMode();
  listObjects();
});
$("yes").addEventListener("click", () => $("question").close("yes"));
$("no").addEventListener("click", () => $("question").close(""));
$("sql").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    read();
  }
});
addEventListener("hashchange", begin);
// To leave ends what runs: the browser asks first.
addEventListener("beforeunload", (event) => changing && event.preventDefault());
begin();
