// @ts-check
import { read, write } from "../lib/storage.js";
import { Store } from "../lib/store.js";
import { checkMessage } from "./messages.js";

const STORED = "tool-gateway conversation";
const VERSION = 1;

/**
 * What the user has set and what has been said: all that a request is made of.
 * Fields that hold JSON are texts, since they are edited as such. Empty texts mean "not set".
 */
export const EMPTY = {
  model: "",
  system: "",
  /** @type {object[]} the messages, as the API has them */
  messages: [],
  tools: "",
  mocks: "",
  answersWithMocks: false,
  toolChoice: "",
  parallelToolCalls: true,
  measuresCalls: false,
  format: "text",
  schema: "",
  temperature: "",
  top_p: "",
  seed: "",
  max_tokens: "",
  thinking_budget: "",
};

export const conversation = new Store({ ...EMPTY, ...stored() });
conversation.subscribe((value) => write("sessionStorage", STORED, JSON.stringify(value)));

function stored() {
  const text = read("sessionStorage", STORED);
  return text ? known(JSON.parse(text)) : {};
}

/** Begins another conversation with the same settings. */
export function clear() {
  conversation.set({ messages: [] });
}

/** The conversation as a file has it. */
export function toFile() {
  return { tool_gateway_conversation: VERSION, ...conversation.value };
}

/**
 * Shows the conversation of a file.
 * @param {any} file
 * @throws {Error} if the file is another one
 */
export function fromFile(file) {
  if (file?.tool_gateway_conversation !== VERSION) {
    throw new Error("This file is no conversation that was saved here.");
  }
  conversation.set({ ...EMPTY, ...known(file) });
}

/** The fields of `value` that a conversation has, in their types. */
function known(value) {
  const fields = Object.entries(EMPTY).filter(([name, empty]) => typeof value[name] === typeof empty);
  const kept = Object.fromEntries(fields.map(([name]) => [name, value[name]]));
  if (!Array.isArray(kept.messages)) delete kept.messages;
  kept.messages?.forEach(checkMessage);
  return kept;
}

/**
 * @param {number} index
 * @param {object} message
 */
export function replaceMessage(index, message) {
  conversation.set({ messages: conversation.value.messages.with(index, message) });
}

/** @param {number} index */
export function removeMessage(index) {
  conversation.set({ messages: conversation.value.messages.toSpliced(index, 1) });
}

/** @param {...object} messages */
export function addMessages(...messages) {
  conversation.set({ messages: [...conversation.value.messages, ...messages] });
}
