// @ts-check

/**
 * Adds a message of a capture's stream to the capture that the messages make up.
 * @param {any} capture is changed
 * @param {string} event `prompt`, which comes again when more is known of it, `token`, `event` or `done`
 * @param {any} part
 */
export function addMessage(capture, event, part) {
  const { attempts, events } = capture;
  switch (event) {
    case "prompt":
      attempts[part.attempt] = { tokens: [], ...attempts[part.attempt], ...part };
      break;
    case "token":
      attempts[part.attempt].tokens.push(...part.tokens);
      break;
    case "event":
      events.push(part);
      break;
    case "done":
      Object.assign(capture, part);
  }
}
