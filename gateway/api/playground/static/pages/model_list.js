// @ts-check
import { ApiError, getJson } from "../lib/api.js";
import { Store } from "../lib/store.js";

/** The models of the gateway, and its health, when they were last asked for. */
export const models = new Store({
  list: /** @type {any[]} */ ([]),
  health: /** @type {any} */ (null),
  error: /** @type {ApiError | null} */ (null),
});

export async function refreshModels() {
  try {
    const [{ data }, health] = await Promise.all([getJson("v1/models"), getJson("health")]);
    models.set({ list: data, health, error: null });
  } catch (error) {
    models.set({ error });
  }
}
