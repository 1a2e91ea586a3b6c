"use strict";

/** The server of `oxen-models workbench`, if the page came from it. */
const session = (() => {
  let current = null;

  /** Use the session of the page, null for a page without a server. */
  function load(value) {
    current = value;
  }

  /** Return whether the page can run requests. */
  function isServed() {
    return current !== null;
  }

  /**
   * Return the JSON object of a response.
   *
   * @throws {ServerError} with the message, the status and the body of an error.
   */
  async function send(method, path, body) {
    const response = await request(method, path, body);
    const value = await response.json().catch(() => ({}));
    if (response.ok) return value;
    throw new ServerError(response.status, value.error ?? {});
  }

  async function request(method, path, body) {
    const isFile = body instanceof Blob;
    const type = isFile ? "application/octet-stream" : "application/json";
    const headers = { "X-Workbench-Token": current.token, ...(body && { "Content-Type": type }) };
    try {
      return await fetch(path, { method, headers, body: isFile ? body : JSON.stringify(body) });
    } catch {
      const message = "the server does not respond; is oxen-models workbench still running?";
      throw new ServerError(0, { message });
    }
  }

  /** An error of the server; `details` has its kind and, for invalid values, the problems. */
  class ServerError extends Error {
    constructor(status, details) {
      super(details.message ?? `the server responded with status ${status}`);
      this.status = status;
      this.details = details;
    }
  }

  /** Send a file and return {path}, its value as a parameter. */
  function upload(file) {
    return send("POST", `/api/media?name=${encodeURIComponent(file.name)}`, file);
  }

  /** Cancel a run and return {run}, its new state. */
  function cancel(id) {
    return send("POST", `/api/runs/${encodeURIComponent(id)}/cancel`);
  }

  /** Call `onrun` with each state of a run until it ends. Not an `EventSource`, which sends no token. */
  async function follow(id, onrun) {
    const response = await request("GET", `/api/runs/${encodeURIComponent(id)}/events`);
    if (!response.ok) throw new ServerError(response.status, {});
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (buffer + value).replaceAll("\r\n", "\n").split("\n\n");
      buffer = events.pop();
      for (const event of events) {
        const lines = event.split("\n").filter((line) => line.startsWith("data:"));
        const data = lines.map((line) => line.slice(5));
        if (data.length > 0) onrun(JSON.parse(data.join("\n")));
      }
    }
  }

  return { load, isServed, send, upload, cancel, follow };
})();
