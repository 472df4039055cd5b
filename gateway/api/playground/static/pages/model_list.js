// @ts-check
import { ApiError, getJson } from "../lib/api.js";
import { Store } from "../lib/store.js";

const BUSY_MS = 500;
const CALM_MS = 5000;

/** The models of the gateway, and its health. */
export const models = new Store({ list: [], health: null, error: /** @type {ApiError | null} */ (null) });

let timer = 0;

/** Fetches the models now, and again and again, often while one of them is being loaded. */
export async function watchModels() {
  clearTimeout(timer);
  try {
    const [{ data }, health] = await Promise.all([getJson("v1/models"), getJson("health")]);
    models.set({ list: data, health, error: null });
  } catch (error) {
    models.set({ error });
  }
  const isBusy = models.value.list.some(({ state }) => !["ready", "unloaded", "failed"].includes(state));
  clearTimeout(timer);
  timer = setTimeout(watchModels, isBusy ? BUSY_MS : CALM_MS);
}
