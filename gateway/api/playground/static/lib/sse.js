// @ts-check

/**
 * Reads server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
 * EventSource does so too, but sends no API key.
 * @param {Response} response
 * @returns {AsyncGenerator<{event: string, data: string, text: string}>} `text` has the lines as they were sent
 */
export async function* serverSentEvents(response) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const text of blocks) yield { ...fields(text), text };
  }
}

/** @param {string} block */
function fields(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    else if (line.startsWith("event:")) event = line.slice(6).trim();
  }
  return { event, data: data.join("\n") };
}
