"""The configuration: a TOML file, then `JARVIS__…` environment variables, then `--set key=value`."""

from jarvis.config.load import ConfigError, load
from jarvis.config.prompts import PromptsConfig, TemplateConfig
from jarvis.config.routes import RouteConfig
from jarvis.config.schema import NONE, Config, LogConfig, PluginsConfig, RetrievalConfig, ServerConfig
from jarvis.config.section import AdapterConfig, ModelConfig

__all__ = [
    "NONE",
    "AdapterConfig",
    "Config",
    "ConfigError",
    "LogConfig",
    "ModelConfig",
    "PluginsConfig",
    "PromptsConfig",
    "RetrievalConfig",
    "RouteConfig",
    "ServerConfig",
    "TemplateConfig",
    "load",
]
