"""Settings that name certificates."""

from pathlib import Path


def settings(files: Path, *, client_ca: bool = True) -> list[str]:
    names = {"certificate": "server.pem", "key": "server.key"} | (
        {"client_ca": "callers.pem"} if client_ca else {}
    )
    roles = ['auth.default_roles=["infer", "write", "observe", "admin"]'] if client_ca else []
    return [*(f'server.tls.{name}="{files / file}"' for name, file in names.items()), *roles]
