"""The check for known vulnerabilities, with the real pip-audit and a service of this machine."""

import json
import subprocess
import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts.audit import ACCEPTED, NotChecked, audit
from scripts.locked import LOCK, Pin, pins

LOCKED = [Pin("diskcache", "5.6.3", ()), Pin("torch", "2.13.0+cpu", ()), Pin("yarl", "1.25.1", ())]
FOUND = {
    "id": "GHSA-0000-0000-0001",
    "aliases": ["CVE-2025-69872"],
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "unpickles",
    "affected": [
        {
            "package": {"name": "diskcache", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.0"}]}],
        }
    ],
}


class Service(BaseHTTPRequestHandler):
    asked: list
    silent_seconds = 0.0

    def do_POST(self):
        time.sleep(self.silent_seconds)
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(query)
        found = [FOUND] if query["package"]["name"] == "diskcache" else []
        body = json.dumps({"vulns": found} if found else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    """The options of pip-audit for a service that knows one vulnerability."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Service,), {"asked": []}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1/query"
    yield server.RequestHandlerClass, ("--vulnerability-service", "osv", "--osv-url", url)
    server.shutdown()
    server.server_close()


def answering(monkeypatch, *packages):
    done = subprocess.CompletedProcess((), 0, json.dumps({"dependencies": packages}), "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)


@pytest.mark.slow
def test_what_is_known_is_a_problem(service):
    handler, options = service
    problems, notes = audit(LOCKED, {}, options, probe_seconds=60)
    assert problems == ["diskcache 5.6.3: CVE-2025-69872 (mended in 9.0)"]
    assert notes == ["3 of 3 packages checked"]
    assert {"2.13.0"} == {asked["version"] for asked in handler.asked if asked["package"]["name"] == "torch"}


@pytest.mark.parametrize("named", ["CVE-1", "GHSA-1"])
def test_what_is_accepted_is_none_by_any_of_its_names(monkeypatch, named):
    answering(monkeypatch, {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "aliases": ["GHSA-1"]}]})
    assert audit(LOCKED, {named: {}}) == ([], ["1 of 1 packages checked"])


def test_what_is_accepted_for_nothing_and_what_is_unknown_is_said(monkeypatch):
    answering(
        monkeypatch, {"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}
    )
    assert audit(LOCKED, {"CVE-1": {}}) == (
        [],
        [
            "1 of 2 packages checked",
            "unknown to the service: b",
            "CVE-1 is accepted, and no longer found: take it off accepted.toml",
        ],
    )


@pytest.mark.slow
def test_a_service_that_does_not_answer_is_not_waited_for(service):
    handler, options = service
    handler.silent_seconds = 30.0
    with pytest.raises(NotChecked, match="no answer from the service in 3 s"):
        audit(LOCKED, {}, options, probe_seconds=3)


@pytest.mark.slow
def test_a_service_that_is_not_there_is_said():
    with pytest.raises(NotChecked, match="cannot be reached"):
        audit(
            LOCKED,
            {},
            ("--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:9/"),
            probe_seconds=60,
        )


def test_a_mirror_that_knows_no_package_is_no_clean_bill(monkeypatch):
    answering(monkeypatch, *({"name": pin.name, "skip_reason": "not found"} for pin in LOCKED))
    with pytest.raises(NotChecked, match="knows none of the packages"):
        audit(LOCKED, {})


@pytest.mark.slow
def test_a_fault_of_pip_audit_is_none_of_the_network():
    with pytest.raises(RuntimeError, match="invalid Vuln"):
        audit(LOCKED, {}, ("--vulnerability-service", "nobody"), probe_seconds=60)


def test_what_is_accepted_has_a_reason_a_date_and_a_place_in_the_lock():
    locked = {pin.name for pin in pins(LOCK.read_text())}
    for one in tomllib.loads(ACCEPTED.read_text())["accepted"]:
        assert one["package"] in locked
        assert len(one["reason"]) > 20
        assert one["date"]
