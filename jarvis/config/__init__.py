"""The configuration: a TOML file, then `JARVIS__…` environment variables, then `--set key=value`."""

from jarvis.config.load import ConfigError, load
from jarvis.config.schema import Config, LogConfig, ModelConfig, PluginsConfig, ServerConfig

__all__ = ["Config", "ConfigError", "LogConfig", "ModelConfig", "PluginsConfig", "ServerConfig", "load"]
