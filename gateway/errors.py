"""Everything that can go wrong, and how it is told over HTTP.

    GatewayError           500 server_error
    ├── BadRequest         400 invalid_request_error
    │   ├── ContextExceeded    code context_length_exceeded
    │   └── TooLarge       413
    ├── NotFound           404
    │   └── ModelNotFound      code model_not_found
    ├── ModelUnusable      424 the model named can't be loaded; asking again won't help
    ├── EngineDied         503 a worker was lost; the next request gets a new one
    ├── NoValidAnswer      424 a remote engine's model doesn't write what was asked for
    ├── RemoteFailed       502 a remote engine can't be reached, or its answer broke off
    │   ├── RemoteBusy     503
    │   └── RemoteTimeout  504
    └── ConfigError        never over HTTP: it stops the start

openai-python retries 408, 409, 429 and every 5xx, so what will fail again must be another 4xx.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: str | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None):
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code


class BadRequest(GatewayError):
    status = 400
    type = "invalid_request_error"


class ContextExceeded(BadRequest):
    code = "context_length_exceeded"

    def __init__(self, prompt: int, context: int):
        super().__init__(
            f"the prompt has {prompt} tokens and the model's context holds {context}, the answer"
            " included; shorten the messages, or raise `context` in models.yaml",
            param="messages",
        )


class TooLarge(BadRequest):
    status = 413


class NotFound(GatewayError):
    status = 404
    type = "invalid_request_error"


class ModelNotFound(NotFound):
    code = "model_not_found"


class ModelUnusable(GatewayError):
    status = 424
    code = "model_unusable"


class EngineDied(GatewayError):
    status = 503
    code = "engine_died"


class NoValidAnswer(GatewayError):
    status = 424
    code = "no_valid_answer"


class RemoteFailed(GatewayError):
    status = 502
    code = "remote_failed"


class RemoteBusy(RemoteFailed):
    status = 503
    code = "remote_busy"


class RemoteTimeout(RemoteFailed):
    status = 504
    code = "remote_timeout"


class ConfigError(GatewayError):
    """A mistake in models.yaml or in something it names."""
