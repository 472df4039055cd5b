// @ts-check

/**
 * Offers `value` as a JSON file to save.
 * @param {string} name
 * @param {object} value
 */
export function saveJson(name, value) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * Lets the user choose a JSON file.
 * @returns {Promise<any>} rejects with a SyntaxError if the file is not JSON
 */
export function openJson() {
  const input = Object.assign(document.createElement("input"), { type: "file", accept: "application/json,.json" });
  return new Promise((resolve, reject) => {
    input.addEventListener("change", () => {
      input.files?.[0]?.text().then(JSON.parse).then(resolve, reject);
    });
    input.click();
  });
}
