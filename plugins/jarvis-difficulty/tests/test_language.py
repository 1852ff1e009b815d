import pytest

from jarvis_difficulty.estimator import open_heuristic
from jarvis_difficulty.settings import HeuristicSettings


async def language(text):
    async with open_heuristic(HeuristicSettings()) as heuristic:
        return (await heuristic.estimate(text)).language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the capital of France?", "en"),
        ("thx", "en"),
        ("prove Fermat's little theorem", "en"),
        ("¿Cuál es la capital de Francia?", "es"),
        ("cual es la capital de francia", "es"),
        ("CUÁL ES LA CAPITAL DE FRANCIA", "es"),
        ("buenas", "es"),
        ("demuestra Pitágoras", "es"),
        ("¿Kubernetes?", "es"),
    ],
)
async def test_english_and_spanish(text, expected):
    assert await language(text) == expected


@pytest.mark.parametrize(
    "text", ["", "42 + 7", "x^2 + y^2 = z^2", "😀", "Kubernetes", "北京", "Привет, как дела?"]
)
async def test_where_there_is_nothing_to_tell_from_it_is_not_known(text):
    assert await language(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Quelle est la capitale de l'Espagne ?",
        "Comment installer Docker sur Ubuntu ?",
        "Was ist die Hauptstadt von Spanien?",
        "Wie installiere ich Docker auf Ubuntu?",
        "Qual é a capital da Espanha?",
        "Hoe werkt een dieselmotor?",
    ],
)
async def test_other_languages_are_taken_for_neither(text):
    assert await language(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Tradúceme esto al español, por favor: "The contract is signed and will be in the post."', "es"),
        ("Translate this into English: ¿dónde está la biblioteca de la universidad?", "en"),
        (
            "me sale esto al levantar el contenedor\n\nError: the port is allocated to one of the containers",
            "es",
        ),
    ],
)
async def test_the_question_decides_rather_than_what_is_pasted_below(text, expected):
    assert await language(text) == expected
