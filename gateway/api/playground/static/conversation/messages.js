// @ts-check

/**
 * Checks that the page can show a message which a user has written.
 * @param {any} value
 * @returns {any} the value
 * @throws {Error} in words for the user
 */
export function checkMessage(value) {
  if (typeof value?.role !== "string") throw new Error('A message is an object with a "role".');
  const calls = value.tool_calls ?? [];
  if (!Array.isArray(calls) || !calls.every((call) => typeof partsOf(call ?? {})?.name === "string")) {
    throw new Error('"tool_calls" is a list of calls, each with a "function" that has a "name".');
  }
  return value;
}

/**
 * The name and the arguments of a call, which for a custom tool are a text.
 * @param {any} call of a message
 * @returns {{name: string, arguments: string}}
 */
export function partsOf(call) {
  if (call.custom) return { name: call.custom.name, arguments: call.custom.input ?? "" };
  return call.function;
}
