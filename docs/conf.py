"""How the pages are built: ``make docs``, with every warning an error."""

from importlib.metadata import version as installed_version

project = "chatstream"
author = "chatstream contributors"
copyright = "chatstream contributors"  # noqa: A001  (Sphinx reads this name)
version = installed_version("chatstream-server").split("+")[0]
release = version

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinxcontrib.mermaid"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "chatstream"
copybutton_exclude = ".linenos, .gp"
