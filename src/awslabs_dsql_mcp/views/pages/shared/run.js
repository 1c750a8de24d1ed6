// The button that runs what is shown; the token of a dry run is here alone. It asks twice where something is
// dropped or every row changed, and goes when its token is too old.

let offered, isAsking, timer;

// What is offered: { tool, args, grave, seconds, name }, what it showed as { foreseen }, and in words
// { undone, done } what became of it.
function offer(what) {
  forget();
  if (!what) return;
  if (!host.can.serverTools) return tell("note", "This client does not let a view run it.");
  offered = what;
  $("run").hidden = false;
  ask(false);
  if (what.seconds === null) return;
  timer = setTimeout(() => {
    forget();
    warn("Too old to be run from here. Ask for another dry run.");
  }, what.seconds * 1000);
}

function forget() {
  clearTimeout(timer);
  offered = null;
  isAsking = false;
  $("run").hidden = $("no").hidden = $("warning").hidden = true;
}

function warn(text) {
  fail(text, "warning");
}

function ask(again) {
  isAsking = again;
  $("no").hidden = !again;
  tell("run", again ? "Yes, run it" : offered.name);
  warn(again ? "This drops something, or changes every row of a table. It cannot be undone." : "");
}

async function run() {
  if (!offered) return;
  if (offered.grave && !isAsking) return ask(true);
  const { tool, args, undone, done, foreseen } = offered;
  forget();
  fail("");
  badge("Running…", "dry");
  let result;
  try {
    result = await host.call(tool, args);
    request = args;
    show(result, foreseen);
  } catch (error) {
    badge("Unknown", "bad");
    return fail(`${undone} is not known: the client gave no answer (${error.message}). Look at the data before it is run again.`);
  }
  const told = host.tellModel(`${done} The server's answer:\n${textOf(result)}`);
  await told.catch(() => $("note").append(" The client did not tell the model of it."));
}

onClick({ run, no: () => ask(false) });
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isAsking) ask(false);
});
