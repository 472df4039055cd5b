// @ts-check
import { CaptureFeed } from "../inspector/feed.js";
import { ApiError, request } from "../lib/api.js";
import { serverSentEvents } from "../lib/sse.js";
import { Store } from "../lib/store.js";
import { addChunk } from "./fold.js";
import { streamed } from "./request.js";

/**
 * One request, from its sending to its end.
 * @extends {Store<{status: "running" | "done" | "stopped" | "failed", message: any, finish: string,
 *   notes: string[], frames: string[], error: ApiError | null}>}
 */
export class Run extends Store {
  #abort = new AbortController();

  /** @param {any} body of a chat request */
  constructor(body) {
    super({
      status: "running",
      message: { role: "assistant", content: null },
      finish: "",
      notes: [],
      frames: [], // the lines of each event, as they arrived
      error: null,
    });
    this.body = body;
    this.id = newId();
    this.feed = new CaptureFeed(this.id, body.model);
  }

  /** Sends the request, and reads its answer to the end. Errors become part of the value. */
  async follow() {
    const answer = this.#read();
    this.feed.follow();
    try {
      await answer;
      this.set({ status: "done" });
    } catch (error) {
      if (this.#abort.signal.aborted) this.set({ status: "stopped" });
      else this.set({ status: "failed", error: toError(error) });
    }
    if (this.feed.value.error) this.feed.follow(); // a key may allow one request at a time
  }

  stop() {
    this.#abort.abort();
  }

  async #read() {
    const response = await request("v1/chat/completions", {
      body: streamed(this.body),
      headers: { "X-Request-Id": this.id },
      signal: this.#abort.signal,
    });
    for await (const { data, text } of serverSentEvents(response)) {
      this.value.frames.push(text);
      if (data && data !== "[DONE]") this.#add(JSON.parse(data));
      this.changed();
    }
  }

  /** @param {any} chunk */
  #add(chunk) {
    if (chunk.error) throw ApiError.of(chunk);
    addChunk(this.value.message, chunk);
    const choice = chunk.choices?.[0];
    if (choice?.finish_reason) this.value.finish = choice.finish_reason;
    if (choice?.notes) this.value.notes = choice.notes;
  }
}

/** @param {any} error */
function toError(error) {
  return error instanceof ApiError ? error : new ApiError(`The answer broke off: ${error.message}`, "broken_stream");
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `req_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
