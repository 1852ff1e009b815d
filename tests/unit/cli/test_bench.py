import json

SHORT = ("--seconds", "0.5", "--warm-up", "0.1", "--max-tokens", "4")


async def test_figures_for_people(run, address):
    code, out, err = await run("bench", "--server", address, "--concurrency", "2", *SHORT)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert " requests answered, " in lines[0]
    assert lines[1].endswith(" a second, of prompts " + lines[1].rpartition(" ")[2])
    assert "2 were given up at the end" in lines
    assert [line.split()[0] for line in lines if line.startswith(("first", "each", "answer "))] == [
        "first",
        "each",
        "answer",
    ]
    assert any(line.endswith("#" * 40) for line in lines)


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
