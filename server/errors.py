"""What the API answers when it says no: one type, one JSON form."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

log = logging.getLogger(__name__)


class Refused(Exception):
    """The request is not granted. `code` is stable and for programs; the message is for people; `wait`: seconds to stay away."""

    def __init__(self, status: int, code: str, message: str, wait: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.wait = status, code, message, wait


class ErrorOut(Schema):
    """Every answer that is not a success."""

    error: str
    message: str


def away(error: BaseException | None) -> bool:
    """The database did not take it, and this error is what became of that: locked, gone, disk full, read-only."""
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            return True
        error = error.__cause__ or error.__context__
    return False


def unavailable() -> HttpResponse:
    """None of that is the sender's fault, so it must keep its copy and come again."""
    return error_response(503, "unavailable", "the collector cannot store anything now; try again later")


def error_response(status: int, code: str, message: str, wait: int | None = None) -> HttpResponse:
    response = JsonResponse({"error": code, "message": message}, status=status)
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        response["Retry-After"] = str(wait or 30)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Rasoat"
    return response


def install(api: NinjaAPI) -> None:
    """Give every error of `api` that form."""

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, error: Refused) -> HttpResponse:
        return error_response(error.status, error.code, error.message, error.wait)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first = error.errors[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "payload")) or "body"
        return error_response(422, "invalid", f"{place}: {first['msg']}")

    @api.exception_handler(HttpError)
    def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
        return error_response(error.status_code, "bad-request", str(error))

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    def busy(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("the database does not take it: %s", error)
        return unavailable()

    @api.exception_handler(IntegrityError)
    def crossed(request: HttpRequest, error: IntegrityError) -> HttpResponse:
        # two requests wrote the same row at once; nothing of this one is stored, and it will find the other's row next time
        log.exception("crossed with another request", exc_info=error)
        return error_response(503, "unavailable", "this request crossed another one; try again")

    @api.exception_handler(Exception)
    def bug(request: HttpRequest, error: Exception) -> HttpResponse:
        if away(error):
            return busy(request, error)
        log.exception("bug while answering %s %s", request.method, request.path, exc_info=error)
        return error_response(500, "bug", "the collector failed on this request; its log says where")
