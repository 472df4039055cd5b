// @ts-check

/**
 * The code that sends a request, in each language.
 * @param {object} body of a chat request
 * @param {string} origin of the gateway, as http://127.0.0.1:8000/
 * @param {boolean} needsKey
 * @returns {Record<string, string>} by language
 */
export function snippets(body, origin, needsKey) {
  const base = new URL("v1", origin).href;
  return { curl: curl(body, base, needsKey), Python: python(body, base, needsKey), JavaScript: javascript(body, base, needsKey) };
}

function curl(body, base, needsKey) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`);
  const key = needsKey ? ` -H "Authorization: Bearer $TOOL_GATEWAY_KEY"` : "";
  return `curl ${base}/chat/completions -H "Content-Type: application/json"${key} -d '${json}'`;
}

function python(body, base, needsKey) {
  const { known, extra } = split(body);
  const lines = Object.entries(known).map(([name, value]) => `    ${name}=${literal(value, 1)},`);
  if (Object.keys(extra).length) lines.push(`    extra_body=${literal(extra, 1)},`);
  return [
    ...(needsKey ? ["import os", ""] : []),
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${literal(base)}, api_key=${needsKey ? 'os.environ["TOOL_GATEWAY_KEY"]' : '"none"'})`,
    "completion = client.chat.completions.create(",
    ...lines,
    ")",
    "print(completion.choices[0].message)",
  ].join("\n");
}

function javascript(body, base, needsKey) {
  const key = needsKey ? ", Authorization: `Bearer ${process.env.TOOL_GATEWAY_KEY}`" : "";
  return [
    `const response = await fetch(${JSON.stringify(`${base}/chat/completions`)}, {`,
    `  method: "POST",`,
    `  headers: { "Content-Type": "application/json"${key} },`,
    `  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll("\n", "\n  ")}),`,
    "});",
    "const completion = await response.json();",
    "console.log(JSON.stringify(completion.choices[0].message, null, 2));",
  ].join("\n");
}

/** Divides the fields into those that the openai package knows and the extensions of this gateway. */
function split({ thinking_budget, tool_call_probability, ...known }) {
  const extra = JSON.parse(JSON.stringify({ thinking_budget, tool_call_probability })); // without undefined ones
  return { known, extra };
}

/**
 * A JSON value as Python writes it.
 * @param {any} value
 * @param {number} depth of indentation
 * @returns {string}
 */
function literal(value, depth = 0) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => literal(item, depth + 1))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item, depth + 1)}`);
  const [open, close] = isList ? "[]" : "{}";
  if (!items.length) return open + close;
  const indent = "    ".repeat(depth);
  return `${open}\n${items.map((item) => `${indent}    ${item},\n`).join("")}${indent}${close}`;
}
