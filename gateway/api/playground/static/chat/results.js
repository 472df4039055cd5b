// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { conversation } from "../conversation/conversation.js";
import { partsOf } from "../conversation/messages.js";
import { attempt, giveResults } from "../conversation/session.js";
import { mockResult } from "../conversation/tools.js";
import { TextArea } from "../lib/field.js";
import { useStore } from "../lib/store.js";

/** Asks for the results of calls, which the user types in or takes from the mock results. */
export function Results({ calls }) {
  const { mocks } = useStore(conversation);
  const [results, setResults] = useState(() => calls.map(() => ""));
  const set = (index) => (text) => setResults(results.with(index, text));
  const fill = () => setResults(calls.map((call) => mockResult(mocks, partsOf(call))));
  const send = (event) => {
    event.preventDefault();
    giveResults(results);
  };
  return html`
    <form class="results" onSubmit=${send} aria-label="Results of the calls">
      ${calls.map((call, index) => html`
        <${TextArea} key=${call.id} label=${`Result of ${partsOf(call).name}`} class="code" rows=${2} value=${results[index]}
          onInput=${set(index)} placeholder="What the tool returns" />`)}
      <p class="row">
        <button type="submit" class="primary">Send result${calls.length > 1 && "s"}</button>
        <button type="button" onClick=${() => attempt(fill)}>
          Fill in mock value${calls.length > 1 && "s"}
        </button>
      </p>
    </form>
  `;
}
