"""Finds what a configuration keeps, for `jarvis.backup`."""

from jarvis.app.adapters import configure_adapter
from jarvis.app.config import NONE, Config
from jarvis.app.library import text_index_folder
from jarvis.app.metering import usage_file
from jarvis.backup import Places
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName


def places(config: Config) -> Places:
    """Return where the data of a server with this configuration is, whatever links lead there.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter: the store's adapter, or its settings, are wrong.
    """
    store = None
    if config.store.adapter != NONE:
        adapters = load_plugins(config.plugins.block)
        store = configure_adapter(adapters, PortName.STORE, "store", config.store).settings.kept_in()
    texts = text_index_folder(config) if store else None
    found = (path and path.resolve() for path in (store, texts, usage_file(config.limits.usage)))
    return Places(config.store.adapter, *found)
