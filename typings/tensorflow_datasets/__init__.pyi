# As for Keras: `info.features` is a union of every kind of data set there is.
from typing import Any

def __getattr__(name: str) -> Any: ...
