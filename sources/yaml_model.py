"""Models of the YAML files people write: strict about keys, with errors that name file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class MappingError(ValueError):
    """A mapping, delivery or plan file cannot be used; the message names the file, the key and what to change."""


class YamlModel(BaseModel):
    """Base of all models: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnyModel = TypeVar("AnyModel", bound=YamlModel)


def parse_model(model: type[AnyModel], document: object, where: str) -> AnyModel:
    """Validate a YAML document as ``model``; MappingError names ``where`` and the offending key."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        message = first["msg"].removeprefix("Value error, ")
        raise MappingError(f"{where}: key {key}: {message}.") from error


def read_yaml(path: Path) -> Any:
    """Content of a YAML file; MappingError names the file when it is not readable."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise MappingError(f"{path.name}: not readable as YAML ({reason}); correct the file.") from error
