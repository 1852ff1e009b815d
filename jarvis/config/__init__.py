"""The configuration: a TOML file, then `JARVIS__…` environment variables, then `--set key=value`."""

from jarvis.config.load import ConfigError, load
from jarvis.config.operations import HTTPConfig, LogConfig, SLOConfig
from jarvis.config.prompts import PromptsConfig, TemplateConfig
from jarvis.config.routes import RouteConfig
from jarvis.config.schema import NONE, Config, PluginsConfig, RetrievalConfig, ServerConfig
from jarvis.config.section import AdapterConfig, ModelConfig

__all__ = [
    "NONE",
    "AdapterConfig",
    "Config",
    "ConfigError",
    "HTTPConfig",
    "LogConfig",
    "ModelConfig",
    "PluginsConfig",
    "PromptsConfig",
    "RetrievalConfig",
    "RouteConfig",
    "SLOConfig",
    "ServerConfig",
    "TemplateConfig",
    "load",
]
