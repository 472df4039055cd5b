// @ts-check
import { ApiError, getJson, request } from "../lib/api.js";
import { serverSentEvents } from "../lib/sse.js";
import { Store } from "../lib/store.js";
import { addMessage } from "./fold.js";

/**
 * The capture of a request that is running, as far as it has come.
 * @extends {Store<{capture: any, error: ApiError | null}>}
 */
export class CaptureFeed extends Store {
  /**
   * @param {string} id of the request, which may not have arrived yet
   * @param {string} model
   */
  constructor(id, model) {
    super({ capture: { id, model, attempts: [], events: [] }, error: null });
    this.id = id;
  }

  /** Follows the capture to its end, and fetches it whole then. */
  async follow() {
    try {
      await this.#read();
      this.set({ capture: await getJson(`captures/${this.id}`) });
    } catch (error) {
      this.set({ error: error instanceof ApiError ? error : new ApiError(`The capture broke off: ${error.message}`, "broken_stream") });
    }
  }

  async #read() {
    const response = await request(`captures/${this.id}/events`);
    for await (const { event, data } of serverSentEvents(response)) {
      if (data) addMessage(this.value.capture, event, JSON.parse(data));
      this.changed();
    }
  }
}
