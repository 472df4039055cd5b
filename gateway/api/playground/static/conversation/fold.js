// @ts-check

/**
 * Adds a chunk of a streamed chat completion to the message that the chunks make up.
 * @param {any} message is changed
 * @param {any} chunk
 */
export function addChunk(message, chunk) {
  const delta = chunk.choices?.[0]?.delta;
  if (!delta) return;
  if (delta.content) message.content = (message.content ?? "") + delta.content;
  if (delta.reasoning_content) message.reasoning_content = (message.reasoning_content ?? "") + delta.reasoning_content;
  for (const { index, ...part } of delta.tool_calls ?? []) {
    message.tool_calls ??= [];
    const call = message.tool_calls[index];
    if (!call) message.tool_calls[index] = structuredClone(part);
    else if (part.custom) call.custom.input += part.custom.input ?? "";
    else call.function.arguments += part.function?.arguments ?? "";
  }
}
