import asyncio
import json
import re
import signal
from asyncio.subprocess import PIPE

import grpc
import pytest

from jarvis.cli.bench import _plot
from tests.command import JARVIS

SHORT = ("--seconds", "0.5", "--warm-up", "0.1", "--max-tokens", "4")


async def test_figures_for_people(run, address):
    code, out, err = await run("bench", "--server", address, "--concurrency", "2", *SHORT)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"measured 0\.5 s: \d+ requests answered, [\d.]+ requests/s", lines[0])
    assert re.fullmatch(r"output [\d,]+ tokens/s, prompts [\d,]+ tokens/s", lines[1])
    assert "2 still ran at the end, and were given up; they do not count" in lines
    assert [line.split()[0] for line in lines if line.startswith(("first", "each", "answer "))] == [
        "first",
        "each",
        "answer",
    ]
    assert any(line.endswith("#" * 40) for line in lines)


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([17.7], ["      17.7 to       17.7       1  " + "#" * 40]),
        ([17.7, 17.7], ["      17.7 to       17.7       2  " + "#" * 40]),
        (
            [0.0, 5.0, 100.0],
            [
                "       0.0 to       10.0       2  " + "#" * 40,
                *(f"{10.0 * n:10.1f} to {10.0 * n + 10:10.1f}       0" for n in range(1, 9)),
                "      90.0 to      100.0       1  " + "#" * 20,
            ],
        ),
    ],
)
def test_a_bar_tells_where_it_begins_and_ends(values, lines):
    assert list(_plot(values)) == lines


async def test_callers_and_a_rate_exclude_one_another(run):
    code, out, err = await run("bench", "--concurrency", "8", "--rate", "1", "--server", "127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "--concurrency and --rate: give one of them" in err


async def test_of_what_fails_the_first_is_told_in_the_servers_words(fake, run):
    fake.failure_after_started = (grpc.StatusCode.INVALID_ARGUMENT, "the prompt has 99 tokens of 64", [])
    code, out, _ = await run("bench", "--server", fake.address, "--concurrency", "1", *SHORT)
    assert code == 1
    assert re.search(r"\d+ failed: INVALID_ARGUMENT: the prompt has 99 tokens of 64\n", out)


@pytest.mark.slow
async def test_ctrl_c_in_the_warm_up_says_that_nothing_was_measured(fake):
    fake.hang_after_text = True
    command = (*JARVIS, "bench", "--server", fake.address)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    await asyncio.wait_for(fake.hanging.wait(), 30)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (130, b"", b"jarvis: nothing was measured yet\n")


async def test_figures_for_programs(run, address, tmp_path):
    (tmp_path / "prompts.txt").write_text("one\n\ntwo words\n")
    given = ("--prompts", str(tmp_path / "prompts.txt"), "--rate", "100", "--json")
    code, out, _ = await run("bench", "--server", address, *SHORT, *given)
    told = json.loads(out)
    assert code == 0
    assert told["plan"]["prompts"] == ["one", "two words"]
    assert told["summary"]["answered"] == len([one for one in told["requests"] if one["code"] == "OK"]) > 0


async def test_what_cannot_be_loaded_is_told_before(run, address, tmp_path):
    code, out, err = await run("bench", "--server", address, "--model", "nothing")
    assert (code, out) == (2, "")
    assert "no model 'nothing'" in err
    (tmp_path / "empty").write_text("\n")
    code, _, err = await run("bench", "--server", address, "--prompts", str(tmp_path / "empty"))
    assert code == 2
    assert "has no prompt" in err
    code, _, err = await run("bench", "--server", "127.0.0.1:1")
    assert code == 1
    assert "nothing listens there" in err
