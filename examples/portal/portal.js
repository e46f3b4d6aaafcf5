// The page's side of a login with the card, in the messages that pages and the Web eID extension exchange. A button
// says by data-wire whom it speaks to: "web-eid" is the extension.
"use strict";

(() => {
  const LIBRARY_VERSION = "2.0.2";
  // Milliseconds: until the extension says that it heard, until the program has begun, for the citizen (the challenge
  // lives a minute longer), and for the extension to be there after the page.
  const ACKNOWLEDGED = 1000;
  const BEGUN = 5000;
  const CITIZEN = 240000;
  const LOADED = 1000;
  // For an answer of the server: a little more than it gives itself.
  const SERVER = 35000;

  const sentences = JSON.parse(document.getElementById("sentences").textContent);
  const language = document.documentElement.lang;
  const buttons = [...document.querySelectorAll("button[data-wire]")];

  class Failure extends Error {
    constructor(code) {
      super(code);
      this.code = Object.hasOwn(sentences, code) ? code : "ERR_WEBEID_UNKNOWN_ERROR";
    }
  }

  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const extensionHadTime = wait(LOADED);

  // Tells the citizen where things are. What went wrong interrupts, the rest waits until it is convenient.
  const say = (place, code, role) => {
    place.setAttribute("role", role);
    place.dataset.code = code;
    place.textContent = sentences[code];
  };

  // Sends a message to whoever answers on a wire, and waits for what comes of it.
  const ask = (wire, action, members, patience) => new Promise((resolve, reject) => {
    const name = `${wire}:${action}`;
    let timer = null;
    let heard = false;
    const end = (settle, value) => {
      clearTimeout(timer);
      window.removeEventListener("message", hear);
      settle(value);
    };
    const endAfter = (milliseconds, code) => {
      clearTimeout(timer);
      timer = setTimeout(() => end(reject, new Failure(code)), milliseconds);
    };
    const hear = (event) => {
      // An extension speaks as this window. Frames and other windows have nothing to say here.
      if (event.source !== window || event.origin !== window.location.origin) return;
      const said = event.data;
      if (said === null || typeof said !== "object") return;
      if (said.action === `${name}-ack` && !heard) {
        heard = true;
        endAfter(patience, "ERR_WEBEID_ACTION_TIMEOUT");
      } else if (said.action === `${name}-success`) {
        end(resolve, said);
      } else if (said.action === `${name}-failure`) {
        end(reject, new Failure(said.error?.code));
      }
    };
    window.addEventListener("message", hear);
    endAfter(ACKNOWLEDGED, "ERR_WEBEID_EXTENSION_UNAVAILABLE");
    window.postMessage({ action: name, libraryVersion: LIBRARY_VERSION, ...members }, window.location.origin);
  });

  // Posts to the server; the answer is an object.
  const post = async (path, body) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(SERVER);
    let answer;
    let said;
    try {
      answer = await fetch(path, {
        method: "POST", credentials: "same-origin", cache: "no-store", redirect: "error", headers, body, signal,
      });
      said = await answer.json();
    } catch {
      throw new Failure("network");
    }
    if (!answer.ok) throw new Failure(said?.error);
    return said;
  };

  const logIn = async (wire, tell) => {
    if (!window.isSecureContext) throw new Failure("ERR_WEBEID_CONTEXT_INSECURE");
    tell("starting");
    await extensionHadTime;
    const { nonce } = await post("/challenge");
    tell("waiting");
    const options = { lang: language, userInteractionTimeout: CITIZEN };
    const said = await ask(wire, "authenticate", { challengeNonce: nonce, options }, BEGUN + CITIZEN);
    // Whoever answers otherwise is no Web eID extension.
    for (const member of ["unverifiedCertificate", "algorithm", "signature", "format"]) {
      if (typeof said[member] !== "string") throw new Failure("ERR_WEBEID_UNKNOWN_ERROR");
    }
    tell("checking");
    const { unverifiedCertificate, algorithm, signature, format, appVersion } = said;
    const token = { unverifiedCertificate, algorithm, signature, format, appVersion };
    // Format 1.1 has one member more, and none without it.
    if (said.unverifiedSigningCertificates) token.unverifiedSigningCertificates = said.unverifiedSigningCertificates;
    await post("/login", JSON.stringify(token));
    tell("welcome");
    window.location.replace(`/?lang=${language}`);
  };

  const press = async (button) => {
    const place = document.getElementById(button.dataset.status ?? "status");
    // What happens now says more than what was expected.
    document.getElementById("readiness").textContent = "";
    for (const other of buttons) {
      other.disabled = true;
      const silent = document.getElementById(other.dataset.status ?? "status");
      silent.textContent = "";
      delete silent.dataset.code;
    }
    button.setAttribute("aria-busy", "true");
    try {
      await logIn(button.dataset.wire, (code) => say(place, code, "status"));
    } catch (error) {
      say(place, error instanceof Failure ? error.code : "ERR_WEBEID_UNKNOWN_ERROR", "alert");
      button.removeAttribute("aria-busy");
      for (const other of buttons) other.disabled = false;
      // A button that is disabled loses the keyboard, and in some browsers a mouse does not give it to a button but to
      // what is around it. Whoever went elsewhere meanwhile stays there.
      const here = [document.body, document.getElementById("content"), button];
      if (document.activeElement === null || here.includes(document.activeElement)) button.focus();
    }
  };

  for (const button of buttons) button.addEventListener("click", () => press(button));

  // Whether extension and program are there is told before anybody presses the button, and keeps nobody from it.
  extensionHadTime
    .then(() => ask("web-eid", "status", {}, BEGUN))
    .catch((failure) => {
      const busy = buttons.some((button) => button.disabled);
      if (!busy) say(document.getElementById("readiness"), failure.code, "status");
    });
})();
