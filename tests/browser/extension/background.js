// For each action of a page one native host: waits for its version, asks once, takes one answer, and ends it.
"use strict";

const HOST = "it.cie_card.web_eid";
/** How long the host may take to say its version, and to answer `quit`; in milliseconds. */
const VERSION_WITHIN = 5_000;
const QUIT_WITHIN = 2_000;
/** How long a person may take, unless the page says otherwise. */
const PERSON_WITHIN = 120_000;
/** The longest that a timer can run. */
const LONGEST = 2 ** 31 - 1;
/** The longest message that a host takes, in bytes. */
const MESSAGE_BYTES = 8_192;

/** What each action asks of the host, and the texts that the page gives along. */
const COMMANDS = {
  "web-eid:status": { command: "quit", texts: [] },
  "web-eid:authenticate": { command: "authenticate", texts: ["challengeNonce"] },
  "web-eid:get-signing-certificate": { command: "get-signing-certificate", texts: [] },
  "web-eid:sign": { command: "sign", texts: ["hash", "hashFunction", "certificate"] },
};

/** Name and message of each code; with those of the host. */
const ERRORS = {
  ERR_WEBEID_NATIVE_UNAVAILABLE: ["NativeUnavailableError", "The program on this computer is not there or does not start."],
  ERR_WEBEID_USER_TIMEOUT: ["UserTimeoutError", "Nobody answered in time."],
  ERR_WEBEID_USER_CANCELLED: ["UserCancelledError", "The person cancelled."],
  ERR_WEBEID_NATIVE_FATAL: ["NativeFatalError", "The program on this computer could not do it."],
  ERR_WEBEID_NATIVE_INVALID_ARGUMENT: ["NativeInvalidArgumentError", "The request is too long."],
  ERR_WEBEID_MISSING_PARAMETER: ["MissingParameterError", "The request lacks a text."],
  ERR_WEBEID_UNKNOWN_ERROR: ["UnknownError", "The program on this computer ended without an answer."],
};

class Failure extends Error {
  constructor(code, message) {
    const known = Object.hasOwn(ERRORS, code) ? code : "ERR_WEBEID_UNKNOWN_ERROR";
    const [name, usual] = ERRORS[known];
    super(message ?? usual);
    this.wire = { name, message: this.message, code: known };
  }
}

/** The origin of whoever asks, as the browser knows it; what the page says of itself does not count. */
function originOf(sender) {
  const origin = sender.origin ?? new URL(sender.url).origin;
  // A frame's address is seen by nobody, so nobody could say whether it is the right one.
  if (sender.frameId !== 0) throw new Failure("ERR_WEBEID_UNKNOWN_ERROR", "Only the page itself is served, no frame in it.");
  if (!origin.startsWith("https://")) throw new Failure("ERR_WEBEID_UNKNOWN_ERROR", "The page has no origin.");
  return origin;
}

/** The one request to the host. */
function requestOf(action, asked, sender) {
  const { command, texts } = COMMANDS[action];
  const origin = originOf(sender);
  if (command === "quit") return { command, arguments: {} };
  const given = {};
  for (const name of texts) {
    if (typeof asked[name] !== "string" || asked[name] === "") {
      throw new Failure("ERR_WEBEID_MISSING_PARAMETER", `The request lacks ${name}.`);
    }
    given[name] = asked[name];
  }
  given.origin = origin;
  if (typeof asked.options?.lang === "string") given.lang = asked.options.lang;
  const request = { command, arguments: given };
  if (new TextEncoder().encode(JSON.stringify(request)).length > MESSAGE_BYTES) {
    throw new Failure("ERR_WEBEID_NATIVE_INVALID_ARGUMENT");
  }
  return request;
}

function patience(asked) {
  const wanted = asked.options?.userInteractionTimeout;
  return typeof wanted === "number" && wanted > 0 ? Math.min(wanted, LONGEST) : PERSON_WITHIN;
}

/** A running host. Its end and its messages arrive in their order; `leave` ends it. */
class Host {
  #port = chrome.runtime.connectNative(HOST);
  #arrived = [];
  #waiting = null;

  constructor() {
    this.#port.onMessage.addListener((message) => this.#arrive({ message }));
    this.#port.onDisconnect.addListener(() => {
      // Reading it is what keeps the browser from reporting it as unheeded.
      void chrome.runtime.lastError;
      this.#arrive({ ended: true });
    });
  }

  #arrive(event) {
    this.#arrived.push(event);
    this.#waiting?.();
  }

  /** The next message; a failure with the one code if the host has ended, with the other if time is up. */
  async next(milliseconds, ended, late) {
    let timer;
    const arrival = new Promise((resolve) => {
      this.#waiting = resolve;
      timer = setTimeout(resolve, milliseconds);
      if (this.#arrived.length > 0) resolve();
    });
    await arrival;
    clearTimeout(timer);
    this.#waiting = null;
    const event = this.#arrived.shift();
    if (event?.message !== undefined) return event.message;
    throw new Failure(event ? ended : late);
  }

  say(message) {
    this.#port.postMessage(message);
  }

  leave() {
    this.#port.disconnect();
    // An end that we bring about ourselves is not told.
    this.#arrive({ ended: true });
  }
}

async function perform(action, asked, sender, host) {
  const absent = "ERR_WEBEID_NATIVE_UNAVAILABLE";
  const { version } = (await host.next(VERSION_WITHIN, absent, absent)) ?? {};
  if (typeof version !== "string") throw new Failure(absent, "The program on this computer is another one.");
  const request = requestOf(action, asked, sender);
  host.say(request);
  if (request.command === "quit") {
    // Whether it says goodbye or not: it is there.
    await host.next(QUIT_WITHIN).catch(() => {});
    return { extension: chrome.runtime.getManifest().version, nativeApp: version };
  }
  const answer = await host.next(patience(asked), "ERR_WEBEID_UNKNOWN_ERROR", "ERR_WEBEID_USER_TIMEOUT");
  if (answer?.error) throw new Failure(answer.error.code, answer.error.message);
  return answer;
}

chrome.runtime.onConnect.addListener((page) => {
  const action = page.name;
  if (!Object.hasOwn(COMMANDS, action)) return page.disconnect();
  let host;
  let gone = false;
  page.onDisconnect.addListener(() => {
    void chrome.runtime.lastError;
    gone = true;
    host?.leave();
  });
  page.onMessage.addListener(async (asked) => {
    // One action for each port.
    if (host) return;
    let answer;
    try {
      // Before anything is started: is it a request at all?
      requestOf(action, asked, page.sender);
      host = new Host();
      answer = { result: await perform(action, asked, page.sender, host) };
    } catch (error) {
      answer = { error: (error instanceof Failure ? error : new Failure("ERR_WEBEID_UNKNOWN_ERROR", String(error))).wire };
    }
    host?.leave();
    if (!gone) page.postMessage(answer);
  });
});
