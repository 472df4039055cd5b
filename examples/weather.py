"""A streamed tool call with the openai package."""

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")

stream = client.chat.completions.create(
    model="smollm2",
    messages=[{"role": "user", "content": "What is the weather in Paris?"}],
    tools=[
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "Get the current weather in a city",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
            },
        }
    ],
    stream=True,
)
for chunk in stream:
    for call in chunk.choices[0].delta.tool_calls or []:
        if call.function and call.function.name:
            print(call.id, call.function.name)
        elif call.function:
            print(repr(call.function.arguments))
    if chunk.choices[0].finish_reason:
        print(chunk.choices[0].finish_reason)
