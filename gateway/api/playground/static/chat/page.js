// @ts-check
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { conversation, fromFile, toFile } from "../conversation/conversation.js";
import { toBody } from "../conversation/request.js";
import { attempt, inspect, isRunning, pendingCalls, restart, session, stop } from "../conversation/session.js";
import { LiveInspector } from "../inspector/live.js";
import { openJson, saveJson } from "../lib/files.js";
import { useHotkeys } from "../lib/hotkeys.js";
import { useStore } from "../lib/store.js";
import { CodeDialog } from "./code_dialog.js";
import { Composer } from "./composer.js";
import { useDefaultModel, useFreshModels } from "./models.js";
import { Settings } from "./settings.js";
import { Thread } from "./thread.js";

const VIEWS = [["settings", "Settings"], ["thread", "Conversation"], ["inspector", "Inspector"]];

/** The conversation, with its settings on one side and what the model saw on the other. */
export function ChatPage() {
  const [view, setView] = useState("thread");
  const { messages, model } = useStore(conversation);
  const { unfinished, inspected } = useStore(session);
  useStatus(unfinished);
  useFreshModels(unfinished);
  useDefaultModel();
  const show = (run) => {
    inspect(run);
    setView("inspector"); // where there is no room for both
  };
  useHotkeys({
    "/": () => document.getElementById("message")?.focus(),
    n: restart,
    Escape: stop,
  });
  return html`
    <div class="workspace" data-view=${view}>
      <p class="views" role="group" aria-label="View">
        ${VIEWS.map(([name, label]) => html`
          <button type="button" aria-pressed=${name === view} onClick=${() => setView(name)}>${label}</button>`)}
      </p>
      <${Settings} />
      <section class="conversation" aria-label="Chat">
        <${Toolbar} isEmpty=${!messages.length} />
        <${Thread} isRunning=${isRunning()} onInspect=${show} />
        <${Composer} isRunning=${isRunning()} obstacle=${obstacle(model)} />
      </section>
      <${LiveInspector} run=${inspected} />
    </div>
  `;
}

/** Why no message can be sent. */
function obstacle(model) {
  if (!model) return "The models are not known yet";
  return pendingCalls().length ? "The call waits for its result" : "";
}

/** Draws the page when the request begins and ends, but not with each token. */
function useStatus(run) {
  const [, setStatus] = useState("");
  useEffect(() => run?.subscribe(({ status }) => setStatus(status)), [run]);
}

function Toolbar({ isEmpty }) {
  const [body, setBody] = useState(null);
  const load = async () => {
    const file = await openJson();
    restart();
    fromFile(file);
  };
  return html`
    <div class="toolbar">
      <button type="button" class="quiet" disabled=${isEmpty} onClick=${restart}>New</button>
      <button type="button" class="quiet" disabled=${isEmpty}
        onClick=${() => saveJson("conversation.json", toFile())}>Save</button>
      <button type="button" class="quiet" onClick=${() => attempt(load)}>Load</button>
      <button type="button" class="quiet end" disabled=${isEmpty}
        onClick=${() => attempt(() => setBody(toBody(conversation.value)))}>Copy as code</button>
    </div>
    ${body && html`<${CodeDialog} body=${body} onClose=${() => setBody(null)} />`}
  `;
}
