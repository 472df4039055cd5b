// @ts-check
import { html } from "../vendor/htm-preact.js";
import { conversation } from "../conversation/conversation.js";
import { parse } from "../conversation/tools.js";
import { NumberField, Select, TextArea } from "../lib/field.js";
import { useStore } from "../lib/store.js";
import { models } from "../pages/model_list.js";
import { useChatModels } from "./models.js";
import { ToolSettings, errorOf } from "./tool_settings.js";

const FORMATS = [["text", "Text"], ["json_object", "Any JSON object"], ["json_schema", "JSON of a schema"]];

/** All that a request has besides its messages. */
export function Settings() {
  const value = useStore(conversation);
  const set = (name) => (given) => conversation.set({ [name]: given });
  return html`
    <section class="settings" aria-label="Settings">
      <${ModelChoice} model=${value.model} />
      <${TextArea} label="System prompt" value=${value.system} onInput=${set("system")}
        placeholder="None" />
      <${ToolSettings} />
      <fieldset>
        <legend>Answer</legend>
        <${Select} label="Response format" value=${value.format} options=${FORMATS} onChange=${set("format")} />
        ${value.format === "json_schema" && html`
          <${TextArea} label="JSON Schema" class="code" rows=${6} value=${value.schema} onInput=${set("schema")}
            error=${errorOf(() => parse(value.schema, "The schema"))} />`}
      </fieldset>
      <fieldset>
        <legend>Sampling</legend>
        <div class="numbers">
          <${NumberField} label="Temperature" value=${value.temperature} min="0" max="2" step="0.1"
            placeholder="default" onInput=${set("temperature")} />
          <${NumberField} label="Top p" value=${value.top_p} min="0" max="1" step="0.05"
            placeholder="default" onInput=${set("top_p")} />
          <${NumberField} label="Seed" value=${value.seed} step="1" placeholder="random" onInput=${set("seed")} />
          <${NumberField} label="Max tokens" value=${value.max_tokens} min="1" step="1"
            placeholder="no limit" onInput=${set("max_tokens")} />
          <${NumberField} label="Thinking budget" value=${value.thinking_budget} min="0" step="1"
            placeholder="default" onInput=${set("thinking_budget")} />
        </div>
      </fieldset>
    </section>
  `;
}

function ModelChoice({ model }) {
  const { error } = useStore(models);
  const options = useChatModels().map(({ id, state }) => [id, state === "unloaded" ? id : `${id} (${state})`]);
  return html`
    <${Select} label="Model" value=${model} options=${options} error=${error?.message}
      onChange=${(id) => conversation.set({ model: id })} />
  `;
}
