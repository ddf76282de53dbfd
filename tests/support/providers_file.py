"""A file of providers, and the catalog of it."""

from __future__ import annotations

from pathlib import Path

from shared.catalog import Catalog, load_catalog
from shared.settings import Settings


def load(folder: Path, text: str, **environ: str) -> Catalog:
    file = folder / "providers.yaml"
    file.write_text(text, encoding="utf-8")
    return load_catalog(Settings(config=str(file)), environ)
