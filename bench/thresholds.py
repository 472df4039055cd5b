"""Which calls a `tool_call_threshold` prevents: `python -m bench.thresholds [FILE.gguf...]`.

Each file is served with its own chat template and the format that is detected; without files, the
default model of models.yaml is. Of 20 requests for which a call is due, and 20 for which none is,
prints how many get one at each threshold, and how probable a call was.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from pathlib import Path
from typing import Any

import httpx

from gateway.app import create_app
from gateway.config.load import Config, Entry, load
from gateway.formats.families import FAMILIES

THRESHOLDS = (None, 0.25, 0.5, 0.8, 0.95)

TEXT: dict[str, Any] = {"type": "string"}
TOOLS = {
    "get_weather": ("Get the current weather in a city", {"city": TEXT}),
    "create_todo": ("Add an item to the user's todo list", {"title": TEXT}),
    "convert_currency": (
        "Convert an amount of money from one currency to another",
        {"amount": {"type": "number"}, "source": TEXT, "target": TEXT},
    ),
}
DUE = (
    "What is the weather in Paris?",
    "How is the weather in Oslo right now?",
    "Is it raining in London?",
    "Tell me the weather in Madrid, please.",
    "What's the temperature in Cairo?",
    "Do I need an umbrella in Seattle today?",
    "Weather in Tokyo?",
    "Check the weather in Rome for me.",
    "Add buy milk to my todo list.",
    "Put 'call the dentist' on my todos.",
    "Create a todo: water the plants.",
    "Remind me on my list to pay the rent.",
    "Please add 'book hotel' to my to-do list.",
    "New todo: finish the report.",
    "Convert 100 dollars to euros.",
    "How much is 50 EUR in USD?",
    "Convert 20 GBP to JPY.",
    "What are 75 Swiss francs in euros?",
    "Change 300 yen into dollars.",
    "Convert 12.5 EUR into GBP, please.",
)
NOT_DUE = (
    "Hello!",
    "Hi, how are you?",
    "Good morning.",
    "Thanks, that was helpful.",
    "Who are you?",
    "Tell me a joke.",
    "What is the capital of France?",
    "What is 12 times 12?",
    "Write a haiku about the sea.",
    "I feel a bit tired today.",
    "Explain what a prime number is.",
    "Translate 'good night' into Spanish.",
    "Who wrote Hamlet?",
    "Play some music by Mozart.",
    "Send an email to my boss.",
    "Book a flight to Tokyo.",
    "Set an alarm for 7 am.",
    "Turn off the lights in the kitchen.",
    "Goodbye, see you tomorrow!",
    "What do you think about cats?",
)


async def main(config: Config) -> None:
    """Prints a table for each model."""
    app = create_app(config)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for model in config.models:
                print(model)
                for threshold in THRESHOLDS:
                    for kind, texts in (("due", DUE), ("not due", NOT_DUE)):
                        answers = [await _ask(client, model, text, threshold) for text in texts]
                        calls = sum(is_call for is_call, _ in answers)
                        spread = "" if threshold else f"; probability {_spread(answers)}"
                        print(f"    threshold {threshold}, {kind}: {calls} calls{spread}")


async def _ask(
    client: httpx.AsyncClient, model: str, text: str, threshold: float | None
) -> tuple[bool, float]:
    """Whether a call is made, and how probable one was."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "tools": [_tool(name) for name in TOOLS],
        "temperature": 0,
        "max_tokens": 60,
        "tool_call_probability": True,
        "tool_call_threshold": threshold,
    }
    answer = await client.post("/v1/chat/completions", json=body, timeout=600)
    choice = answer.raise_for_status().json()["choices"][0]
    return "tool_calls" in choice["message"], choice["tool_call_probability"]


def _tool(name: str) -> dict[str, Any]:
    description, properties = TOOLS[name]
    parameters = {"type": "object", "properties": properties, "required": [*properties]}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _spread(answers: list[tuple[bool, float]]) -> str:
    found = sorted(probability for _, probability in answers)
    return f"{found[0]:.2f} to {found[-1]:.2f}, median {statistics.median(found):.2f}"


def _models(files: list[str]) -> Config:
    if files:
        paths = [Path(file).resolve() for file in files]
        return Config(models={path.stem: Entry(source=str(path)) for path in paths})
    config = load(Path("models.yaml"), tuple(FAMILIES))
    return config.model_copy(update={"models": {"smollm2": config.models["smollm2"]}})


if __name__ == "__main__":
    asyncio.run(main(_models(sys.argv[1:])))
