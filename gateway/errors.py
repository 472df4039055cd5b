"""All errors of the gateway, with their HTTP status and OpenAI error type.

    GatewayError           500 server_error
    ├── BadRequest         400 invalid_request_error
    │   ├── ContextExceeded    code context_length_exceeded
    │   ├── SchemaTooComplex   code schema_too_complex
    │   ├── TimedOut           code timeout; a retry would take as long
    │   └── TooLarge       413
    ├── BodyTimedOut       408
    ├── Overloaded         503 too little memory for what clients send; has a Retry-After
    ├── Unauthorized       401 code invalid_api_key
    ├── Forbidden          403
    ├── NotFound           404
    │   └── ModelNotFound      code model_not_found
    ├── Busy               429 code rate_limit_exceeded; has a Retry-After
    ├── ModelUnusable      424 the model cannot be loaded; a retry does not help
    │   └── ModelUnavailable   503 it cannot be loaded now; a retry can help; has a Retry-After
    │       └── DownloadFailed     its file is not there yet; a retry goes on with the download
    ├── EngineDied         503 the worker died; the next request starts a new one
    ├── ShuttingDown       503
    ├── ReplicaUnavailable 503 no replica of a cluster takes requests
    │   └── ReplicaLost        the one that wrote the answer is gone
    ├── StoreUnavailable   503 the database of stored responses fails; has a Retry-After
    ├── NoValidAnswer      424 a remote engine generated no valid answer
    ├── RemoteFailed       502 a remote engine is unreachable, or its stream broke off
    │   ├── RemoteBusy     503
    │   └── RemoteTimeout  504
    └── ConfigError        never over HTTP; the gateway does not start

openai-python retries 408, 409, 429 and every 5xx, so an error that a retry cannot cure must have
another 4xx status.
"""

from __future__ import annotations

from typing import ClassVar

MAX_PARAM_CHARS = 200


class GatewayError(Exception):
    """Base class; `param` names the request parameter at fault, as in the OpenAI API.

    Both may quote what a client sent, so they are cut to `max_chars` and `MAX_PARAM_CHARS`.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    max_chars: ClassVar[int] = 2000
    code: str | None = None
    retry_after_s: int | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None):
        self.message = _cut(message, self.max_chars)
        super().__init__(self.message)
        self.param = param and _cut(param, MAX_PARAM_CHARS)
        self.code = code or self.code


class BadRequest(GatewayError):
    status = 400
    type = "invalid_request_error"


class ContextExceeded(BadRequest):
    """The prompt has `prompt` tokens, or if that `is_minimum` at least as many."""

    code = "context_length_exceeded"

    def __init__(self, prompt: int, context: int, *, is_minimum: bool = False):
        self.prompt, self.context = prompt, context
        found = f"at least {prompt}" if is_minimum else prompt
        super().__init__(
            f"the prompt has {found} tokens and the model's context is {context} tokens, including"
            " the answer; shorten the prompt, or raise `context` in models.yaml",
            param="messages",
        )


class SchemaTooComplex(BadRequest):
    code = "schema_too_complex"


class TimedOut(BadRequest):
    code = "timeout"


class TooLarge(BadRequest):
    status = 413


class BodyTimedOut(GatewayError):
    status = 408
    type = "invalid_request_error"
    code = "body_timeout"

    def __init__(self, timeout_s: float):
        super().__init__(
            f"the body did not arrive within {timeout_s:g} s; `limits.body_s` in models.yaml sets"
            " this time"
        )


class Overloaded(GatewayError):
    status = 503
    code = "overloaded"
    retry_after_s = 1


class Unauthorized(GatewayError):
    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class Forbidden(GatewayError):
    status = 403
    type = "invalid_request_error"


class NotFound(GatewayError):
    status = 404
    type = "invalid_request_error"


class ModelNotFound(NotFound):
    code = "model_not_found"


class Busy(GatewayError):
    status = 429
    type = "requests"  # as in the OpenAI API
    code = "rate_limit_exceeded"

    def __init__(self, message: str, retry_after_s: int):
        super().__init__(f"{message}; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class ModelUnusable(GatewayError):
    status = 424
    code = "model_unusable"

    def reworded(self, message: str) -> ModelUnusable:
        """The same error with another message."""
        return type(self)(message, code=self.code)


class ModelUnavailable(ModelUnusable):
    status = 503
    code = "model_unavailable"
    retry_after_s = 5


class DownloadFailed(ModelUnavailable):
    code = "download_failed"


class EngineDied(GatewayError):
    status = 503
    code = "engine_died"
    retry_after_s = 1


class ShuttingDown(GatewayError):
    status = 503
    code = "shutting_down"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("the gateway is shutting down; retry when it is running again")


class ReplicaUnavailable(GatewayError):
    status = 503
    code = "replica_unavailable"
    retry_after_s = 1

    def __init__(self, message: str = "no replica takes requests now; try again soon"):
        super().__init__(message)


class ReplicaLost(ReplicaUnavailable):
    code = "replica_lost"

    def __init__(self) -> None:
        super().__init__("the replica that wrote this answer is gone; send the request again")


class StoreUnavailable(GatewayError):
    status = 503
    code = "store_unavailable"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("stored responses are not available now; the gateway's log says why")


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
    """An error in models.yaml, in a file that it names, or on the command line."""

    max_chars = 100_000  # it may list many faults


def _cut(text: str, length: int) -> str:
    """Returns `text` without its middle if it is longer than `length`; the cure is at its end."""
    half = (length - 3) // 2
    return text if len(text) <= length else f"{text[:half]}...{text[-half:]}"
