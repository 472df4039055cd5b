// @ts-check
import { Store } from "../lib/store.js";
import { addMessages, clear, conversation } from "./conversation.js";
import { partsOf } from "./messages.js";
import { toBody } from "./request.js";
import { Run } from "./run.js";
import { mockResult } from "./tools.js";

const MAX_ROUNDS = 8; // of calls that are answered without the user

/** The request whose answer is no message yet, the one in the inspector, and why the next could not be made. */
export const session = new Store({
  unfinished: /** @type {Run | null} */ (null),
  inspected: /** @type {Run | null} */ (null),
  error: "",
});

/** The request that each message came from, if it was made since the page was opened. */
const runs = new WeakMap();

export function runOf(message) {
  return runs.get(message);
}

/** @param {Run} inspected */
export function inspect(inspected) {
  session.set({ inspected });
}

export function isRunning() {
  return session.value.unfinished?.value.status === "running";
}

export function stop() {
  session.value.unfinished?.stop();
}

/** Begins another conversation with the same settings. */
export function restart() {
  stop();
  clear();
  session.set({ unfinished: null, inspected: null, error: "" });
}

/** @param {string} text of the user's message */
export async function say(text) {
  addMessages({ role: "user", content: text });
  await ask();
}

/**
 * Gives the results of the pending calls, and asks for what follows.
 * @param {string[]} results one for each of `pendingCalls()`
 */
export async function giveResults(results) {
  addMessages(...toolMessages(pendingCalls(), results));
  await ask();
}

/** Asks the model for the next message, and for further ones while its calls are answered by mocks. */
export function ask() {
  return attempt(askInRounds);
}

/** Asks for the last message again. */
export function askAgain() {
  const { messages } = conversation.value;
  if (messages.at(-1)?.role === "assistant") conversation.set({ messages: messages.slice(0, -1) });
  return ask();
}

/**
 * Does something, and shows its error to the user.
 * @param {() => unknown} work
 */
export async function attempt(work) {
  session.set({ error: "" });
  try {
    await work();
  } catch (error) {
    session.set({ error: /** @type {Error} */ (error).message });
  }
}

async function askInRounds() {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const run = new Run(toBody(conversation.value));
    session.set({ unfinished: run, inspected: run });
    await run.follow();
    keep(run);
    const calls = pendingCalls();
    const { answersWithMocks, mocks } = conversation.value;
    if (run.value.status !== "done" || !calls.length || !answersWithMocks) return;
    addMessages(...toolMessages(calls, calls.map((call) => mockResult(mocks, partsOf(call)))));
  }
}

/** Adds what a request has brought to the conversation, but not a call that was cut off. */
function keep(run) {
  const { status, message, finish } = run.value;
  if (status === "failed" || run !== session.value.unfinished) return;
  const isWhole = status === "done" && finish !== "length";
  const { tool_calls: _, ...text } = message;
  if (!isWhole && !message.content) return;
  const kept = isWhole ? message : text;
  runs.set(kept, run);
  session.set({ unfinished: null });
  addMessages(kept);
}

/** The calls at the end of the conversation that have no results yet. */
export function pendingCalls() {
  const { messages } = conversation.value;
  const at = messages.findLastIndex((message) => message.role !== "tool");
  const answered = new Set(messages.slice(at + 1).map((message) => message.tool_call_id));
  return (messages[at]?.tool_calls ?? []).filter((call) => !answered.has(call.id));
}

function toolMessages(calls, results) {
  return calls.map((call, index) => ({
    role: "tool",
    tool_call_id: call.id,
    name: partsOf(call).name,
    content: results[index],
  }));
}
