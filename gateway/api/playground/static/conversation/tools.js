// @ts-check

/**
 * Reads the tools that a user has written or pasted.
 *
 * Besides a list of tools of the OpenAI API, it may be one tool alone, or have the form of
 * Anthropic's API, of the Responses API, or of MCP's `tools/list`.
 * @param {string} text JSON, or empty
 * @returns {object[]} as the chat completions API has them
 * @throws {Error} in words for the user
 */
export function readTools(text) {
  if (!text.trim()) return [];
  const value = parse(text, "The tools");
  const list = value?.result?.tools ?? value?.tools ?? value;
  return (Array.isArray(list) ? list : [list]).map(toTool);
}

/**
 * @param {any} tool
 * @param {number} index
 */
function toTool(tool, index) {
  if (tool?.function?.name || tool?.custom?.name) return tool;
  if (typeof tool?.name !== "string") {
    throw new Error(`Tool ${index + 1} has no name. A tool needs a "name" and "parameters".`);
  }
  const parameters = tool.parameters ?? tool.input_schema ?? tool.inputSchema;
  const { name, description } = tool;
  return {
    type: "function",
    function: { name, ...(description && { description }), ...(parameters && { parameters }) },
  };
}

/** @param {any} tool */
export function nameOf(tool) {
  return (tool.function ?? tool.custom).name;
}

/**
 * @param {string} text
 * @param {string} what the subject of an error
 */
export function parse(text, what) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${what}: this is not JSON. ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * The result that stands in for running a tool.
 * @param {string} mocks JSON, `{tool: result}`
 * @param {{name: string, arguments: string}} call
 */
export function mockResult(mocks, call) {
  const values = mocks.trim() ? parse(mocks, "The mock results") : {};
  const value = values[call.name] ?? { ok: true };
  return typeof value === "string" ? value : JSON.stringify(value);
}
