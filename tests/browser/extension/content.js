// Between a page and the background: takes the page's requests and posts what becomes of them. Only one at a time may
// need the person; asking whether everything is there needs nobody, and disturbs nothing.
"use strict";

(() => {
  const ACTIONS = ["web-eid:status", "web-eid:authenticate", "web-eid:get-signing-certificate", "web-eid:sign"];
  let busy = false;

  const post = (message) => window.postMessage(message, window.location.origin);
  const fail = (action, name, code, message) => post({ action: `${action}-failure`, error: { name, message, code } });

  window.addEventListener("message", (event) => {
    // Frames and other windows can post here, too. What they want they ask for in their own documents.
    if (event.source !== window || event.origin !== window.location.origin) return;
    const request = event.data;
    const action = request?.action;
    if (!ACTIONS.includes(action)) return;
    post({ action: `${action}-ack` });
    if (!window.isSecureContext) {
      fail(action, "ContextInsecureError", "ERR_WEBEID_CONTEXT_INSECURE", "The page did not come over a secure connection.");
    } else if (busy && action !== "web-eid:status") {
      fail(action, "ActionPendingError", "ERR_WEBEID_ACTION_PENDING", "Another action of this page is not finished.");
    } else {
      start(action, request);
    }
  });

  function start(action, request) {
    let port;
    try {
      port = chrome.runtime.connect({ name: action });
    } catch {
      // The extension was removed or replaced since this page was loaded.
      fail(action, "ExtensionUnavailableError", "ERR_WEBEID_EXTENSION_UNAVAILABLE", "The extension is no longer there.");
      return;
    }
    let pending = true;
    if (action !== "web-eid:status") busy = true;
    const finish = (answer) => {
      if (!pending) return;
      pending = false;
      if (action !== "web-eid:status") busy = false;
      window.removeEventListener("pagehide", leave);
      port.disconnect();
      if (answer.error) post({ action: `${action}-failure`, error: answer.error });
      else post({ ...answer.result, action: `${action}-success` });
    };
    // The background sees the port's end when the page goes, and ends the native host with its dialogue. The page may
    // come back as it was, by the browser's own buttons: then it is told, and may ask again.
    const leave = () => {
      finish({ error: { name: "UserCancelledError", message: "The page was left.", code: "ERR_WEBEID_USER_CANCELLED" } });
    };
    window.addEventListener("pagehide", leave);
    port.onMessage.addListener(finish);
    port.onDisconnect.addListener(() => {
      const message = "The extension ended before the action did.";
      finish({ error: { name: "UnknownError", message, code: "ERR_WEBEID_UNKNOWN_ERROR" } });
    });
    try {
      port.postMessage(request);
    } catch {
      const message = "The request has something in it that is no JSON.";
      finish({ error: { name: "NativeInvalidArgumentError", message, code: "ERR_WEBEID_NATIVE_INVALID_ARGUMENT" } });
    }
  }
})();
