// @ts-check

/**
 * Reads what was written under this name; a browser may refuse to store anything.
 * @param {"localStorage" | "sessionStorage"} kind
 * @param {string} name
 */
export function read(kind, name) {
  try {
    return window[kind].getItem(name) ?? "";
  } catch {
    return "";
  }
}

/**
 * Writes a text if there is room for it.
 * @param {"localStorage" | "sessionStorage"} kind
 * @param {string} name
 * @param {string} text
 */
export function write(kind, name, text) {
  try {
    window[kind].setItem(name, text);
  } catch {
    // Without it, the page works until it is closed.
  }
}
