// @ts-check

const CITY = { type: "string", description: "The name of a city" };

const WEATHER = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Get the current weather in a city",
      parameters: { type: "object", properties: { city: CITY }, required: ["city"] },
    },
  },
];

const SHOP = [
  {
    type: "function",
    function: {
      name: "find_order",
      description: "Find an order by its number",
      parameters: {
        type: "object",
        properties: { number: { type: "integer", description: "The number of the order" } },
        required: ["number"],
      },
    },
  },
  {
    type: "function",
    function: {
      name: "cancel_order",
      description: "Cancel an order",
      parameters: {
        type: "object",
        properties: {
          number: { type: "integer", description: "The number of the order" },
          reason: { type: "string", enum: ["too late", "wrong item", "other"] },
        },
        required: ["number", "reason"],
      },
    },
  },
];

const CONTACT = {
  type: "object",
  properties: { name: { type: "string" }, email: { type: "string" }, age: { type: "integer" } },
  required: ["name", "email", "age"],
};

/** Settings to start from, and a first message to send with them. */
export const EXAMPLES = [
  {
    name: "Weather",
    title: "Call a tool",
    message: "What is the weather in Paris?",
    settings: {
      tools: pretty(WEATHER),
      mocks: pretty({ get_weather: { temperature_c: 18, sky: "clear" } }),
    },
  },
  {
    name: "Orders",
    title: "Choose between tools",
    message: "Please cancel order 4711, I ordered the wrong item.",
    settings: {
      tools: pretty(SHOP),
      mocks: pretty({ find_order: { number: 4711, item: "Lamp", state: "packed" }, cancel_order: { cancelled: true } }),
    },
  },
  {
    name: "Contact",
    title: "Answer as JSON",
    message: "Extract the contact: Ada Lovelace, 36, writes from ada@example.org.",
    settings: { tools: "", mocks: "", toolChoice: "", format: "json_schema", schema: pretty(CONTACT) },
  },
];

/** @param {object} value */
function pretty(value) {
  return JSON.stringify(value, null, 2);
}
