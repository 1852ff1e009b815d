import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from zlib import crc32

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "README.md": b"---\nlicense: mit\n---\n# A model",
    "model.safetensors": b"w" * 5000,
    "pytorch_model.bin": b"w" * 5000,
    "onnx/model.onnx": b"w" * 5000,
}


@dataclass
class Hub:
    """A stub of the Hugging Face hub, with one repository, `org/model`."""

    url: str
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    announced: dict[str, int] = field(default_factory=dict)
    """Sizes that it gives for files, where they are not the true ones."""
    error: tuple[int, str] | None = None
    """The status and the error code that it answers everything with."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Bodies of safetensors are held back until it is set."""
    asked: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        if self.hub.error:
            status, code = self.hub.error
            self.send(status, b"", {"X-Error-Code": code})
        elif path in {"/api/models/org/model", "/api/models/org/model/revision/v/1"}:
            siblings = [{"rfilename": name, "size": self.size(name)} for name in self.hub.files]
            self.json({"id": "org/model", "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"/api/models/org/model/tree/{COMMIT}"):
            self.json(
                [
                    {"type": "file", "path": name, "size": len(body), "oid": COMMIT}
                    for name, body in self.hub.files.items()
                ]
            )
        elif path.startswith(f"/org/model/resolve/{COMMIT}/"):
            name = path.removeprefix(f"/org/model/resolve/{COMMIT}/")
            if name.endswith(".safetensors") and self.command == "GET":
                self.hub.gate.wait(30)
            self.send(
                200, self.hub.files[name], {"ETag": f'"{crc32(name.encode())}"', "X-Repo-Commit": COMMIT}
            )
        else:
            self.send(
                404, b"", {"X-Error-Code": "RevisionNotFound" if "revision" in path else "RepoNotFound"}
            )

    def size(self, name):
        return self.hub.announced.get(name, len(self.hub.files[name]))

    def json(self, value):
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JARVIS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def hub(cache_folder, monkeypatch, tmp_path):
    handler = type("BoundHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.hub = Hub(f"http://127.0.0.1:{server.server_port}")
    handler.hub.gate.set()
    monkeypatch.setenv("HF_ENDPOINT", handler.hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    yield handler.hub
    handler.hub.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()
