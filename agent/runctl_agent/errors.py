"""The expected failures; everything else that is raised is a bug and keeps its traceback."""


class AgentError(Exception):
    """`code` is one of runctl's error codes (src/model/errors.ts)."""

    def __init__(self, code, message, details=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or {}

    def as_answer(self):
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}
