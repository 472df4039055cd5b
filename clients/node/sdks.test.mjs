// Anthropic's and Ollama's packages for JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';

const URL = process.env.GATEWAY_URL;
const QUESTION = { role: 'user', content: 'What is the weather in Paris?' };
const PARAMETERS = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 40 } },
  required: ['city'],
};
const DESCRIPTION = 'Get the current weather in a city';

test('anthropic: a forced call, its result, and the number of tokens', async () => {
  const client = new Anthropic({ baseURL: URL, apiKey: 'none', maxRetries: 0 });
  const tools = [{ name: 'get_weather', description: DESCRIPTION, input_schema: PARAMETERS }];
  const asked = { model: 'smollm2', tools };
  const turn = await client.messages
    .stream({ ...asked, max_tokens: 200, messages: [QUESTION], tool_choice: { type: 'any' } })
    .finalMessage();
  assert.equal(turn.stop_reason, 'tool_use');
  const call = turn.content.find((block) => block.type === 'tool_use');
  assert.equal(typeof call.input.city, 'string');
  const result = { type: 'tool_result', tool_use_id: call.id, content: '22 degrees' };
  const messages = [
    QUESTION,
    { role: 'assistant', content: turn.content },
    { role: 'user', content: [result] },
  ];
  const counted = await client.messages.countTokens({ ...asked, messages });
  const answer = await client.messages.create({ ...asked, max_tokens: 30, messages });
  assert.equal(answer.usage.input_tokens, counted.input_tokens);
});

test('anthropic: an error has its class', async () => {
  const client = new Anthropic({ baseURL: URL, apiKey: 'none', maxRetries: 0 });
  const asked = { model: 'gone', max_tokens: 10, messages: [QUESTION] };
  await assert.rejects(client.messages.create(asked), Anthropic.NotFoundError);
});

test('ollama: a streamed answer is the whole one', async () => {
  const client = new Ollama({ host: URL });
  const asked = { model: 'ending', messages: [QUESTION], options: { num_predict: 20 } };
  const whole = await client.chat(asked);
  let text = '';
  for await (const part of await client.chat({ ...asked, stream: true })) {
    text += part.message.content;
  }
  assert.equal(text, whole.message.content);
});

test('ollama: an answer of a schema, and an error', async () => {
  const client = new Ollama({ host: URL });
  const answer = await client.chat({ model: 'smollm2', messages: [QUESTION], format: PARAMETERS });
  assert.deepEqual(Object.keys(JSON.parse(answer.message.content)), ['city']);
  await assert.rejects(client.chat({ model: 'gone', messages: [QUESTION] }), /gone/);
});
