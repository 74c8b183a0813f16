"""Files in forms: only from people who are logged on, bounded, on disk while they are read."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler

MOST = 64 * 1024 * 1024


class Bounded(TemporaryFileUploadHandler):
    """The only upload handler. A stranger's file is cut off before its first byte is kept."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None) -> None:
        if content_length > MOST:
            raise RequestDataTooBig(f"{content_length} bytes, at most {MOST} are taken")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self.request is None or not self.request.user.is_authenticated:
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)
