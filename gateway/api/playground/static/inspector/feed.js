// @ts-check
import { ApiError, getJson, request } from "../lib/api.js";
import { serverSentEvents } from "../lib/sse.js";
import { Store } from "../lib/store.js";
import { addMessage } from "./fold.js";

/**
 * The capture of a request, which may be running, as far as it has come; `isWhole` in the end.
 * @extends {Store<{capture: any, isWhole: boolean, error: ApiError | null}>}
 */
export class CaptureFeed extends Store {
  /**
   * @param {string} id of the request, which may not have arrived yet
   * @param {string} [model]
   */
  constructor(id, model = "") {
    super({ capture: empty(id, model), isWhole: false, error: null });
    this.id = id;
    this.model = model;
    this.path = `captures/${encodeURIComponent(id)}`;
  }

  /** Follows the capture to its end, and fetches it whole then. An error becomes part of the value. */
  async follow() {
    this.set({ capture: empty(this.id, this.model), isWhole: false, error: null });
    try {
      await this.#read();
      this.set({ capture: await getJson(this.path), isWhole: true });
    } catch (error) {
      const isKnown = error instanceof ApiError;
      this.set({ error: isKnown ? error : new ApiError(`The capture broke off: ${error.message}`, "broken_stream") });
    }
  }

  async #read() {
    const response = await request(`${this.path}/events`);
    for await (const { event, data } of serverSentEvents(response)) {
      if (event === "error") throw new Error(JSON.parse(data).message);
      if (data) addMessage(this.value.capture, event, JSON.parse(data));
      this.changed();
    }
  }
}

/**
 * @param {string} id
 * @param {string} model
 */
function empty(id, model) {
  return { id, model, attempts: [], events: [] };
}
