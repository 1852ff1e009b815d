import pytest

from jarvis_difficulty.estimator import HEAD, TAIL, excerpt, open_heuristic
from jarvis_difficulty.settings import HeuristicSettings
from jarvis_difficulty.signals import worth

CHAT = [
    "Hi there!",
    "Thanks a lot, see you tomorrow",
    "Who invented the telephone?",
    "What does RAM stand for?",
    "How do you say good luck in French?",
    "Translate into Spanish: prove that the algorithm is correct, then compare the two designs step by step.",
    "¡Hola! ¿Qué tal?",
    "quien escribio el Quijote",
    "Corrige la ortografía: «demuestre usted que el algoritmo es óptimo y compare las dos arquitecturas»",
]
TECHNICAL = [
    "How do I mount a USB drive on Ubuntu?",
    "Explain how a database index works.",
    "Write a Python function that removes duplicates from a list.",
    "npm ERR! code ENOENT\nnpm ERR! path /app/package.json\n\nhow do I fix this",
    "¿Cómo configuro un proxy inverso en nginx?",
    "como instalo docker en debian",
    "Explícame la diferencia entre una clase y una interfaz en Java.",
]
REASONING = [
    "Compare two designs of a rate limiter, and say which you would choose.",
    "Prove that the square root of 7 is irrational.",
    "Design a rate limiter for an API with ten million users in three regions. What are the trade-offs?",
    "Since Tuesday one request in a thousand fails. List possible causes, and rule each of them out.",
    "Should we rent or buy the machines? Compare the costs over five years and justify your choice.",
    "Demuestra que la raíz cuadrada de 7 es irracional.",
    "Analiza las causas de la caída de ventas y argumenta qué harías tú.",
    "Compara las dos ofertas, sopesa los riesgos y dime cuál conviene.",
]
TIERS = [(CHAT, 0, 30), (TECHNICAL, 30, 70), (REASONING, 70, 101)]


@pytest.fixture
async def estimate():
    async with open_heuristic(HeuristicSettings()) as heuristic:
        yield heuristic.estimate


def points(found):
    return {signal.name: signal.points for signal in found.signals}


@pytest.mark.parametrize(
    ("text", "low", "high"), [(text, low, high) for texts, low, high in TIERS for text in texts]
)
async def test_plain_cases_fall_into_their_tier(estimate, text, low, high):
    assert low <= (await estimate(text)).difficulty < high


async def test_the_points_of_the_signals_add_up_to_the_difficulty(estimate):
    for text in (*CHAT, *TECHNICAL, *REASONING, "", " ".join(REASONING)):
        found = await estimate(text)
        assert found.difficulty == pytest.approx(sum(points(found).values()), abs=0.6)
        assert points(found)["base"] == points(await estimate(""))["base"]


async def test_however_much_is_found_the_difficulty_stays_on_the_scale(estimate):
    assert 85 < (await estimate(" ".join(REASONING))).difficulty <= 100
    assert 0 <= (await estimate("Translate this in one line, in one word: yes or no")).difficulty < 15


async def test_an_estimate_says_what_was_found(estimate):
    found = {
        signal.name: signal.found for signal in (await estimate("Explain a mutex in Java == C++?")).signals
    }
    assert {
        "technical": "mutex, java, c++",
        "explain": "explain",
        "code": "==",
        "short": "6 words",
        "base": "",
    }.items() <= found.items()


async def test_what_was_found_is_cut_where_it_is_long(estimate):
    (technical,) = [
        signal
        for signal in (
            await estimate("docker, kubernetes, terraform, ansible, jenkins, prometheus, nginx")
        ).signals
        if signal.name == "technical"
    ]
    assert technical.found == "docker, kubernetes, terraform, ansible, jenkins, prometheus…"[:59] + "…"


def test_each_further_find_is_worth_half():
    assert [worth(finds) for finds in (-1, 0, 1, 2, 3)] == [0, 0, 1, 1.5, 1.75]


async def test_the_same_again_is_no_further_find(estimate):
    (figures,) = [
        signal for signal in (await estimate("1 and 2 and 2 and 1")).signals if signal.name == "figures"
    ]
    assert figures.found == "1, 2"


async def test_case_and_accents_make_no_difference_to_a_keyword(estimate):
    written = ["demuéstrame", "DEMUÉSTRAME", "demuestrame", "demue\u0301strame"]
    first, *others = [points(await estimate(text))["reasoning"] for text in written]
    assert first > 0
    assert others == [first] * 3


@pytest.mark.parametrize("text", ["digital", "legit", "apish", "gitter"])
async def test_a_keyword_inside_a_word_is_none(estimate, text):
    assert "technical" not in points(await estimate(text))


async def test_of_keywords_that_overlap_the_longest_counts(estimate):
    for text, expected in (("root cause", "root cause"), ("the root of it", None)):
        found = {signal.name: signal.found for signal in (await estimate(text)).signals}
        assert found.get("reasoning") == expected


async def test_the_text_to_be_rewritten_makes_it_no_harder(estimate):
    text = "Prove it, and compare the trade-offs of both designs."
    assert (await estimate(f"Make it shorter: {text}")).difficulty < 30
    assert (await estimate(f"{text} Then shorten the proof.")).difficulty >= 70


@pytest.mark.parametrize("tail", ["", "x" * 10**6, "prove " * 10**5, "\n" * 10**6])
def test_of_a_long_text_so_much_is_read_however_long_it_is(tail):
    middle = "a" * (HEAD + TAIL)
    read = excerpt(f"{middle}{tail}{middle}")
    assert len(read) == HEAD + TAIL + 1
    assert excerpt(f"{middle}{tail * 2}{middle}") == read


async def test_a_question_below_a_long_text_is_read(estimate):
    found = await estimate("lorem ipsum " * 10**4 + "\n\nProve that this terminates.")
    assert "reasoning" in points(found)
