// @ts-check
import { read, write } from "./storage.js";
import { Store } from "./store.js";

const KEY = "tool-gateway key";

/** Whether the gateway asks for an API key. The key itself lives until the tab is closed. */
export const access = new Store({ needsKey: false, key: read("sessionStorage", KEY) });

/** @param {string} key */
export function useKey(key) {
  write("sessionStorage", KEY, key);
  access.set({ key, needsKey: false });
}

/** An error of the gateway, or one on the way to it. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {string} code one of the gateway's codes or types, or `unreachable`
   * @param {number} status 0 if there was no response
   */
  constructor(message, code, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }

  /** @param {any} envelope `{error: {message, type, code}}` */
  static of(envelope, status = 0) {
    const error = envelope?.error ?? {};
    return new ApiError(error.message ?? `status ${status}`, error.code ?? error.type ?? "error", status);
  }
}

/**
 * Sends a request; `body` makes it a POST of JSON.
 * @param {string} path relative to the address of the page
 * @param {{body?: object, method?: string, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} with a status below 400; other responses are an ApiError
 */
export async function request(path, { body, method, headers = {}, signal } = {}) {
  const { key } = access.value;
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), {
      method: method ?? (body ? "POST" : "GET"),
      headers: {
        ...(key && { Authorization: `Bearer ${key}` }),
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body && JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The gateway does not answer. Is it running?", "unreachable");
  }
  if (response.ok) return response;
  if (response.status === 401) access.set({ needsKey: true });
  throw ApiError.of(await response.json().catch(() => null), response.status);
}

/** @param {string} path */
export async function getJson(path) {
  return (await request(path)).json();
}
