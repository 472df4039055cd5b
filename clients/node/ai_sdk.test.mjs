// Vercel's AI SDK, through each API that it has a package for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText, tool } from 'ai';
import { z } from 'zod';

const baseURL = `${process.env.GATEWAY_URL}/v1`;
const PROVIDERS = {
  anthropic: createAnthropic({ baseURL, apiKey: 'none' }),
  responses: createOpenAI({ baseURL, apiKey: 'none' }),
  compatible: createOpenAICompatible({ name: 'gateway', baseURL }),
};
const tools = {
  get_weather: tool({
    description: 'Get the current weather in a city',
    inputSchema: z.object({ city: z.string() }),
  }),
};
const prompt = 'What is the weather in Paris?';

for (const [name, provider] of Object.entries(PROVIDERS)) {
  test(`${name}: a forced call has no empty text before it`, async () => {
    const model = provider('smollm2');
    const stream = streamText({ model, prompt, tools, toolChoice: 'required', maxOutputTokens: 200 });
    const kinds = [];
    for await (const part of stream.fullStream) kinds.push(part.type);
    assert(!kinds.includes('error'));
    assert(!kinds.includes('text-start'), kinds.join(' '));
    const [call] = await stream.toolCalls;
    assert.equal(call.toolName, 'get_weather');
    assert.equal(typeof call.input.city, 'string');
    assert.equal(await stream.finishReason, 'tool-calls');
  });

  test(`${name}: text is answered and streamed alike`, async () => {
    const asked = { model: provider('ending'), prompt, maxOutputTokens: 20 };
    const whole = await generateText(asked);
    assert.equal(await streamText(asked).text, whole.text);
    assert(whole.usage.inputTokens > 0);
  });
}
