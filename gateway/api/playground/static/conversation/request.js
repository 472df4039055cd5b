// @ts-check
import { parse, readTools } from "./tools.js";

const NUMBERS = ["temperature", "top_p", "seed", "max_tokens", "thinking_budget"];

/**
 * The body of the request that a conversation makes.
 * @param {import("./conversation.js").EMPTY} conversation
 * @throws {Error} in words for the user
 */
export function toBody(conversation) {
  const { model, system, messages, toolChoice, parallelToolCalls } = conversation;
  const tools = readTools(conversation.tools);
  return {
    model,
    messages: [...(system ? [{ role: "system", content: system }] : []), ...messages],
    ...(tools.length && {
      tools,
      ...(toolChoice && { tool_choice: choice(toolChoice) }),
      ...(!parallelToolCalls && { parallel_tool_calls: false }),
      ...(conversation.measuresCalls && { tool_call_probability: true }),
    }),
    ...responseFormat(conversation),
    ...Object.fromEntries(NUMBERS.filter((name) => conversation[name] !== "").map((name) => [name, Number(conversation[name])])),
  };
}

/** @param {object} body */
export function streamed(body) {
  return { ...body, stream: true, stream_options: { include_usage: true } };
}

/** @param {string} chosen `auto`, `none`, `required`, or the name of a tool after a colon */
function choice(chosen) {
  return chosen.startsWith(":") ? { type: "function", function: { name: chosen.slice(1) } } : chosen;
}

/** @param {{format: string, schema: string}} conversation */
function responseFormat({ format, schema }) {
  if (format === "text") return {};
  if (format === "json_object") return { response_format: { type: "json_object" } };
  const json_schema = { name: "answer", schema: parse(schema, "The schema of the answer") };
  return { response_format: { type: "json_schema", json_schema } };
}
