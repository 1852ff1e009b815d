"""The configuration: a TOML file, then `JARVIS__…` environment variables, then `--set key=value`."""

from jarvis.app.config.access import CallerConfig
from jarvis.app.config.explain import ConfigError
from jarvis.app.config.load import load
from jarvis.app.config.lora import LoRASettings, engines, lora_settings
from jarvis.app.config.network import HTTPConfig, ServerConfig
from jarvis.app.config.operations import LogConfig, SLOConfig
from jarvis.app.config.prompts import PromptsConfig, TemplateConfig
from jarvis.app.config.routes import RouteConfig
from jarvis.app.config.schema import MEMORY, NONE, Config, PluginsConfig, RetrievalConfig
from jarvis.app.config.section import AdapterConfig, ModelConfig

__all__ = [
    "MEMORY",
    "NONE",
    "AdapterConfig",
    "CallerConfig",
    "Config",
    "ConfigError",
    "HTTPConfig",
    "LoRASettings",
    "LogConfig",
    "ModelConfig",
    "PluginsConfig",
    "PromptsConfig",
    "RetrievalConfig",
    "RouteConfig",
    "SLOConfig",
    "ServerConfig",
    "TemplateConfig",
    "engines",
    "load",
    "lora_settings",
]
