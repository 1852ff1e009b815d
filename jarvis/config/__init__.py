"""The configuration: a TOML file, then `JARVIS__…` environment variables, then `--set key=value`."""

from jarvis.config.load import ConfigError, load
from jarvis.config.schema import (
    NONE,
    AdapterConfig,
    Config,
    LogConfig,
    ModelConfig,
    PluginsConfig,
    RetrievalConfig,
    ServerConfig,
)

__all__ = [
    "NONE",
    "AdapterConfig",
    "Config",
    "ConfigError",
    "LogConfig",
    "ModelConfig",
    "PluginsConfig",
    "RetrievalConfig",
    "ServerConfig",
    "load",
]
