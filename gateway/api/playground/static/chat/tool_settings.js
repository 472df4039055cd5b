// @ts-check
import { html } from "../vendor/htm-preact.js";
import { conversation } from "../conversation/conversation.js";
import { EXAMPLES } from "../conversation/examples.js";
import { nameOf, parse, readTools } from "../conversation/tools.js";
import { CheckBox, Select, TextArea } from "../lib/field.js";
import { useStore } from "../lib/store.js";

/** The tools on offer, which of them may be called, and the results that stand in for running them. */
export function ToolSettings() {
  const value = useStore(conversation);
  const set = (name) => (given) => conversation.set({ [name]: given });
  const error = errorOf(() => readTools(value.tools));
  const names = error ? [] : readTools(value.tools).map(nameOf);
  return html`
    <fieldset>
      <legend>Tools</legend>
      <${TextArea} label="Tools on offer, as JSON" class="code" rows=${8} value=${value.tools} error=${error}
        hint=${names.join(", ") || "In the form of OpenAI, of Anthropic or of MCP."}
        placeholder="[]" onInput=${set("tools")} onBlur=${rewrite} />
      <p class="row">
        <span class="note">Examples</span>
        ${EXAMPLES.filter(({ settings }) => settings.tools).map(({ name, settings }) => html`
          <button type="button" class="small" onClick=${() => conversation.set(settings)}>${name}</button>`)}
      </p>
      <${Select} label="Tool choice" value=${value.toolChoice} options=${choices(names, value.toolChoice)} onChange=${set("toolChoice")} />
      <${CheckBox} label="Several calls in one answer" checked=${value.parallelToolCalls}
        onChange=${set("parallelToolCalls")} />
      <${CheckBox} label="Measure how probable a call is" checked=${value.measuresCalls}
        hint="Forced tokens are then decoded one by one." onChange=${set("measuresCalls")} />
      <details>
        <summary>Mock results</summary>
        <${TextArea} label="Results by tool, as JSON" class="code" rows=${4} value=${value.mocks}
          error=${value.mocks.trim() && errorOf(() => parse(value.mocks, "The mock results"))} onInput=${set("mocks")} />
        <${CheckBox} label="Answer all calls with these" checked=${value.answersWithMocks}
          onChange=${set("answersWithMocks")} />
      </details>
    </fieldset>
  `;
}

/** Rewrites tools of another form as the requests to this gateway have them. */
function rewrite() {
  const { tools } = conversation.value;
  if (!tools.trim() || errorOf(() => readTools(tools))) return;
  const read = readTools(tools);
  if (JSON.stringify(read) !== JSON.stringify(JSON.parse(tools))) {
    conversation.set({ tools: JSON.stringify(read, null, 2) });
  }
}

/**
 * @param {string[]} names of the tools on offer
 * @param {string} chosen which may be a tool that is no longer on offer
 */
function choices(names, chosen) {
  const gone = chosen.startsWith(":") && !names.includes(chosen.slice(1));
  return [
    ["", "auto: the model decides"],
    ["none", "none: no calls"],
    ["required", "required: at least one call"],
    ...names.map((name) => [`:${name}`, `${name}: exactly this call`]),
    ...(gone ? [[chosen, `${chosen.slice(1)}: not on offer`]] : []),
  ];
}

/**
 * @param {() => unknown} work
 * @returns {string} the message of the error that it throws, or nothing
 */
export function errorOf(work) {
  try {
    work();
    return "";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}
