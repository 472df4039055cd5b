"""Python functions as tools: `run_tools` executes the model's calls until it answers."""

from typing import Literal

from openai import OpenAI

from gateway.functions import run_tools


def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> str:
    """Get the current weather in a city.

    Args:
        city: The city
        unit: The unit of the temperature
    """
    degrees = 18 if unit == "celsius" else 64
    return f"{degrees} degrees {unit} and sunny in {city}"


def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: The first number
        b: The second number
    """
    return a + b


client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")
messages = [{"role": "user", "content": "What is the weather in Paris?"}]
answer = run_tools(client, "smollm2", messages, [get_weather, add])

for message in messages:
    for call in message.get("tool_calls", []):
        print("call  ", call["function"]["name"], call["function"]["arguments"])
    if message["role"] == "tool":
        print("result", message["content"])
print("answer", answer)
