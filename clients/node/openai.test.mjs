// OpenAI's package for JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: `${process.env.GATEWAY_URL}/v1`,
  apiKey: 'none',
  maxRetries: 0,
});
const QUESTION = { role: 'user', content: 'What is the weather in Paris?' };
const FUNCTION = {
  name: 'get_weather',
  description: 'Get the current weather in a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', maxLength: 40 } },
    required: ['city'],
  },
};

test('chat: a forced call is accumulated', async () => {
  const stream = client.chat.completions.stream({
    model: 'smollm2',
    messages: [QUESTION],
    tools: [{ type: 'function', function: FUNCTION }],
    tool_choice: 'required',
  });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.equal(message.content, null);
  assert.equal(typeof JSON.parse(message.tool_calls[0].function.arguments).city, 'string');
});

test('responses: a forced call is accumulated', async () => {
  const stream = client.responses.stream({
    model: 'smollm2',
    input: [QUESTION],
    tools: [{ type: 'function', ...FUNCTION }],
    tool_choice: 'required',
  });
  const response = await stream.finalResponse();
  const call = response.output.find((item) => item.type === 'function_call');
  assert.equal(typeof JSON.parse(call.arguments).city, 'string');
});

test('an error has its class', async () => {
  const asked = client.chat.completions.create({ model: 'gone', messages: [QUESTION] });
  await assert.rejects(asked, OpenAI.NotFoundError);
});
