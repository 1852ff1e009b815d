from jarvis.app.config import SLOConfig
from jarvis.app.slo import generate


async def test_the_rules_of_the_configuration_are_printed(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert await run("slo", "rules") == (0, generate(SLOConfig()), "")
    (tmp_path / "jarvis.toml").write_text("[slo]\nwindow_days = 7\n")
    assert await run("slo", "rules") == (0, generate(SLOConfig(window_days=7)), "")
    changed = await run("slo", "rules", "--set", 'slo.bad_codes=["INTERNAL"]')
    assert changed == (0, generate(SLOConfig(window_days=7, bad_codes=["INTERNAL"])), "")


async def test_the_rules_go_to_a_file(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert await run("slo", "rules", "--output", "rules.yml") == (0, "", "")
    assert (tmp_path / "rules.yml").read_text() == generate(SLOConfig())


async def test_a_file_that_cannot_be_written(run, tmp_path):
    code, out, err = await run("slo", "rules", "--output", str(tmp_path / "none" / "rules.yml"))
    assert (code, out) == (2, "")
    assert "--output" in err
    assert "cannot be written: No such file or directory" in err


async def test_a_threshold_that_no_bucket_has(run):
    code, out, err = await run("slo", "rules", "--set", "slo.latency.threshold_seconds=3")
    assert (code, out) == (2, "")
    assert "slo.latency.threshold_seconds: must be a bound of a bucket" in err
