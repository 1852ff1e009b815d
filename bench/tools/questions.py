"""Five tools, and forty questions: thirty that one of them answers, and ten that need none."""

import json

from jarvis_ports.values import Tool


def _object(**properties: object) -> str:
    return json.dumps(
        {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )


TEXT = {"type": "string", "minLength": 1, "maxLength": 60}
TOOLS = (
    Tool("get_weather", "Get the current weather of a city.", _object(city=TEXT)),
    Tool(
        "convert_currency",
        "Convert an amount of money from one currency to another.",
        _object(amount={"type": "number"}, source=TEXT, target=TEXT),
    ),
    Tool(
        "set_alarm",
        "Set an alarm at a time of the day.",
        _object(hour={"type": "integer", "minimum": 0, "maximum": 23}, minute={"enum": [0, 15, 30, 45]}),
    ),
    Tool(
        "send_email",
        "Send an email to a person.",
        _object(recipient=TEXT, subject=TEXT),
    ),
    Tool(
        "search_flights",
        "Search for flights between two cities.",
        _object(origin=TEXT, destination=TEXT),
    ),
)

QUESTIONS: tuple[tuple[str, str | None, dict[str, object]], ...] = (
    ("What is the weather in Paris right now?", "get_weather", {"city": "paris"}),
    ("Is it raining in London?", "get_weather", {"city": "london"}),
    ("How hot is it in Madrid today?", "get_weather", {"city": "madrid"}),
    ("¿Qué tiempo hace en Sevilla?", "get_weather", {"city": "sevilla"}),
    ("Do I need an umbrella in Berlin?", "get_weather", {"city": "berlin"}),
    ("Tell me the temperature in Tokyo.", "get_weather", {"city": "tokyo"}),
    ("Convert 100 US dollars to euros.", "convert_currency", {"amount": 100}),
    ("How many yen are 20 pounds?", "convert_currency", {"amount": 20}),
    ("Change 55 euros into Swiss francs.", "convert_currency", {"amount": 55}),
    ("¿Cuántos dólares son 300 euros?", "convert_currency", {"amount": 300}),
    ("What are 12 dollars in Mexican pesos?", "convert_currency", {"amount": 12}),
    ("Convert 7 pounds to dollars.", "convert_currency", {"amount": 7}),
    ("Wake me up at 7:30.", "set_alarm", {"hour": 7, "minute": 30}),
    ("Set an alarm for 6:15 in the morning.", "set_alarm", {"hour": 6, "minute": 15}),
    ("I need an alarm at 22:45.", "set_alarm", {"hour": 22, "minute": 45}),
    ("Pon una alarma a las 8:00.", "set_alarm", {"hour": 8, "minute": 0}),
    ("Set my alarm to 5 am.", "set_alarm", {"hour": 5, "minute": 0}),
    ("Please set an alarm at 13:30.", "set_alarm", {"hour": 13, "minute": 30}),
    ("Send an email to Anna about the meeting.", "send_email", {"recipient": "anna"}),
    ("Email Bob with the subject Lunch.", "send_email", {"recipient": "bob", "subject": "lunch"}),
    ("Write to Carla, subject Invoice.", "send_email", {"recipient": "carla", "subject": "invoice"}),
    ("Envía un correo a Diego sobre el viaje.", "send_email", {"recipient": "diego"}),
    ("Send Emma an email titled Report.", "send_email", {"recipient": "emma", "subject": "report"}),
    ("Email Frank about the budget.", "send_email", {"recipient": "frank"}),
    ("Find flights from Madrid to Rome.", "search_flights", {"origin": "madrid", "destination": "rome"}),
    ("I want to fly from Oslo to Paris.", "search_flights", {"origin": "oslo", "destination": "paris"}),
    ("Busca vuelos de Lima a Bogotá.", "search_flights", {"origin": "lima", "destination": "bogotá"}),
    (
        "Which flights go from Boston to Miami?",
        "search_flights",
        {"origin": "boston", "destination": "miami"},
    ),
    (
        "Search for a flight, Vienna to Athens.",
        "search_flights",
        {"origin": "vienna", "destination": "athens"},
    ),
    ("Flights from Cairo to Dubai, please.", "search_flights", {"origin": "cairo", "destination": "dubai"}),
    ("What is 2 plus 2?", None, {}),
    ("Who wrote Don Quixote?", None, {}),
    ("Write a short poem about the sea.", None, {}),
    ("What is the capital of France?", None, {}),
    ("¿Quién pintó el Guernica?", None, {}),
    ("Explain what a prime number is.", None, {}),
    ("Tell me a joke.", None, {}),
    ("Translate 'good morning' to Spanish.", None, {}),
    ("Why is the sky blue?", None, {}),
    ("Name three colours.", None, {}),
)
"""Each question, the tool that answers it, and what of its arguments the question gives, in lower case."""
