# Keras infers most of its types as unions that no call of ours can meet
# (`ops.sum` may be None). Its names are `Any` here, so that the check says the
# same where Keras is installed and where it is not.
from typing import Any

def __getattr__(name: str) -> Any: ...
