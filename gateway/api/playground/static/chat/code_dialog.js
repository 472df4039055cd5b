// @ts-check
import { html, useRef, useState } from "../vendor/htm-preact.js";
import { snippets } from "../conversation/snippets.js";
import { access } from "../lib/api.js";
import { Dialog } from "../lib/dialog.js";

/** Shows the code that sends a request, to be copied. */
export function CodeDialog({ body, onClose }) {
  const [language, setLanguage] = useState("curl");
  const [isCopied, setCopied] = useState(false);
  const code = useRef(null);
  const texts = snippets(body, document.baseURI, Boolean(access.value.key));
  const copy = async () => {
    getSelection()?.selectAllChildren(code.current);
    await navigator.clipboard?.writeText(texts[language]); // there is none on an address without TLS
    setCopied(true);
  };
  const choose = (name) => {
    setLanguage(name);
    setCopied(false);
  };
  return html`
    <${Dialog} title="This request as code" onClose=${onClose}>
      <p class="row" role="group" aria-label="Language">
        ${Object.keys(texts).map((name) => html`
          <button type="button" class="small" aria-pressed=${name === language} onClick=${() => choose(name)}>${name}</button>`)}
        <button type="button" class="small primary end" onClick=${copy}>${isCopied ? "Copied" : "Copy"}</button>
      </p>
      <pre class="snippet" tabindex="0" aria-label=${`The request as ${language}`}><code ref=${code}>${texts[language]}</code></pre>
    <//>
  `;
}
