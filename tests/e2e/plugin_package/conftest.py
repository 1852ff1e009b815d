# This package's own tests run where it is installed: see test_plugin_package.py.
collect_ignore = ["tests"]
