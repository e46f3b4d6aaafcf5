// Plays the extension's and the program's part for the button of the demonstration: the same messages under a name of
// their own, so that an extension that is installed does not feel spoken to.
"use strict";

window.addEventListener("message", async (event) => {
  if (event.source !== window || event.origin !== window.location.origin) return;
  if (event.data?.action !== "web-eid-demo:authenticate") return;
  const reply = (action, members) =>
    window.postMessage({ action: `web-eid-demo:authenticate-${action}`, ...members }, window.location.origin);
  reply("ack", {});
  try {
    const answer = await fetch("/demo/answer", {
      method: "POST",
      credentials: "same-origin",
      redirect: "error",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ challengeNonce: event.data.challengeNonce }),
    });
    const said = await answer.json();
    if (answer.ok) reply("success", said);
    else reply("failure", { error: { code: said.error, message: "the software card", name: "DemoError" } });
  } catch {
    reply("failure", { error: { code: "network", message: "no answer", name: "DemoError" } });
  }
});
